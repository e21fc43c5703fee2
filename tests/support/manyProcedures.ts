// A contract of 300 procedures, what serves it and what calls it, and the same written by hand for tRPC: the sources by
// which the cost of our types is measured. Their folder lies in tests/, in the compiler's eyes only.

const features = Array.from({ length: 30 }, (_, index) => `f${index}`)
const entries = Array.from({ length: 10 }, (_, index) => ({ name: `p${index}`, isQuery: index % 2 === 0 }))

const input = (count: string) =>
  `z.object({ id: Id, label: z.string().min(1).max(128), count_${count}: z.int().default(1), tags: z.array(z.string()).optional() })`
const output = (count: string) =>
  `z.object({ id: Id, label: z.string(), created_at: Instant, n_${count}: z.int(), owner: z.object({ id: Id, name: z.string() }).nullable() })`
const answer = (count: string) =>
  `({ id: input.id, label: input.label, created_at: new Date(), n_${count}: input.count_${count}, owner: null })`

const imports = (folder: string) => features.map((name) => `import { ${name} } from '${folder}/${name}.ts'`).join('\n')
const schemas = `import { z } from 'zod'\nimport { Id, Instant } from '../../../contract/scalars.ts'\n`

type Write = (feature: string, entry: (typeof entries)[number], count: string) => string

const perFeature = (folder: string, head: string, open: (name: string) => string, line: Write, close: string) =>
  Object.fromEntries(
    features.map((name) => {
      const lines = entries.map((entry, index) => line(name, entry, `${name.slice(1)}_${index}`))
      return [`${folder}/${name}.ts`, [head + open(name), ...lines, close].join('\n')]
    }),
  )

const contract = {
  ...perFeature(
    'tests/many/contract',
    `${schemas}import { mutation, query } from '../../../contract/core.ts'\n`,
    (name) => `export const ${name} = {`,
    (feature, { name, isQuery }, count) =>
      `${name}: ${isQuery ? 'query' : 'mutation'}({ summary: 's', http: ['${isQuery ? 'GET' : 'POST'}', '/api/v1/${feature}/${name}'], access: 'user', tenancy: 'none', rate: 'read', ${isQuery ? '' : "idempotency: 'key', "}input: ${input(count)}, output: ${output(count)}, errors: ['session.not_found'] }),`,
    '}',
  ),
  'tests/many/contract.ts': `${imports('./contract')}\nexport const contract = { ${features.join(', ')} }\n`,
  'tests/many/api.ts': `import type { ClientOf } from '../../client-sdk/client.ts'
import type { InputsOf, OutputsOf } from '../../client-sdk/entryTypes.ts'
import type { RouterOf } from '../../client-sdk/router.ts'
import type { contract } from './contract.ts'
export type { ErrorCode } from '../../contract/vocabulary.ts'
export type Client = ClientOf<typeof contract>
export type Inputs = InputsOf<typeof contract>
export type Outputs = OutputsOf<typeof contract>
export type Router = RouterOf<typeof contract>
`,
}

const handlers = perFeature(
  'tests/many/handlers',
  '',
  (name) =>
    `import type { Handlers } from '../../../server/rpc/handlers.ts'\nimport type { ${name} } from '../contract/${name}.ts'\nexport const handlers: Handlers<typeof ${name}> = {`,
  (_, { name }, count) => `${name}: async ({ input }) => ${answer(count)},`,
  '}',
)

const byHand = {
  ...perFeature(
    'tests/many/trpc',
    `${schemas}import { t } from '../init.ts'\n`,
    (name) => `export const ${name} = t.router({`,
    (_, { name, isQuery }, count) =>
      `${name}: t.procedure.input(${input(count)}).output(${output(count)}).${isQuery ? 'query' : 'mutation'}(({ input }) => ${answer(count)}),`,
    '})',
  ),
  'tests/many/init.ts': `import { initTRPC } from '@trpc/server'\nexport const t = initTRPC.create()\n`,
  'tests/many/router.ts': `${imports('./trpc')}\nimport { t } from './init.ts'\nexport const router = t.router({ ${features.join(', ')} })\nexport type Router = typeof router\n`,
}

const calls = (write: (path: string, isQuery: boolean) => string) =>
  features
    .flatMap((feature) => entries.map(({ name, isQuery }) => write(`${feature}.${name}`, isQuery)))
    .map((call) => `out.push((await ${call}({ id: 'x', label: 'y' })).created_at)`)
    .join('\n')

/** Calls each procedure through tRPC's own client and uses a field of its answer. */
const plainUse = (module: string) => `import { createTRPCClient, httpLink } from '@trpc/client'
import type { Router } from '${module}'
const client = createTRPCClient<Router>({ links: [httpLink({ url: '' })] })
export const out: string[] = []
${calls((path, isQuery) => `client.${path}.${isQuery ? 'query' : 'mutate'}`)}
`

/** The same through our client. */
const clientUse = (module: string) => `import type { Client } from '${module}'
declare const client: Client
export const out: string[] = []
${calls((path) => `client.${path}`)}
`

/** What each measured program is made of. */
export const programs = {
  server: { ...contract, ...handlers },
  client: { ...contract, 'tests/many/use.ts': clientUse('./api.ts') },
  plainClient: { ...contract, 'tests/many/use.ts': plainUse('./api.ts') },
  byHand: { ...byHand, 'tests/many/use.ts': plainUse('./router.ts') },
}

/** A program against the printed declarations of the same contract. */
export const packed = (api: string) => ({
  'tests/many/packed/api.d.ts': api,
  'tests/many/packed/errorShape.ts': "export type { Root } from '../../../client-sdk/errorShape.ts'",
  'tests/many/packed/options.ts': "export type { CallOptions } from '../../../client-sdk/options.ts'",
  'tests/many/use.ts': clientUse('./packed/api.js'),
  'tests/many/plainUse.ts': plainUse('./packed/api.js'),
})
