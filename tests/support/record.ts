import { appendFileSync, mkdirSync, readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { inject } from 'vitest'
import document from '../../contract/openapi.json' with { type: 'json' }
import { createConformance } from './conformance.ts'

/**
 * What the tests of this run have seen, kept in a folder of the run since test files run in processes of their own:
 * the errors provoked at each entry, and how many replies were held against the OpenAPI document.
 */
const folder = () => {
  const place = inject('recordFolder')
  mkdirSync(place, { recursive: true })
  return place
}

const write = (line: string) => appendFileSync(path.join(folder(), `${process.pid}.txt`), `${line}\n`)

/** Notes that an entry answered with an error code. */
export const provoked = (entry: string, code: string): void => write(`provoked ${entry} ${code}`)

const checker = createConformance(document)

/** Throws when a reply is not what the OpenAPI document promises. */
export const conformance = (
  http: readonly [method: string, path: string, ...rest: unknown[]],
  reply: { status: number; body: unknown },
): void => {
  const problems = checker.check({ method: http[0], path: http[1], ...reply })
  write('checked')
  if (problems.length > 0) {
    throw new Error(`${http[0]} ${http[1]} ${reply.status} is not as documented: ${problems.join('; ')}`)
  }
}

/** Everything noted in a folder, for the end of the run. */
export const readRecord = (place: string) => {
  const lines = readdirSync(place).flatMap((file) => readFileSync(path.join(place, file), 'utf8').trim().split('\n'))
  return {
    checked: lines.filter((line) => line === 'checked').length,
    provoked: new Set(
      lines.filter((line) => line.startsWith('provoked ')).map((line) => line.slice('provoked '.length)),
    ),
  }
}
