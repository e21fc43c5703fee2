import { z } from 'zod'

/** A UUID of any version, in lower case. */
export const Id = z.guid().toLowerCase()

/** A moment: a Date inside the server, ISO 8601 text with milliseconds in UTC on the wire. */
export const Instant = z.codec(z.date(), z.string().meta({ format: 'date-time' }), {
  decode: (date) => date.toISOString(),
  encode: (text) => new Date(text),
})

/** By hand: the pattern ` +$` takes a time that grows with the square of the spaces, and anybody may send a million. */
const withoutSpacesAround = (text: string) => {
  let start = 0
  let end = text.length
  while (text[start] === ' ') start += 1
  while (end > start && text[end - 1] === ' ') end -= 1
  return text.slice(start, end)
}

/** An address in lower case. Spaces around it are dropped, nothing else is. Longest by RFC 5321 4.5.3.1.3: 254 characters. */
export const Email = z
  .string()
  .meta({ format: 'email' })
  .transform((text) => withoutSpacesAround(text).toLowerCase())
  .pipe(z.email().max(254))

const codePoints = (text: string) => {
  let count = 0
  for (const _ of text) count += 1
  return count
}

/** Text of `min` to `max` characters, counted as code points, without the white space around it. */
export const label = (min: number, max: number) => z.string().trim().check(lengthBetween(min, max))

/**
 * A password as it is typed: 8 to 128 code points, nothing trimmed or cut.
 * Source: OWASP ASVS 5.0 6.2.1 and 6.2.9 (at least 8, at least 64 permitted).
 */
export const Password = z.string().check(lengthBetween(8, 128))

/** A password to be tried: the bounds of Password without its lower one, so that a wrong guess learns no rule. */
export const PasswordAttempt = z.string().check(lengthBetween(1, 128))

/** Reports a length like zod's own checks do, in code points instead of UTF-16 units. */
function lengthBetween(min: number, max: number) {
  const check = z.check<string>(({ value, issues }) => {
    // A code point is one or two UTF-16 units, so most texts need no counting.
    const length = value.length <= min * 2 || value.length > max ? codePointsUpTo(value, max * 2 + 1) : value.length
    if (length < min) issues.push({ code: 'too_small', minimum: min, origin: 'string', inclusive: true, input: value })
    if (length > max) issues.push({ code: 'too_big', maximum: max, origin: 'string', inclusive: true, input: value })
  })
  check._zod.onattach.push(({ _zod: { bag } }) => Object.assign(bag, { minimum: min, maximum: max }))
  return check
}

/** Texts beyond `units` UTF-16 units are too long whatever they hold, so a huge one is never walked. */
const codePointsUpTo = (text: string, units: number) => (text.length > units ? text.length : codePoints(text))

/**
 * A moment in a request: ISO 8601 with an offset or Z on the wire, a Date inside the server. In UTC its year has four digits
 * and is not 0, which PostgreSQL does not have.
 */
export const InstantInput = z.iso
  .datetime({ offset: true, error: 'must be a valid date and time (ISO 8601)' })
  .max(40)
  .transform((text) => new Date(text))
  .refine((date) => date.getUTCFullYear() >= 1 && date.getUTCFullYear() <= 9_999, {
    error: 'must be a valid date and time (ISO 8601)',
  })

/** A day in a request: `2027-01-31`. PostgreSQL has no year 0. */
export const Day = z.iso
  .date()
  .max(10)
  .refine((text) => !text.startsWith('0000'), { error: 'must be a valid date (YYYY-MM-DD)' })

/** The code of a permission: lower-cased, 2 to 100 of letters, digits, dot, underscore and hyphen. */
export const PermissionCode = z
  .string()
  .toLowerCase()
  .min(2)
  .max(100)
  .regex(/^[a-z0-9._-]+$/, { error: 'must only hold letters, digits, dots, underscores and hyphens' })

/** The code of a role: as a permission's, without dots. */
export const RoleCode = z
  .string()
  .toLowerCase()
  .min(2)
  .max(100)
  .regex(/^[a-z0-9_-]+$/, { error: 'must only hold letters, digits, underscores and hyphens' })

/** Any JSON value, at most 64 KiB as text: the one place of the contract where the shape is the caller's own. */
export const Json = z
  .json()
  .refine((value) => new TextEncoder().encode(JSON.stringify(value)).length <= 65_536, {
    error: 'must be at most 64 KiB of JSON',
  })
  .meta({ id: 'Json' })

/** Repeats the tenant of X-Tenant-ID where goforge's clients send it in body or query; null means absent. */
export const TenantEcho = Id.nullish()
