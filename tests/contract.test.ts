import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { impliedErrors } from '../contract/implied.ts'
import { errors } from '../contract/vocabulary.ts'
import { type Account, register, registerAdmin } from './support/accounts.ts'
import { adapters, startApp, type TestApp } from './support/app.ts'
import { entries } from './support/entries.ts'

/** Laws over every entry of the contract: coverage grows with it. */
const all = [...entries]

describe('the contract', () => {
  it('gives every entry a route of its own', () => {
    const routes = all.map(([, { http }]) => `${http[0]} ${http[1].replace(/\{\w+\}/g, '{}')}`)
    expect(new Set(routes).size).toBe(routes.length)
  })

  it.each(all)('%s: path parameters are input fields', (_key, { http, input }) => {
    const names = [...http[1].matchAll(/\{(\w+)\}/g)].map((match) => match[1])
    expect(Object.keys(input?.shape ?? {})).toEqual(expect.arrayContaining(names))
  })

  it.each(all)('%s: reads by GET, changes by another verb', (_key, { http, kind }) => {
    expect(http[0] === 'GET').toBe(kind !== 'mutation')
    expect(http[1]).toMatch(/^\/api\/v1\/[a-z{}_/-]+$/)
  })

  it.each(all)('%s: has a summary that is a sentence', (_key, { summary }) => {
    expect(summary).toMatch(/^[A-Z].*\.$/)
  })

  it.each(all)('%s: every field of the answer has a type of its own', (key, { output }) => {
    if (output instanceof z.ZodVoid) return
    expect(looseParts(z.toJSONSchema(output, { io: 'output', unrepresentable: 'any' })), key).toEqual([])
  })

  it.each(all)('%s: every text of the input is bounded', (key, { input }) => {
    if (!input) return
    expect(unboundedTexts(z.toJSONSchema(input, { io: 'input' })), key).toEqual([])
  })

  it('says a sentence for every code, and never the same one twice', () => {
    const sentences = Object.values(errors).map(([, sentence]) => sentence)
    expect(sentences.every((sentence) => /^[A-Z].*\.$/.test(sentence))).toBe(true)
    expect(new Set(sentences).size).toBe(sentences.length)
  })

  it.each(all)('%s: declares only codes that its rules do not imply', (_key, entry) => {
    const implied = new Set<string>(impliedErrors(entry))
    // In the tenant of a path it is the handler that refuses, beyond what the header implies.
    if (entry.tenancy === 'path') implied.delete('tenant.forbidden')
    expect((entry.errors ?? []).filter((code) => implied.has(code))).toEqual([])
  })
})

interface JsonSchema {
  readonly type?: string
  readonly properties?: Record<string, JsonSchema>
  readonly items?: JsonSchema
  readonly anyOf?: readonly JsonSchema[]
  readonly allOf?: readonly JsonSchema[]
  readonly oneOf?: readonly JsonSchema[]
  readonly $ref?: string
  readonly enum?: readonly unknown[]
  readonly const?: unknown
  readonly format?: string
  readonly maxLength?: number
  readonly $defs?: Record<string, JsonSchema>
}

/** What a schema defines, without the scalar `Json` and what it refers to: the one place that may hold anything. */
const definitions = ({ $defs = {} }: JsonSchema): [string, JsonSchema][] => {
  const free = ['Json', $defs.Json?.$ref?.split('/').at(-1)]
  return Object.entries($defs).filter(([name]) => !free.includes(name))
}

const childrenOf = (schema: JsonSchema): [string, JsonSchema][] => [
  ...Object.entries(schema.properties ?? {}),
  ...definitions(schema),
  ...(schema.items ? [['[]', schema.items] as [string, JsonSchema]] : []),
  ...[...(schema.anyOf ?? []), ...(schema.allOf ?? []), ...(schema.oneOf ?? [])].map(
    (part, index) => [`|${index}`, part] as [string, JsonSchema],
  ),
]

const find = (schema: JsonSchema, isBad: (schema: JsonSchema) => boolean, path = ''): string[] => [
  ...(isBad(schema) ? [path] : []),
  ...childrenOf(schema).flatMap(([name, child]) => find(child, isBad, `${path}.${name}`)),
]

const looseParts = (schema: unknown) =>
  find(schema as JsonSchema, (part) => {
    const isTyped = part.type ?? part.anyOf ?? part.allOf ?? part.oneOf ?? part.$ref ?? part.enum ?? part.const
    return isTyped === undefined || (part.type === 'object' && !part.properties)
  })

const boundedFormats = new Set(['uuid', 'email', 'date-time'])

const unboundedTexts = (schema: unknown) =>
  find(
    schema as JsonSchema,
    ({ type, maxLength, format, enum: values, const: value }) =>
      type === 'string' && !maxLength && !boundedFormats.has(format ?? '') && !values && value === undefined,
  )

/** A path with every parameter filled in, so that it reaches the entry. */
const pathOf = (path: string) => path.replace(/\{\w+\}/g, '018f6b0e-0000-7000-8000-000000000000')

describe.each(adapters)('every entry on %s', (adapter) => {
  let app: TestApp
  let account: Account
  let admin: Account
  beforeAll(async () => {
    app = await startApp({ adapter })
    account = await register(app)
    admin = await registerAdmin(app)
  })
  afterAll(() => app.close())

  const closed = all.filter(([, { access }]) => access !== 'public')
  const open = all.filter(([, { access }]) => access === 'public')
  const guarded = all.filter(([, { access }]) => !['public', 'user', 'session'].includes(access))
  const withBody = all.filter(([, { http, input }]) => input && ['POST', 'PUT', 'PATCH'].includes(http[0]))

  it.each(closed)('%s: refuses the anonymous before it reads anything', async (_key, { http }) => {
    const body = http[0] === 'GET' || http[0] === 'DELETE' ? undefined : '{not json'
    const reply = await app.request(http[0], pathOf(http[1]), { body })
    expect([reply.status, reply.body.error.code]).toEqual([401, 'auth.missing_token'])
    expect(reply.headers.get('www-authenticate')).toBe('Bearer')
  })

  it.each(closed)('%s: refuses a token that is none', async (_key, { http }) => {
    const reply = await app.request(http[0], pathOf(http[1]), { token: 'nonsense' })
    expect([reply.status, reply.body.error.code]).toEqual([401, 'auth.invalid'])
  })

  it.each(open)('%s: does not look at tokens', async (_key, { http }) => {
    const reply = await app.request(http[0], pathOf(http[1]), { token: 'nonsense', body: {} })
    expect(reply.body.error.code).not.toMatch(/^auth\.(?:missing_token)$/)
    expect(reply.status).toBe(400)
  })

  if (guarded.length > 0)
    it.each(guarded)('%s: refuses a person who lacks the permission', async (_key, { http, access }) => {
      const reply = await app.request(http[0], pathOf(http[1]), { token: account.accessToken })
      expect([reply.status, reply.body.error.code]).toEqual([403, 'rbac.permission_required'])
      expect(reply.body.error.meta).toEqual({ permission: access })
    })

  it.each(withBody)(
    '%s: refuses what is not JSON, not an object, not typed JSON, too large',
    async (_key, { http }) => {
      const send = (body: unknown, headers = {}) =>
        app.request(http[0], pathOf(http[1]), { token: admin.accessToken, body, headers })
      const codes = [
        (await send('{')).body.error.code,
        (await send('[]')).body.error.code,
        (await send('"text"')).body.error.code,
        (await send('x=1', { 'content-type': 'application/x-www-form-urlencoded' })).body.error.code,
        (await send('{}', { 'content-encoding': 'gzip' })).body.error.code,
        (await send(`{"x":"${'x'.repeat(1_100_000)}"}`)).body.error.code,
      ]
      expect(codes).toEqual([
        'request.malformed',
        'request.malformed',
        'request.malformed',
        'request.unsupported_media_type',
        'request.unsupported_media_type',
        'request.too_large',
      ])
    },
  )

  it.each(withBody)('%s: names every field that is missing', async (_key, { http, input }) => {
    const reply = await app.request(http[0], pathOf(http[1]), { token: admin.accessToken, body: {} })
    const required = Object.entries(input?.shape ?? {}).filter(([, field]) => !field.safeParse(undefined).success)
    const inPath = new Set([...http[1].matchAll(/\{(\w+)\}/g)].map((match) => match[1]))
    const expected = required.filter(([name]) => !inPath.has(name)).map(([name]) => [name, 'is required'])
    if (expected.length === 0) return
    expect([reply.status, reply.body.error.code]).toEqual([400, 'validation'])
    expect(reply.body.error.meta.fields).toEqual(Object.fromEntries(expected))
  })

  it.each(all)('%s: answers a wrong method with 405 and Allow', async (_key, { http }) => {
    const reply = await app.request('PROPFIND', pathOf(http[1]))
    expect([reply.status, reply.body.error.code]).toEqual([405, 'route.method_not_allowed'])
    expect(reply.headers.get('allow')?.split(', ')).toContain(http[0])
  })
})
