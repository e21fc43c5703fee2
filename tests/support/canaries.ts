import { createHash, randomBytes, randomInt, randomUUID } from 'node:crypto'
import type { z } from 'zod'
import type { Entry } from '../../contract/define.ts'

/** Input fields whose value must be kept nowhere as it was sent. Everything else, names and labels, is there to be kept. */
export const secretFields: ReadonlySet<string> = new Set([
  'password',
  'current_password',
  'new_password',
  'refresh_token',
])

/** A text that stands nowhere else, and fits wherever a word fits. */
export const canary = (): string => `canary${randomBytes(8).toString('hex')}`

export interface Filled {
  readonly input: Readonly<Record<string, unknown>>
  /** Everything in it that would be recognised, and of it what stands in secret fields. */
  readonly canaries: readonly string[]
  readonly secrets: readonly string[]
}

/** Moments too are told apart, by their milliseconds and a year that no row has. */
const moment = () => `2${randomInt(100, 900)}-03-04T05:06:07.${randomInt(100, 999)}Z`
const shapes: readonly (() => string)[] = [canary, () => `${canary()}@example.org`, randomUUID, moment]
const places: readonly ((text: string) => unknown)[] = [(text) => text, (text) => [text], (text) => ({ note: [text] })]

/** A value with a canary that the field takes; undefined for fields that hold no text. */
const fill = (field: z.ZodType): { readonly value: unknown; readonly text: string } | undefined => {
  for (const shape of shapes) {
    const text = shape()
    const place = places.find((inside) => field.safeParse(inside(text)).success)
    if (place) return { value: place(text), text }
  }
  return undefined
}

const fieldsOf = ({ input }: Entry): [string, z.ZodType][] => Object.entries(input?.shape ?? {})

const collect = (fields: readonly (readonly [name: string, value: unknown, text: string])[]): Filled => ({
  input: Object.fromEntries(fields.map(([name, value]) => [name, value])),
  canaries: fields.map(([, , text]) => text),
  secrets: fields.filter(([name]) => secretFields.has(name)).map(([, , text]) => text),
})

/** An input whose every text is a canary that the schema takes, but for the fields left out. */
export const fillTexts = (entry: Entry, isLeftOut: (name: string, field: z.ZodType) => boolean = () => false): Filled =>
  collect(
    fieldsOf(entry).flatMap(([name, field]) => {
      const filled = isLeftOut(name, field) ? undefined : fill(field)
      return filled ? [[name, filled.value, filled.text] as const] : []
    }),
  )

/** A field that names something, which a random text does not. */
export const isReference = (name: string, field: z.ZodType): boolean =>
  name === 'cursor' ||
  [randomUUID(), [randomUUID()]].some(
    (id) => field.safeParse(id).success && !field.safeParse(typeof id === 'string' ? 'no id' : ['no id']).success,
  )

/** Header fields that a client may send, each with a canary. The user agent is there to be kept, the others are not. */
export const fillHeaders = (): {
  readonly headers: Record<string, string>
  readonly canaries: readonly string[]
  readonly secrets: readonly string[]
} => {
  const names = [
    'user-agent',
    'idempotency-key',
    'cookie',
    'x-admin-token',
    'referer',
    'x-forwarded-for',
    'if-none-match',
    'last-event-id',
    'origin',
    'traceparent',
    'x-request-id',
    'x-unknown',
  ]
  const texts = names.map(canary)
  // A request id is taken over as it is, unless it could break a log.
  const headers = Object.fromEntries(
    names.map((name, index) => [name, name === 'x-request-id' ? `${texts[index]}!` : `${texts[index]}`]),
  )
  return { headers, canaries: texts, secrets: texts.slice(1) }
}

/** Ways to spoil a field: too long, of another type, with what no database can store. */
const spoilers: Readonly<Record<string, (text: string, fields: number) => unknown>> = {
  // All of them together must fit into the head of a request.
  'too long': (text, fields) => text.padEnd(Math.min(2_100, Math.floor(14_000 / fields)), 'x'),
  'a list': (text) => [[text]],
  'an object': (text) => ({ note: text, deeper: { note: text } }),
  'with NUL': (text) => `${text}\0`,
  'with a broken character': (text) => `${text}\ud800`,
}

/** Inputs with a canary in every field, also in numbers and flags, and in one that no schema knows; none of them is good. */
export const spoilTexts = (entry: Entry): Filled[] =>
  Object.values(spoilers).map((spoil) => {
    const names = [...fieldsOf(entry).map(([name]) => name), 'unknown']
    return collect(
      names.map((name) => {
        const text = canary()
        return [name, spoil(text, names.length), text] as const
      }),
    )
  })

/** How a text might stand in bytes: as it is, in hexadecimal, and in base64 at each of its three alignments. */
export const spellings = (text: string): string[] => {
  const base64 = [0, 1, 2].flatMap((shift) => {
    const padded = Buffer.concat([Buffer.alloc(shift), Buffer.from(text)])
    // What stands at the ends depends on what stands beside the text.
    const whole = padded.toString('base64').slice(shift === 0 ? 0 : 4, -4)
    return [whole, whole.replaceAll('+', '-').replaceAll('/', '_')]
  })
  return [...new Set([text, Buffer.from(text).toString('hex'), ...base64])]
}

/** Digests that anybody could make: a password must not be kept as one. */
export const digestsOf = (text: string): string[] =>
  ['md5', 'sha1', 'sha256', 'sha512'].flatMap((algorithm) => {
    const digest = createHash(algorithm).update(text).digest()
    return [digest.toString('hex'), digest.toString('base64')]
  })

/** Whatever in a text looks like a canary, an id or a moment. */
export const tracesIn = (text: string): Set<string> =>
  new Set(
    text
      .match(/canary[0-9a-f]{16}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|2\d{3}-03-04T05:06:07\.\d{3}Z/gi)
      ?.map((found) => found.toLowerCase().replace('t05', 'T05').replace('z', 'Z')),
  )

/** Those of the needles that stand in a text. */
export const findIn = (text: string, needles: readonly string[]): string[] =>
  needles.filter((needle) => text.includes(needle))
