import { readFileSync } from 'node:fs'
import { Validator } from '@seriousme/openapi-schema-validator'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import type { Contract, Entry } from '../contract/define.ts'
import { impliedErrors } from '../contract/implied.ts'
import { contract } from '../contract/index.ts'
import { type ErrorCode, errors } from '../contract/vocabulary.ts'
import manifest from '../package.json' with { type: 'json' }
import { documentInfo } from '../server/rpc/document/info.ts'
import { createDocument } from '../server/rpc/document.ts'
import { createConformance } from './support/conformance.ts'

type Node = Record<string, unknown>

const info = documentInfo(manifest.version)
const document = createDocument(contract, info)
const entriesOf = (some: Contract): [string, Entry][] =>
  Object.entries(some).flatMap(([feature, entries]) =>
    Object.entries(entries).map(([name, entry]): [string, Entry] => [`${feature}.${name}`, entry]),
  )
const entries = entriesOf(contract)

const operationOf = (from: typeof document, { http: [method, path] }: Entry) => {
  const operation = from.paths[path]?.[method.toLowerCase()]
  if (!operation) throw new Error(`${method} ${path} is not documented`)
  return operation
}

/** Every object inside a value, with itself. */
const objectsIn = (value: unknown): Node[] => {
  if (typeof value !== 'object' || value === null) return []
  const inside = Object.values(value).flatMap(objectsIn)
  return Array.isArray(value) ? inside : [value as Node, ...inside]
}

const resolve = (from: typeof document, part: unknown): Node => {
  const node = part as Node
  if (typeof node.$ref !== 'string') return node
  const found = node.$ref
    .slice('#/'.length)
    .split('/')
    .reduce<unknown>((at, key) => (at as Node | undefined)?.[key], from)
  if (!found) throw new Error(`${node.$ref} leads nowhere`)
  return found as Node
}

const codesIn = (from: typeof document, response: unknown): unknown[] =>
  objectsIn(resolve(from, response)).flatMap((node) => (Array.isArray(node.enum) ? node.enum : []))

describe('the document', () => {
  test('is valid by a validator that is not ours', async () => {
    const result = await new Validator().validate({ ...structuredClone(document) })
    expect(result.errors ?? []).toEqual([])
    expect(result.valid).toBe(true)
  })

  test('is the one that is committed', () => {
    const committed = readFileSync(new URL('../contract/openapi.json', import.meta.url), 'utf8')
    expect(`${JSON.stringify(document, null, 2)}\n`, 'npm run generate').toBe(committed)
  })

  test('has no reference that leads nowhere', () => {
    const references = objectsIn(document).filter((node) => typeof node.$ref === 'string')
    expect(references.length).toBeGreaterThan(entries.length)
    for (const reference of references) resolve(document, reference)
  })

  test('holds nothing of the errors that the generator knows', () => {
    expect(JSON.stringify(document)).not.toContain('error.INTERNAL_SERVER_ERROR')
    expect(Object.keys(document.components.schemas).filter((name) => name.startsWith('error.'))).toEqual([])
  })

  test('forbids no new fields in answers', () => {
    expect(objectsIn(document).filter((node) => node.additionalProperties === false)).toEqual([])
  })

  test('names the paths outside the contract', () => {
    for (const path of ['/healthz', '/livez', '/readyz', '/.well-known/jwks.json']) {
      expect(document.paths[path]?.get?.security).toEqual([])
    }
    const documented = Object.values(document.paths).flatMap((verbs) => Object.keys(verbs))
    expect(documented.length).toBe(entries.length + 4)
  })
})

describe.each(entries)('%s', (key, entry) => {
  const operation = operationOf(document, entry)
  const { 0: method, 1: path, 2: status = 200 } = entry.http
  const isKeyed = entry.kind === 'mutation' && entry.idempotency === 'key'
  const isCached = entry.kind === 'query' && entry.cache !== undefined

  test('stands at its path with its key, summary and tag', () => {
    expect(operation).toMatchObject({ operationId: key, summary: entry.summary, tags: [key.split('.')[0]] })
  })

  test('asks for a token unless it is public', () => {
    const permission = ['user', 'session'].includes(entry.access) ? [] : [entry.access]
    expect(operation.security).toEqual(entry.access === 'public' ? [] : [{ bearer: permission }])
  })

  test('has one success, in the envelope or without a body', () => {
    const isVoid = entry.output instanceof z.ZodVoid
    const successes = Object.keys(operation.responses).filter((code) => code.startsWith('2'))
    expect(successes).toEqual([String(isVoid ? 204 : status)])
    const response = resolve(document, operation.responses[successes[0] ?? ''])
    if (isVoid) return expect(response).not.toHaveProperty('content')
    if (entry.kind === 'subscription')
      return expect(Object.keys((response as { content: object }).content)).toEqual(['text/event-stream'])
    expect(response).toHaveProperty(['content', 'application/json', 'schema', 'properties', 'data'])
    expect(response).toHaveProperty(['content', 'application/json', 'schema', 'properties', 'success', 'const'], true)
  })

  test('has every failure it can come to, each under its status', () => {
    const documented = Object.entries(operation.responses).filter(([code]) => Number(code) >= 400)
    const seen = documented.flatMap(([code, response]) =>
      codesIn(document, response).map((name) => [name, errors[name as ErrorCode][0] === Number(code)]),
    )
    const expected = new Set<string>([...impliedErrors(entry), ...(entry.errors ?? [])])
    expect(new Map(seen as [string, boolean][])).toEqual(new Map([...expected].map((name) => [name, true])))
  })

  test('names its headers', () => {
    for (const [code, response] of Object.entries(operation.responses)) {
      const headers = Object.keys(resolve(document, response).headers ?? {})
      expect(headers).toContain('X-Request-ID')
      expect(headers.includes('Retry-After')).toBe(code === '429' || code === '503')
      expect(headers.includes('WWW-Authenticate')).toBe(code === '401')
      expect(headers.includes('Idempotent-Replay')).toBe(isKeyed && code.startsWith('2'))
      const mayBeKept = isCached && (code === '200' || code === '304')
      for (const name of ['ETag', 'Cache-Control', 'Vary']) expect(headers.includes(name)).toBe(mayBeKept)
    }
  })

  test('says when an answer can be used again', () => {
    const { 304: unchanged } = operation.responses
    expect(unchanged !== undefined).toBe(isCached)
    expect(unchanged ?? {}).not.toHaveProperty('content')
  })

  test('takes each input field in one place', () => {
    const parameters = (operation.parameters ?? []).map((part) => resolve(document, part))
    const placed = (place: string) => parameters.filter((part) => part.in === place).map(({ name }) => String(name))
    const body = objectsIn(operation.requestBody).find((node) => 'properties' in node)?.properties ?? {}
    const inPath = [...path.matchAll(/\{(\w+)\}/g)].map((match) => match[1])
    const readsQuery = method === 'GET' || method === 'DELETE'
    const others = Object.keys(entry.input?.shape ?? {}).filter((field) => !inPath.includes(field))
    expect(placed('path')).toEqual(inPath)
    expect(placed('query')).toEqual(readsQuery ? others : [])
    expect(Object.keys(body)).toEqual(readsQuery ? [] : others)
    expect(placed('header')).toEqual([
      ...(entry.access !== 'public' && entry.tenancy !== 'path' ? ['X-Tenant-ID'] : []),
      ...(isKeyed ? ['Idempotency-Key'] : []),
      ...(isCached ? ['If-None-Match'] : []),
    ])
  })
})

describe('a contract with every kind of entry', () => {
  const Thing = z
    .object({
      id: z.guid(),
      count: z.int(),
      made: z.codec(z.date(), z.string().meta({ format: 'date-time' }), {
        decode: (date) => date.toISOString(),
        encode: (text) => new Date(text),
      }),
    })
    .meta({ id: 'Thing' })
  const input = z.object({
    id: z.guid(),
    level: z.int().min(1).max(9).default(3),
    kind: z.enum(['small', 'large']),
    note: z.string().max(40).optional(),
  })
  const rules = { summary: 'Does something.', rate: 'write', tenancy: 'none', output: Thing } as const
  const things: Contract = {
    things: {
      make: {
        ...rules,
        kind: 'mutation',
        idempotency: 'key',
        access: 'thing.make',
        http: ['POST', '/things', 201],
        input: input.omit({ id: true }),
      },
      change: {
        ...rules,
        kind: 'mutation',
        idempotency: 'none',
        access: 'user',
        http: ['PATCH', '/things/{id}'],
        input,
      },
      find: {
        ...rules,
        kind: 'query',
        access: 'public',
        http: ['GET', '/things/{id}'],
        input,
        errors: ['cursor.invalid'],
      },
      drop: {
        ...rules,
        kind: 'mutation',
        idempotency: 'none',
        access: 'session',
        http: ['DELETE', '/things/{id}'],
        input: input.pick({ id: true }),
        output: z.void(),
      },
    },
  }
  const made = createDocument(things, info)
  const operations = Object.fromEntries(entriesOf(things).map(([key, entry]) => [key, operationOf(made, entry)]))

  test('is documented field by field', () => {
    expect(operations['things.find']?.parameters).toEqual([
      { in: 'path', name: 'id', required: true, schema: { type: 'string', format: 'uuid' } },
      { in: 'query', name: 'level', schema: { type: 'integer', minimum: 1, maximum: 9, default: 3 } },
      { in: 'query', name: 'kind', required: true, schema: { type: 'string', enum: ['small', 'large'] } },
      { in: 'query', name: 'note', schema: { type: 'string', maxLength: 40 } },
    ])
    expect(operations['things.change']?.requestBody).toMatchObject({
      required: true,
      content: { 'application/json': { schema: { required: ['kind'] } } },
    })
    expect(made.components.schemas.Thing).toEqual({
      type: 'object',
      properties: {
        id: { type: 'string', format: 'uuid' },
        count: { type: 'integer' },
        made: { type: 'string', format: 'date-time' },
      },
      required: ['id', 'count', 'made'],
    })
  })

  test('names the permission of an entry', () => {
    expect(operations['things.make']?.security).toEqual([{ bearer: ['thing.make'] }])
    expect(codesIn(made, operations['things.make']?.responses[403])).toContain('rbac.permission_required')
    expect(Object.keys(operations['things.make']?.responses ?? {})).toContain('201')
  })

  test('is left as it was', () => {
    expect(input.safeParse({ id: crypto.randomUUID(), level: '7', kind: 'small' }).success).toBe(false)
    expect(Thing.parse({ id: crypto.randomUUID(), count: 1, made: new Date(0) }).made).toBe('1970-01-01T00:00:00.000Z')
    expect(contract.sessions.list.input?.safeParse({ limit: '7' }).success).toBe(false)
    expect(createDocument(things, info)).toEqual(made)
  })

  test('cannot name an error that is not in the table', () => {
    const lost: Contract = {
      things: { find: { ...rules, kind: 'query', access: 'user', http: ['GET', '/x'], errors: ['lost'] } },
    }
    expect(() => createDocument(lost, info)).toThrow('lost is not in contract/errors.ts')
  })

  test('judges replies', () => {
    const conformance = createConformance(made)
    const data = { id: crypto.randomUUID(), count: 1, made: new Date(0).toISOString() }
    const reply = { method: 'GET', path: `/things/${data.id}?kind=small`, status: 200 }
    const body = { success: true, data, request_id: 'a' }
    const refusal = (code: string) => ({ success: false, error: { code, message: 'No.' }, request_id: 'a' })
    expect(conformance.check({ ...reply, body })).toEqual([])
    expect(conformance.check({ ...reply, status: 429, body: refusal('rate_limited') })).toEqual([])
    expect(conformance.check({ ...reply, method: 'DELETE', status: 204, body: undefined })).toEqual([])
    expect(conformance.check({ ...reply, body: { ...body, data: { ...data, secret: 1 } } })).toHaveLength(1)
    expect(conformance.check({ ...reply, body: { ...body, data: { ...data, made: 'today' } } })).toHaveLength(1)
    expect(conformance.check({ ...reply, status: 429, body: refusal('internal') })).toHaveLength(1)
    expect(conformance.check({ ...reply, status: 418, body })).toHaveLength(1)
    expect(conformance.check({ ...reply, method: 'DELETE', status: 204, body })).toHaveLength(1)
    expect(conformance.checked).toBe(8)
    expect(conformance.check({ ...reply, path: '/elsewhere', body })).toEqual([])
    expect(conformance.checked).toBe(8)
  })
})
