import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import type { Verdict } from '../server/cli/openapi/change.ts'
import { renderChangelog } from '../server/cli/openapi/changelog.ts'
import { compareDocuments } from '../server/cli/openapi/compareDocuments.ts'
import { type Part, readDocument } from '../server/cli/openapi/document.ts'

const text = readFileSync(new URL('../contract/openapi.json', import.meta.url), 'utf8')
const real = readDocument(text)

const documentOf = (operation: Part, components: Part = {}, path = '/a/{id}', verb = 'post'): Part =>
  readDocument(
    JSON.stringify({
      openapi: '3.1.0',
      info: { title: 't', version: '1' },
      paths: { [path]: { [verb]: { operationId: 'a.b', responses: { 200: { description: 'Yes.' } }, ...operation } } },
      components: { securitySchemes: { bearer: { type: 'http', scheme: 'bearer' } }, ...components },
    }),
  )

const json = (schema: unknown) => ({ content: { 'application/json': { schema } } })
const object = (properties: Part, required: string[] = []) => ({ type: 'object', properties, required })
const field = (schema: unknown, isRequired = true) => object({ f: schema }, isRequired ? ['f'] : [])
const input = (schema: unknown) => documentOf({ requestBody: { required: true, ...json(schema) } })
const output = (schema: unknown) => documentOf({ responses: { 200: { description: 'Yes.', ...json(schema) } } })
const failing = (codes: string[], status = 409) =>
  documentOf({
    responses: {
      200: { description: 'Yes.' },
      [status]: {
        description: 'No.',
        ...json({
          allOf: [
            object({ error: object({ code: { type: 'string' } }, ['code']) }, ['error']),
            { properties: { error: { properties: { code: { enum: codes } } } } },
          ],
        }),
      },
    },
  })
const taking = (...parameters: Part[]) => documentOf({ parameters })
const query = (schema: unknown, more: Part = {}) => taking({ in: 'query', name: 'q', schema, ...more })
const access = (security: unknown) => documentOf({ security })
const string = { type: 'string' }

/** The worst of the verdicts, or `same` when nothing is told. */
const verdictOn = (older: Part, newer: Part): Verdict | 'same' => {
  const verdicts = compareDocuments(older, newer).map(({ verdict }) => verdict)
  return (['breaking', 'look', 'compatible'] as const).find((verdict) => verdicts.includes(verdict)) ?? 'same'
}

type SchemaCase = [name: string, was: unknown, is: unknown, asInput: Verdict | 'same', asOutput: Verdict | 'same']

/** Each schema stands once in what is sent and once in what is answered. */
const schemas: SchemaCase[] = [
  ['a new required field', object({}), field(string), 'breaking', 'compatible'],
  ['a new optional field', object({}), field(string, false), 'compatible', 'compatible'],
  ['a removed field', field(string), object({}), 'breaking', 'breaking'],
  ['a field that must be there now', field(string, false), field(string), 'breaking', 'compatible'],
  ['a field that may be missing now', field(string), field(string, false), 'compatible', 'breaking'],
  ['a value of an enum less', { enum: ['a', 'b'] }, { enum: ['a'] }, 'breaking', 'compatible'],
  ['a value of an enum more', { enum: ['a'] }, { enum: ['a', 'b'] }, 'compatible', 'breaking'],
  ['an enum in another order', { enum: ['a', 'b'] }, { enum: ['b', 'a'] }, 'compatible', 'compatible'],
  ['an enum where all was free', string, { type: 'string', enum: ['a'] }, 'breaking', 'compatible'],
  ['another constant', { const: 'a' }, { const: 'b' }, 'breaking', 'breaking'],
  ['another type', string, { type: 'integer' }, 'breaking', 'breaking'],
  ['numbers for integers', { type: 'integer' }, { type: 'number' }, 'compatible', 'breaking'],
  ['integers for numbers', { type: 'number' }, { type: 'integer' }, 'breaking', 'compatible'],
  ['a type where all was free', {}, string, 'breaking', 'compatible'],
  ['null, listed as a type', string, { type: ['string', 'null'] }, 'compatible', 'breaking'],
  ['null, by anyOf', string, { anyOf: [string, { type: 'null' }] }, 'compatible', 'breaking'],
  ['null no more', { type: ['string', 'null'] }, string, 'breaking', 'compatible'],
  ['null said in another way', { type: ['string', 'null'] }, { anyOf: [string, { type: 'null' }] }, 'same', 'same'],
  ['a lower maximum', { type: 'integer', maximum: 9 }, { type: 'integer', maximum: 8 }, 'breaking', 'compatible'],
  ['a higher maximum', { type: 'integer', maximum: 9 }, { type: 'integer', maximum: 10 }, 'compatible', 'breaking'],
  ['a minimum', { type: 'integer' }, { type: 'integer', minimum: 1 }, 'breaking', 'compatible'],
  ['no minimum', { type: 'integer', minimum: 1 }, { type: 'integer' }, 'compatible', 'breaking'],
  ['a longer minimum', { type: 'string', minLength: 1 }, { type: 'string', minLength: 2 }, 'breaking', 'compatible'],
  ['a minimum of no length', string, { type: 'string', minLength: 0 }, 'same', 'same'],
  ['a longer list', { type: 'array', maxItems: 1 }, { type: 'array', maxItems: 2 }, 'compatible', 'breaking'],
  ['finer steps', { type: 'number', multipleOf: 4 }, { type: 'number', multipleOf: 2 }, 'compatible', 'breaking'],
  ['other steps', { type: 'number', multipleOf: 4 }, { type: 'number', multipleOf: 3 }, 'breaking', 'breaking'],
  ['a format', string, { type: 'string', format: 'uuid' }, 'breaking', 'compatible'],
  ['another format', { type: 'string', format: 'uuid' }, { type: 'string', format: 'email' }, 'breaking', 'breaking'],
  ['another pattern', { type: 'string', pattern: 'a' }, { type: 'string', pattern: 'b' }, 'look', 'look'],
  ['another default', { type: 'string', default: 'a' }, { type: 'string', default: 'b' }, 'look', 'compatible'],
  [
    'other items',
    { type: 'array', items: string },
    { type: 'array', items: { type: 'integer' } },
    'breaking',
    'breaking',
  ],
  [
    'records of other values',
    { type: 'object', additionalProperties: string },
    { type: 'object', additionalProperties: { type: 'boolean' } },
    'breaking',
    'breaking',
  ],
  ['no other fields', { type: 'object' }, { type: 'object', additionalProperties: false }, 'breaking', 'compatible'],
  ['a description', string, { type: 'string', description: 'A text.' }, 'compatible', 'compatible'],
  ['a keyword without a rule', string, { type: 'string', contentEncoding: 'base64' }, 'look', 'look'],
  [
    'another form of a tagged union',
    { oneOf: [field({ const: 'a' }), field({ const: 'b' })] },
    { oneOf: [field({ const: 'a' }), field({ const: 'b' }), field({ const: 'c' })] },
    'compatible',
    'look',
  ],
  [
    'a form of a tagged union less',
    { oneOf: [field({ const: 'a' }), field({ const: 'b' })] },
    { oneOf: [field({ const: 'a' })] },
    'breaking',
    'compatible',
  ],
  [
    'allOf put together',
    { allOf: [field(string), object({ g: string }, ['g'])] },
    object({ f: string, g: string }, ['f', 'g']),
    'same',
    'same',
  ],
]

describe.each(schemas)('%s', (_name, was, is, asInput, asOutput) => {
  it(`is ${asInput} when it is sent`, () => expect(verdictOn(input(was), input(is))).toBe(asInput))
  it(`is ${asOutput} when it is answered`, () => expect(verdictOn(output(was), output(is))).toBe(asOutput))
})

const open: unknown[] = []
const user = [{ bearer: [] }]
const manager = [{ bearer: ['menu.manage'] }]
const header = (more: Part = {}) => ({ in: 'header', name: 'X-A', schema: string, ...more })

const operations: [name: string, was: Part, is: Part, verdict: Verdict | 'same'][] = [
  ['another operation id', documentOf({}), documentOf({ operationId: 'a.c' }), 'breaking'],
  ['another path', documentOf({}), documentOf({}, {}, '/b'), 'breaking'],
  ['another verb', documentOf({}), documentOf({}, {}, '/a/{id}', 'put'), 'breaking'],
  ['another name in the braces alone', documentOf({}), documentOf({}, {}, '/a/{other}'), 'same'],
  ['another summary', documentOf({}), documentOf({ summary: 'Do.' }), 'compatible'],
  ['deprecation', documentOf({}), documentOf({ deprecated: true }), 'compatible'],
  ['a callback', documentOf({}), documentOf({ callbacks: {} }), 'look'],
  ['public to user', access(open), access(user), 'breaking'],
  ['user to public', access(user), access(open), 'look'],
  ['user to a permission', access(user), access(manager), 'breaking'],
  ['a permission to user', access(manager), access(user), 'look'],
  ['another permission', access(manager), access([{ bearer: ['menu.see'] }]), 'breaking'],
  ['a second way in', access(manager), access([...manager, { bearer: ['menu.see'] }]), 'look'],
  ['a new required parameter', documentOf({}), query(string, { required: true }), 'breaking'],
  ['a new optional parameter', documentOf({}), query(string), 'compatible'],
  ['a removed parameter', query(string), documentOf({}), 'breaking'],
  ['a parameter that must be sent now', query(string), query(string, { required: true }), 'breaking'],
  ['a narrower parameter', query(string), query({ type: 'string', maxLength: 9 }), 'breaking'],
  ['a parameter written otherwise', query({ type: 'array' }), query({ type: 'array' }, { explode: false }), 'breaking'],
  ['a new optional header', documentOf({}), taking(header()), 'compatible'],
  ['a header in another case', taking(header()), taking(header({ name: 'x-a' })), 'same'],
  ['a body that must be sent', documentOf({}), input(object({})), 'breaking'],
  ['a body no more', input(object({})), documentOf({}), 'breaking'],
  ['a new error status', documentOf({}), failing(['a.b']), 'breaking'],
  ['a removed error status', failing(['a.b']), documentOf({}), 'compatible'],
  ['a new error code', failing(['a.b']), failing(['a.b', 'a.c']), 'breaking'],
  ['an error code less', failing(['a.b', 'a.c']), failing(['a.b']), 'compatible'],
  [
    'another status of success',
    documentOf({}),
    documentOf({ responses: { 201: { description: 'Created.' } } }),
    'breaking',
  ],
  [
    'a 304 for those who ask',
    documentOf({}),
    documentOf({ responses: { 200: { description: 'Yes.' }, 304: { description: 'Same.' } } }),
    'look',
  ],
  ['an answer without a body', output(string), documentOf({}), 'breaking'],
  [
    'a component under another name',
    documentOf({ requestBody: json({ $ref: '#/components/schemas/A' }) }, { schemas: { A: field(string) } }),
    documentOf({ requestBody: json({ $ref: '#/components/schemas/B' }) }, { schemas: { B: field(string) } }),
    'same',
  ],
  [
    'a security scheme under another name',
    documentOf({ security: [{ one: [] }] }, { securitySchemes: { one: { type: 'http', scheme: 'bearer' } } }),
    documentOf({ security: [{ two: [] }] }, { securitySchemes: { two: { type: 'http', scheme: 'bearer' } } }),
    'same',
  ],
]

it.each(operations)('%s', (_name, was, is, verdict) => {
  expect(verdictOn(was, is)).toBe(verdict)
})

const tree = (label: unknown) => {
  const node = {
    allOf: [field(label), object({ children: { type: 'array', items: { $ref: '#/components/schemas/N' } } })],
  }
  return documentOf(
    { responses: { 200: { description: 'Yes.', ...json({ $ref: '#/components/schemas/N' }) } } },
    { schemas: { N: node } },
  )
}

it('follows schemas that contain themselves, once', () => {
  expect(compareDocuments(tree(string), tree({ type: 'integer' }))).toMatchObject([
    { verdict: 'breaking', place: '200 f' },
  ])
})

it('follows schemas that contain themselves in two ways at once', () => {
  const refer = (name: string) => ({ $ref: `#/components/schemas/${name}` })
  const schemas = (label: unknown) => ({
    A: { allOf: [refer('B'), object({ next: refer('A'), other: refer('A') })] },
    B: object({ next: refer('B'), other: refer('B'), label }),
  })
  const documentWith = (label: unknown) => documentOf({ requestBody: json(refer('A')) }, { schemas: schemas(label) })
  const changes = compareDocuments(documentWith(string), documentWith({ type: 'integer' }))
  expect(changes.find(({ place }) => place === 'body.label')).toMatchObject({ verdict: 'breaking' })
})

it('tells new error codes as what they are', () => {
  expect(renderChangelog(compareDocuments(failing(['a.b']), failing(['a.b', 'a.c', 'a.d'])))).toContain(
    '- `a.b`: `409 error.code` the error codes `"a.c"`, `"a.d"` came.\n',
  )
})

describe('the real document', () => {
  const text = JSON.stringify(real)
  const mutate = (change: (document: never) => void) => {
    const copy = JSON.parse(text)
    change(copy as never)
    return compareDocuments(real, readDocument(JSON.stringify(copy)))
  }

  it('is the same as itself', () => {
    expect(compareDocuments(real, readDocument(text))).toEqual([])
    expect(renderChangelog([])).toBe('Nothing changed.\n')
  })

  it('tells of a field that goes deep in a tree, in each entry that answers it', () => {
    const changes = mutate(
      (document: { components: { schemas: { MenuNode: { properties: { label?: object } } } } }) => {
        delete document.components.schemas.MenuNode.properties.label
      },
    )
    expect(new Set(changes.map(({ operation }) => operation))).toEqual(new Set(['menus.mine', 'menus.tree']))
    expect(changes.every(({ verdict, text }) => verdict === 'breaking' && text === 'was removed')).toBe(true)
    expect(renderChangelog(changes)).toBe(
      '### Breaking\n\n- `menus.mine`, `menus.tree`: `200 data[].label` was removed.\n',
    )
  })

  it.each(Object.entries(real.paths as Part))('breaks without %s', (path, item) => {
    const withPaths = (paths: Part) => readDocument(JSON.stringify({ ...real, paths }))
    const [there, gone] = [withPaths({ [path]: item }), withPaths({})]
    const verdicts = (older: Part, newer: Part) => compareDocuments(older, newer).map(({ verdict }) => verdict)
    expect(new Set(verdicts(there, gone))).toEqual(new Set(['breaking']))
    expect(new Set(verdicts(gone, there))).toEqual(new Set(['compatible']))
  })

  it('tells of the paths that went and of no other, however many stay', () => {
    const all = Object.entries(real.paths as Record<string, Record<string, { operationId?: string }>>)
    const [gone, kept] = [0, 1].map((rest) => all.filter((_, index) => index % 2 === rest))
    const fewer = readDocument(JSON.stringify({ ...real, paths: Object.fromEntries(kept ?? []) }))
    const operations = new Set(gone?.flatMap(([, item]) => Object.values(item).map(({ operationId }) => operationId)))
    for (const [changes, verdict] of [
      [compareDocuments(real, fewer), 'breaking'],
      [compareDocuments(fewer, real), 'compatible'],
    ] as const) {
      expect(new Set(changes.map(({ operation }) => operation))).toEqual(operations)
      expect(new Set(changes.map((change) => change.verdict))).toEqual(new Set([verdict]))
    }
  })
})

it.each([
  ['{', 'it is not JSON'],
  ['{"swagger":"2.0"}', 'not an OpenAPI document'],
  ['{"openapi":"3.0.3","paths":{}}', 'it is OpenAPI 3.0.3, and only 3.1 is understood'],
  ['{"openapi":"3.1.0"}', 'it has no `paths`'],
  ['{"openapi":"3.1.0","paths":{"/":{"$ref":"#/nowhere"}}}', 'leads nowhere'],
  ['{"openapi":"3.1.0","paths":{"/":{"$ref":"other.json"}}}', 'leads to another file'],
])('refuses %s', (given, sentence) => {
  expect(() => readDocument(given)).toThrow(sentence)
})
