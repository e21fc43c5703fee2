import { readFileSync } from 'node:fs'
import type { Load } from './load.ts'
import type { Target } from './targets.ts'

interface Answer {
  readonly status: number
  readonly fields: string
  readonly data: unknown
  readonly headers: readonly string[]
}

/** Answers that come to the same are the ground of every comparison: throws where one server says less than another. */
export const checkSame = async (load: Load, targets: readonly Target[]): Promise<void> => {
  const answers = await Promise.all(targets.map((target) => ask(target, load)))
  const [first] = answers
  answers.forEach((answer, index) => {
    const who = `${targets[index]?.name} at ${load.path}`
    if (answer.status !== 200) throw new Error(`${who} answers ${answer.status}`)
    if (answer.fields !== first?.fields) throw new Error(`${who} has ${answer.fields}, not ${first?.fields}`)
  })
}

/** Throws unless two servers send the same headers and, but for the request id, the same body. */
export const checkSameBytes = async (load: Load, one: Target, other: Target): Promise<void> => {
  const told = [await ask(one, load), await ask(other, load)].map(({ data, headers }) =>
    JSON.stringify([data, headers]),
  )
  if (told[0] !== told[1]) throw new Error(`${one.name} and ${other.name} differ: ${told.join(' ')}`)
}

const ask = async (target: Target, load: Load): Promise<Answer> => {
  const { headers, body } = firstRequest(load)
  const reply = await fetch(target.url + load.path, { method: load.method, headers, ...(body ? { body } : {}) })
  const content = (await reply.json()) as { readonly data?: unknown }
  return {
    status: reply.status,
    fields: fieldsOf(content).join(' '),
    data: content.data,
    headers: [...reply.headers]
      .filter(([name]) => name !== 'date')
      .map(([name, value]) => (name === 'x-request-id' ? name : `${name}: ${value}`)),
  }
}

/** The first request of a feed; see requests.lua. */
const firstRequest = ({ feed }: Load): { headers: Record<string, string>; body?: string } => {
  if (feed === undefined) return { headers: {} }
  const [name = '', value = '', body = ''] = readFileSync(feed, 'utf8').split('\n', 1)[0]?.split('\t') ?? []
  const headers = { [name]: value, ...(body === '' ? {} : { 'content-type': 'application/json' }) }
  return body === '' ? { headers } : { headers, body }
}

/** The path and type of every field, of all elements of a list: lists must be of the same length. */
const fieldsOf = (value: unknown, at = ''): string[] => {
  if (Array.isArray(value)) return value.flatMap((element) => fieldsOf(element, `${at}[]`))
  if (typeof value !== 'object' || value === null) return [`${at}:${typeof value}`]
  return Object.entries(value)
    .flatMap(([name, inner]) => fieldsOf(inner, `${at}.${name}`))
    .sort()
}
