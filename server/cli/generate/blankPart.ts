import { lines } from './imports.ts'
import type { Names } from './names.ts'
import { sentence } from './resource.ts'
import type { Part } from './writePart.ts'

/**
 * A module without tables, to be filled: one entry that records an event, a permission for it, its test and its scene.
 * It is named as it was typed, in the singular or the plural.
 */
export const blankPart = (names: Pick<Names, 'one' | 'camel' | 'snake'>): Part => {
  const { camel: name } = names
  return {
    name,
    files: {
      [`contract/${name}.ts`]: contractFile(names),
      [`server/features/${name}/module.ts`]: moduleFile(names),
      [`server/features/${name}/procedures.ts`]: proceduresFile(names),
      [`tests/${name}.test.ts`]: testFile(names),
      [`tests/scenes/${name}.ts`]: sceneFile(names),
    },
  }
}

type Spellings = Parameters<typeof blankPart>[0]

const kebab = ({ snake }: Spellings) => snake.replaceAll('_', '-')

const contractFile = (names: Spellings) =>
  lines(
    "import { z } from 'zod'",
    "import { extend } from './core.ts'",
    "import type { ContractModule } from './define.ts'",
    "import { label } from './scalars.ts'",
    '',
    `/** What ${names.one} adds to the words of the contract. */`,
    'const words = {',
    `  permissions: { '${names.snake}.use': '${sentence(names.one)}: record notes.' },`,
    `  topics: { '${names.snake}.noted': z.object({ text: z.string() }) },`,
    "} as const satisfies Omit<ContractModule, 'entries'>",
    '',
    'const { mutation } = extend(words)',
    '',
    `export const ${names.camel} = {`,
    '  ...words,',
    '  entries: {',
    '    note: mutation({',
    `      summary: 'Record a note of ${names.one}, for whoever consumes or follows its events.',`,
    `      http: ['POST', '/api/v1/${kebab(names)}/notes'],`,
    `      access: '${names.snake}.use',`,
    "      rate: 'write',",
    "      tenancy: 'bucket',",
    "      idempotency: 'key',",
    '      input: z.object({ text: label(1, 1_000) }),',
    '      output: z.void(),',
    '    }),',
    '  },',
    '}',
    '',
  )

const moduleFile = ({ camel }: Spellings) =>
  lines(
    "import { contract } from '../../../contract/index.ts'",
    "import { defineModule } from '../../rpc/module.ts'",
    `import { ${camel} as handlers } from './procedures.ts'`,
    '',
    `export const ${camel} = defineModule({ name: '${camel}', contract: contract.${camel}, handlers })`,
    '',
  )

const proceduresFile = ({ camel, snake }: Spellings) =>
  lines(
    "import type { contract } from '../../../contract/index.ts'",
    "import type { Handlers } from '../../rpc/handlers.ts'",
    '',
    `export const ${camel}: Handlers<typeof contract.${camel}> = {`,
    '  async note({ transaction, record, actor, input }) {',
    '    return transaction((tx) =>',
    `      record(tx, { topic: '${snake}.noted', target: actor.userId, payload: { text: input.text } }),`,
    '    )',
    '  },',
    '}',
    '',
  )

const testFile = (names: Spellings) =>
  lines(
    "import { afterAll, beforeAll, describe, expect, it } from 'vitest'",
    "import { type Account, register } from './support/accounts.ts'",
    "import { adapters, startApp, type TestApp } from './support/app.ts'",
    "import { grant } from './support/grants.ts'",
    '',
    `describe.each(adapters)('${names.one} on %s', (adapter) => {`,
    '  let app: TestApp',
    '  let person: Account',
    '  beforeAll(async () => {',
    '    app = await startApp({ adapter })',
    '    person = await register(app)',
    `    await grant(app, person, { permissions: ['${names.snake}.use'] })`,
    '  })',
    '  afterAll(() => app.close())',
    '',
    '  const note = (text: string, { accessToken: token }: Account) =>',
    `    app.request('POST', '/api/v1/${kebab(names)}/notes', { token, body: { text } })`,
    '',
    "  it('records a note as an event', async () => {",
    "    expect((await note('Remember this.', person)).status).toBe(204)",
    '    const noted = await app.sql(',
    `      "select payload from events where topic = '${names.snake}.noted' and target = $1",`,
    '      [person.id],',
    '    )',
    "    expect(noted).toEqual([{ payload: { text: 'Remember this.' } }])",
    '  })',
    '',
    "  it('is there for those who may', async () => {",
    '    const stranger = await register(app)',
    "    const { status, body } = await note('Let me in.', stranger)",
    "    expect([status, body.error.code]).toEqual([403, 'rbac.permission_required'])",
    '  })',
    '})',
    '',
  )

const sceneFile = (names: Spellings) =>
  lines(
    "import type { Scene } from '../support/scenes.ts'",
    '',
    `/** What the laws of the project must know of ${names.one}: it has no rows. */`,
    'export const scene: Scene = {',
    `  module: '${names.camel}',`,
    '  furnish: async () => ({}),',
    '  deeds: {',
    `    '${names.camel}.note': [`,
    `      '${names.snake}.noted',`,
    `      async () => ({ method: 'POST', path: '/${kebab(names)}/notes', body: { text: 'A note.' } }),`,
    '    ],',
    '  },',
    '}',
    '',
  )
