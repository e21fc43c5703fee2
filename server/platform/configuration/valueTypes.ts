import { BlockList, isIP } from 'node:net'
import { z } from 'zod'

/** Digits only: "12x", "1e3", "0x10" and "1.5" are refused, never read as something else. */
export function integer(min: number, max: number) {
  return z
    .string()
    .trim()
    .regex(/^\d+$/)
    .transform(Number)
    .pipe(z.int().min(min).max(max))
    .describe(`an integer from ${min} to ${max}`)
}

export function choice<const T extends readonly [string, ...string[]]>(...values: T) {
  return z
    .string()
    .trim()
    .pipe(z.enum(values))
    .describe(`one of ${values.join(', ')}`)
}

export const boolean = z
  .string()
  .trim()
  .pipe(z.enum(['true', 'false', '1', '0']))
  .transform((text) => text === 'true' || text === '1')
  .describe('true, false, 1 or 0')

export function word(pattern: RegExp, expected: string) {
  return z.string().trim().regex(pattern).describe(expected)
}

export const directory = z.string().min(1).describe('a path')
export const token = z.string().min(1).describe('a text')

const postgresProtocols = new Set(['postgres:', 'postgresql:'])

export const postgresUrl = z
  .string()
  .trim()
  .refine((text) => URL.canParse(text) && postgresProtocols.has(new URL(text).protocol))
  .describe('a URL postgres://user:password@host:port/database')

const httpProtocols = new Set(['http:', 'https:'])

export const httpUrl = z
  .string()
  .trim()
  .refine((text) => URL.canParse(text) && httpProtocols.has(new URL(text).protocol))
  .describe('a URL http://host:port or https://host:port')

export const share = z
  .string()
  .trim()
  .regex(/^(?:0|1|0?\.\d+|[01]\.0+)$/)
  .transform(Number)
  .describe('a number from 0 to 1')

const headerPair = /^[!#$%&'*+.^_`|~\w-]+=[\x21\x23-\x2b\x2d-\x3a\x3c-\x5b\x5d-\x7e]*$/

/** As W3C Baggage writes pairs, without properties: the form of OTEL_EXPORTER_OTLP_HEADERS. */
export const headerPairs = z
  .string()
  .transform((text) => text.split(',').map((pair) => pair.trim()))
  .transform((pairs) => pairs.filter((pair) => pair !== ''))
  .refine((pairs) => pairs.every((pair) => headerPair.test(pair) && isDecodable(pair)))
  .transform((pairs) =>
    Object.fromEntries(
      pairs.map((pair) => {
        const at = pair.indexOf('=')
        return [pair.slice(0, at), decodeURIComponent(pair.slice(at + 1))]
      }),
    ),
  )
  .describe('pairs name=value with commas between, values percent-encoded')

function isDecodable(text: string): boolean {
  try {
    return !/[\r\n]/.test(decodeURIComponent(text))
  } catch {
    return false
  }
}

const redisProtocols = new Set(['redis:', 'rediss:'])

export const redisUrl = z
  .string()
  .trim()
  .refine((text) => URL.canParse(text) && redisProtocols.has(new URL(text).protocol))
  .describe('a URL redis://user:password@host:port/number, or rediss:// for TLS')

/** RFC 7518 3.2: a key for HS256 is at least as long as the hash output, 32 bytes. */
export const signingSecret = z
  .string()
  .refine((text) => Buffer.byteLength(text) >= 32, 'shorter than 32 bytes')
  .refine((text) => new Set(text).size > 1, 'one character repeated')
  .describe('32 bytes or more, not one repeated character')

function listOf<T extends z.ZodType<string, string>>(item: T, expected: string) {
  return z
    .string()
    .transform((text) => text.split(',').map((part) => part.trim()))
    .transform((parts) => parts.filter((part) => part !== ''))
    .pipe(z.array(item))
    .describe(expected)
}

export const signingSecrets = listOf(signingSecret, 'a comma-separated list of secrets, each of 32 bytes or more')

/** An origin is compared to the Origin header as text, so it must be written as browsers write it (RFC 6454 6.2). */
function isOrigin(text: string): boolean {
  if (!/^[a-z][a-z0-9+.-]*:\/\/[^\s/?#@*]+$/.test(text) || !URL.canParse(text)) return false
  const { protocol, origin } = new URL(text)
  return protocol === 'http:' || protocol === 'https:' ? origin === text : true
}

export const origins = listOf(
  z.string().refine((text) => text === '*' || isOrigin(text), { error: (issue) => `not an origin: "${issue.input}"` }),
  'a comma-separated list of origins such as https://app.example.com (lower case, no path, no default port), or *',
)
  .refine((list) => !list.includes('*') || list.length === 1, '* stands beside other origins')
  .describe('a comma-separated list of origins scheme://host[:port] (lower case, no path, no default port), or *')

/** The addresses and CIDR ranges as one set. Throws on an entry that is neither. */
export function addressSet(entries: readonly string[]): BlockList {
  const set = new BlockList()
  for (const entry of entries) {
    const [address = '', prefix, ...rest] = entry.split('/')
    const family = isIP(address) === 6 ? 'ipv6' : 'ipv4'
    if (rest.length > 0 || (prefix !== undefined && !/^\d{1,3}$/.test(prefix))) throw new RangeError(entry)
    if (prefix === undefined) set.addAddress(address, family)
    else set.addSubnet(address, Number(prefix), family)
  }
  return set
}

function isAddressOrRange(text: string): boolean {
  try {
    addressSet([text])
    return true
  } catch {
    return false
  }
}

export const addresses = listOf(
  z.string().refine(isAddressOrRange, { error: (issue) => `neither an address nor a range: "${issue.input}"` }),
  'a comma-separated list of addresses and CIDR ranges such as 10.0.0.0/8, ::1',
)
