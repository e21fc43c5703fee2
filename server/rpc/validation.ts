import type { z } from 'zod'
import { type Failure, refuse } from './failure.ts'

type Issue = z.core.$ZodIssue

/** `scopes[0].name` for ['scopes', 0, 'name']. */
const fieldName = (path: readonly PropertyKey[]): string =>
  path.reduce<string>((name, key) => {
    if (typeof key === 'number') return `${name}[${key}]`
    return name === '' ? String(key) : `${name}.${String(key)}`
  }, '')

const nouns: Record<string, string> = { int: 'an integer', object: 'an object', array: 'an array' }

const valueAt = (input: unknown, path: readonly PropertyKey[]): unknown =>
  path.reduce<unknown>((value, key) => (value as Record<PropertyKey, unknown> | null | undefined)?.[key], input)

const formats: Record<string, string> = {
  email: 'must be a valid email',
  guid: 'must be a valid uuid',
  uuid: 'must be a valid uuid',
  date: 'must be a valid date (YYYY-MM-DD)',
  datetime: 'must be a valid date and time (ISO 8601)',
}

/** A custom check knows better, and is not asked about what is not there. */
const isMissing = (issue: Issue, input: unknown) => issue.code !== 'custom' && valueAt(input, issue.path) === undefined

const text = (issue: Issue, input: unknown): string => {
  if (isMissing(issue, input)) return 'is required'
  switch (issue.code) {
    case 'invalid_type':
      return `must be ${nouns[issue.expected] ?? `a ${issue.expected}`}`
    case 'too_small':
      return issue.minimum === 1 && issue.origin === 'string' ? 'is required' : `must be at least ${issue.minimum}`
    case 'too_big':
      return `must be at most ${issue.maximum}`
    case 'invalid_format':
      // A pattern of the contract says what it asks for; zod's own sentence would show the expression.
      if (issue.format === 'regex' && !issue.message.startsWith('Invalid')) return issue.message
      return formats[issue.format] ?? `must be a valid ${issue.format}`
    case 'invalid_value':
      return `must be one of [${issue.values.join(' ')}]`
    default:
      return issue.code === 'custom' && issue.message ? issue.message : 'is not valid'
  }
}

/** For what a schema cannot see, such as a moment that must lie ahead: the field, and what its value must be. */
export const invalidFields = (fields: Readonly<Record<string, string>>): Failure =>
  refuse('validation', { meta: { fields } })

/** The failure that names every field which is not valid, never its value. The first problem of a field counts. */
export const invalidInput = (issues: readonly Issue[], input: unknown): Failure => {
  const fields: Record<string, string> = {}
  for (const issue of issues) {
    const name = fieldName(issue.path)
    if (!Object.hasOwn(fields, name)) fields[name] = text(issue, input)
  }
  return invalidFields(fields)
}

/** Deeper than any input of a contract; a walk of deeper values could exhaust the stack. */
const depthMax = 64

/**
 * Refuses what no schema should have to think of: nesting beyond any use, and text that PostgreSQL cannot store (NUL,
 * lone surrogates), naming the field.
 */
export const requireReadable = (input: unknown): void => {
  const broken = findBroken(input, 0)
  if (broken) throw invalidFields({ [fieldName(broken)]: 'must not contain NUL or broken characters' })
}

const isBroken = (text: string) => text.includes('\0') || !text.isWellFormed()

/** The path to the first broken text, built only on the way back. */
const findBroken = (value: unknown, depth: number): PropertyKey[] | undefined => {
  if (typeof value === 'string') return isBroken(value) ? [] : undefined
  if (typeof value !== 'object' || value === null) return undefined
  if (depth >= depthMax) throw refuse('request.malformed')
  for (const key in value) {
    const below = isBroken(key) ? [] : findBroken((value as Record<string, unknown>)[key], depth + 1)
    if (below) return [Array.isArray(value) ? Number(key) : key.toWellFormed().replaceAll('\0', ''), ...below]
  }
  return undefined
}
