import path from 'node:path'
import ts from 'typescript'
import { describe, expect, it } from 'vitest'
import { printApi } from '../scripts/client/apiDeclarations.ts'
import { declarationsOf } from '../scripts/client/declarations.ts'
import { compile, inFolder, problemsOf, repository } from './support/compile.ts'

const declarations = declarationsOf(repository)

const isOurs = (file: string) => /^tests\/(?:packed\/|odd\/|comparison)/.test(file)

const nodesOf = (node: ts.Node): ts.Node[] => [node, ...node.getChildren().flatMap(nodesOf)]

const nodes = [...declarations].flatMap(([name, text]) =>
  nodesOf(ts.createSourceFile(name, text, ts.ScriptTarget.Latest, true)),
)

const trees = ['Inputs', 'Outputs', 'Client']
const whole = ['ErrorCode', 'Client', 'Router', 'ClientOptions', 'KeptTokens', 'ErrorShape', 'FailureCode']

/** Holds the packed types and their sources against each other: trees entry by entry, to the last modifier. */
const comparing = (packed: string, source: string, also = '') => `import type * as packed from '${packed}'
import type * as source from '${source}'

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false
/** The paths under which B does not say what A says; never when it says the same. */
type Wrong<A, B> = {
  [F in keyof A]: {
    [P in keyof A[F]]: F extends keyof B ? (P extends keyof B[F] ? (Same<A[F][P], B[F][P]> extends true ? never : [F, P]) : [F, P]) : [F, P]
  }[keyof A[F]]
}[keyof A]

${trees.map((name) => `export const missing${name}: [Wrong<source.${name}, packed.${name}>] extends [never] ? true : Wrong<source.${name}, packed.${name}> = true`).join('\n')}
${trees.map((name) => `export const further${name}: [Wrong<packed.${name}, source.${name}>] extends [never] ? true : Wrong<packed.${name}, source.${name}> = true`).join('\n')}
${also}

type Loose = { a: { b: { c: string } } }
// @ts-expect-error the comparison sees an any
export const seesAny: [Wrong<Loose, { a: { b: { c: any } } }>] extends [never] ? true : false = true
// @ts-expect-error and a lost modifier
export const seesReadonly: [Wrong<Loose, { a: { b: { readonly c: string } } }>] extends [never] ? true : false = true
`

const wholes = `
${whole.map((name) => `export const to${name} = (value: packed.${name}): source.${name} => value`).join('\n')}
${whole.map((name) => `export const from${name} = (value: source.${name}): packed.${name} => value`).join('\n')}
export const values: Same<keyof typeof packed, keyof typeof source> = true
`

/** A contract of whatever zod can say in JSON that the real one may not use at the moment. */
const odd = `import { z } from 'zod'
import type { ClientOf } from '../../client-sdk/client.ts'
import type { InputsOf, OutputsOf } from '../../client-sdk/entryTypes.ts'
import type { RouterOf } from '../../client-sdk/router.ts'
import { mutation, query, subscription } from '../../contract/core.ts'
import { Instant, Json } from '../../contract/scalars.ts'
const Level = z.enum(['low', 'high']).meta({ id: 'Level' })
const Part = z.object({ at: Instant, level: Level.nullish() }).meta({ id: 'Part' })
interface Tree { readonly value: string; readonly left?: Tree; right: Tree | null }
const Tree: z.ZodType<Tree, Tree> = z.lazy(() => z.object({ value: z.string(), left: Tree.optional(), right: Tree.nullable() })) as never
const rules = { summary: 's', access: 'user', tenancy: 'none', rate: 'read' } as const
const shapes = z.object({
  json: Json.optional(), nested: z.json().nullable(), tree: z.array(Tree), level: Level, maybe: Level.nullable(),
  record: z.record(z.string(), z.array(z.union([z.string(), z.number()]))), tuple: z.tuple([z.string(), z.int().optional()]),
  rest: z.tuple([z.literal('a')], z.boolean()), frozen: z.object({ a: z.string() }).readonly(), list: z.array(z.string()).readonly(),
  either: z.discriminatedUnion('kind', [z.object({ kind: z.literal('a'), a: z.int() }), z.object({ kind: z.literal('b') })]),
  both: z.intersection(z.object({ a: z.string() }), z.object({ b: z.boolean().nullable() })), 'odd-key': z.literal([1, true, null]),
  text: z.templateLiteral(['a-', z.number()]), partial: z.partialRecord(z.enum(['x', 'y']), z.string()), exact: z.string().exactOptional(),
})
const contract = { odd: {
  hear: subscription({ ...rules, http: ['GET', '/api/v1/odd/heard'], input: z.object({ of: Level }), output: Part }),
  ask: query({ ...rules, http: ['GET', '/api/v1/odd'], input: shapes, output: shapes }),
  say: mutation({ ...rules, http: ['POST', '/api/v1/odd'], idempotency: 'key', input: z.object({ part: Part }), output: Part }),
} }
export type { ErrorCode } from '../../contract/vocabulary.ts'
export type Client = ClientOf<typeof contract>
export type Inputs = InputsOf<typeof contract>
export type Outputs = OutputsOf<typeof contract>
export type Router = RouterOf<typeof contract>
`

describe('the packed declarations', { timeout: 120_000 }, () => {
  it('hold no any', () => {
    expect(nodes.length).toBeGreaterThan(1_000)
    expect(nodes.filter(({ kind }) => kind === ts.SyntaxKind.AnyKeyword)).toEqual([])
  })

  it('import nothing but each other and types of @trpc/server', () => {
    const modules = nodes.filter(ts.isStringLiteral).filter(({ parent }) => {
      return ts.isImportDeclaration(parent) || ts.isExportDeclaration(parent) || ts.isImportTypeNode(parent.parent)
    })
    const isKnown = (text: string) =>
      text === '@trpc/server' || declarations.has(text.replace(/^\.\/(\w+)\.js$/, '$1.d.ts'))
    expect(modules.length).toBeGreaterThan(10)
    expect(modules.map(({ text }) => text).filter((text) => !isKnown(text))).toEqual([])
  })

  it('name the shapes that the contract names, the recursive ones too', () => {
    const text = declarations.get('api.d.ts')
    expect(text).toContain('export interface User {')
    expect(text).toContain('readonly children: readonly MenuNode[]')
    expect(text).toContain('readonly stream: StreamEvent')
    expect(text).toMatch(/export type Json = .*Json\[\]/)
  })

  it('say the same as the sources', () => {
    const comparison = comparing('./packed/index.js', '../client-sdk/index.ts', wholes)
    const files = { ...inFolder('tests/packed', declarations), 'tests/comparison.ts': comparison }
    expect(problemsOf(compile(files), isOurs)).toEqual([])
  })

  it('would be caught saying something else', () => {
    const api = declarations.get('api.d.ts') ?? ''
    const comparison = comparing('./packed/index.js', '../client-sdk/index.ts')
    const problemsAfter = (from: string, to: string) => {
      const texts = new Map([...declarations, ['api.d.ts', api.replace(from, to)]])
      expect(texts.get('api.d.ts')).not.toBe(api)
      return problemsOf(compile({ ...inFolder('tests/packed', texts), 'tests/comparison.ts': comparison }), isOurs)
    }
    expect(problemsAfter('email: string', 'email: number')).not.toEqual([])
    expect(problemsAfter('limit?: number | undefined', 'limit: number')).not.toEqual([])
  })

  it('say the same of shapes that the contract does not use yet', () => {
    const text = printApi(compile({ 'tests/odd/api.ts': odd }), path.join(repository, 'tests/odd/api.ts'))
    const packed = inFolder('tests/packed', new Map([...declarations, ['api.d.ts', text]]))
    const comparison = comparing('./packed/api.js', './odd/api.ts')
    const program = compile({ ...packed, 'tests/odd/api.ts': odd, 'tests/comparison.ts': comparison })
    expect(problemsOf(program, isOurs)).toEqual([])
    expect(text).toContain('export interface PartInput {\n  at: Date')
    expect(text).toContain('maybe: Level | null')
  })

  it.each([
    ['any', 'z.any()', /any/],
    ['a brand', "z.string().brand('Mark')", /brand/],
    ['a function', 'z.custom<() => void>()', /function/],
  ])('refuse %s', (_, schema, message) => {
    const text = odd.replace("text: z.templateLiteral(['a-', z.number()])", `text: ${schema}`)
    const program = compile({ 'tests/odd/api.ts': text })
    expect(() => printApi(program, path.join(repository, 'tests/odd/api.ts'))).toThrow(message)
  })
})
