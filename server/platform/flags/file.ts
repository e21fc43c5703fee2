import { readFileSync } from 'node:fs'
import { readFile, stat } from 'node:fs/promises'
import type { Logger } from 'pino'
import { type FlagTable, type FlagValue, valuesInWords, valuesOf } from '../../../contract/flagTable.ts'
import type { FlagValues } from '../configuration/flagVariables.ts'
import { ConfigError, errorCode } from '../configuration/problems.ts'

/** How soon a change of the file is seen. */
const lookMs = 500

/**
 * The values in a file of flags, now. Throws ConfigError when it cannot be read or says something wrong: a server does
 * not start with a file that it does not understand.
 */
export const readFlagFile = (path: string, table: FlagTable): FlagValues => {
  try {
    return parseFlagFile(readFileSync(path, 'utf8'), table)
  } catch (error) {
    const expected = 'a readable file with a JSON object of flags and their values'
    const found = `${path}: ${reasonOf(error)}`
    throw new ConfigError([{ name: 'FLAGS_FILE', expected, found, fix: 'correct the file, or unset FLAGS_FILE' }])
  }
}

/** Throws an Error whose message says what is wrong with the text. */
const parseFlagFile = (text: string, table: FlagTable): FlagValues => {
  let parsed: unknown
  try {
    parsed = JSON.parse(text)
  } catch {
    throw new FileFault('it is not JSON')
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed))
    throw new FileFault('it is no JSON object')
  const faults = Object.entries(parsed).flatMap(([name, value]) => faultOf(table, name, value))
  if (faults.length > 0) throw new FileFault(faults.join('; '))
  return parsed as FlagValues
}

const faultOf = (table: FlagTable, name: string, value: unknown): string[] => {
  const flag = Object.hasOwn(table, name) ? table[name] : undefined
  if (!flag) return [`${JSON.stringify(name)} is no flag of the contract`]
  return valuesOf(flag).includes(value as FlagValue) ? [] : [`${name} must be ${valuesInWords(flag)}`]
}

class FileFault extends Error {}

const reasonOf = (error: unknown): string =>
  error instanceof FileFault ? error.message : errorCode(error) || 'unknown error'

interface Watch {
  readonly path: string
  readonly table: FlagTable
  readonly onChange: (values: FlagValues) => void
  readonly log: Logger
}

/**
 * Looks at the file again and again, by its path: it may be written, replaced by a rename, or be a link that is turned to
 * another file. One that is broken or gone changes nothing and is logged, once for each state it is found in. Returns how
 * to stop.
 */
export const watchFlagFile = ({ path, table, onChange, log }: Watch): (() => void) => {
  let seen = ''
  const look = async () => {
    const stamp = await stampOf(path)
    if (stamp === seen) return
    const isFirst = seen === ''
    seen = stamp
    try {
      onChange(parseFlagFile(await readFile(path, 'utf8'), table))
      if (!isFirst) log.info({ path }, 'the file of flags was read anew')
    } catch (error) {
      const sentence = `FLAGS_FILE is broken (${reasonOf(error)}): the flags stay as they were until it is put right`
      log.error({ path }, sentence)
    }
  }
  let isLooking = false
  const timer = setInterval(async () => {
    if (isLooking) return
    isLooking = true
    await look()
    isLooking = false
  }, lookMs).unref()
  return () => clearInterval(timer)
}

/** Another one whenever the content may be another one. */
const stampOf = async (path: string): Promise<string> => {
  try {
    const { dev, ino, size, mtimeNs, ctimeNs } = await stat(path, { bigint: true })
    return [dev, ino, size, mtimeNs, ctimeNs].join(' ')
  } catch (error) {
    return errorCode(error) || 'unreadable'
  }
}
