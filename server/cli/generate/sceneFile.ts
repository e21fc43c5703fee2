import type { Field } from './fields.ts'
import { lines, withImports } from './imports.ts'
import { article, isPeople, pascal, type Reference, type Resource, sampleOf } from './resource.ts'

/** `tests/scenes/<resources>.ts`: what the laws must know of the resource. */
export const sceneFile = (resource: Resource): string => {
  const { names, fields, isTenant, references } = resource
  const path = `/${names.kebabs}`
  const bodies = references.filter(({ target }) => !isPeople(target))
  const row = fields.map((field) => `        ${field.name}: ${valueInRow(resource, field)},`)
  const given = [
    ...(isTenant ? ['tenantId: tenant_id'] : []),
    ...['canary', 'ids'].filter((name) => row.some((line) => new RegExp(`\\b${name}\\b`).test(line))),
    'insert',
  ]
  const code = lines(
    `/** The body of a call that makes ${article(names.one)} ${names.one}, with everything in it. */`,
    'export const body: Body = async (work) => ({',
    fields.map((field) => `  ${field.name}: ${valueInBody(resource, field)},`),
    '})',
    '',
    `/** What the laws of the project must know of ${names.many}. */`,
    'export const scene: Scene = {',
    `  module: '${names.camels}',`,
    !isTenant && '  isShared: true,',
    references.length > 0 &&
      `  references: { ${references.map(({ field, target }) => `'${names.kebabs}.${field.name}': '${target.names.kebabs}'`).join(', ')} },`,
    `  async furnish({ ${given.join(', ')} }) {`,
    '    const [first, second] = [randomUUID(), randomUUID()]',
    '    for (const id of [first, second])',
    `      await insert('${names.snakes}', {`,
    `        id,`,
    isTenant && '        tenant_id,',
    row,
    '      })',
    `    return { ${key(names.kebabs)}: [first, second] }`,
    '  },',
    '  deeds: {',
    `    '${names.camels}.create': ['${names.snake}.created', async (work) => ({ method: 'POST', path: '${path}', body: await body(work) })],`,
    `    '${names.camels}.update': ['${names.snake}.updated', async (work) => ({ method: 'PATCH', path: await made(work), body: await body(work) })],`,
    `    '${names.camels}.delete': ['${names.snake}.deleted', async (work) => ({ method: 'DELETE', path: await made(work) })],`,
    '  },',
    '}',
    '',
    `const made = async (work: Work) => \`${path}/\${await work.make('${path}', await body(work))}\``,
  )
  return withImports(
    code.replace('async (work) => ({\n', usesWork(resource) ? 'async (work) => ({\n' : 'async () => ({\n'),
    [
      { from: 'node:crypto', names: ['randomInt', 'randomUUID'] },
      { from: '../support/scenes.ts', names: ['Body', 'Scene', 'Work'], isType: true },
      ...[...new Set(bodies.map(({ target }) => target.names))].map(({ camels, camel }) => ({
        from: `./${camels}.ts`,
        names: [`body as ${camel}Body`],
      })),
    ],
  )
}

const key = (name: string) => (/^\w+$/.test(name) ? name : `'${name}'`)
const usesWork = ({ references }: Resource) => references.length > 0
const targetOf = ({ references }: Resource, field: Field) =>
  references.find((reference) => reference.field === field) as Reference

/** A value of a call, another one each time where it must be. */
const valueInBody = (resource: Resource, field: Field) => {
  if (field.type === 'ref') {
    const { target } = targetOf(resource, field)
    if (isPeople(target)) return 'work.personId'
    return `await work.make('/${target.names.kebabs}', await ${target.names.camel}Body(work))`
  }
  return written(field, field.isUnique ? 'randomUUID()' : `'${pascal(field.word)}'`, 'randomInt(1_000_000)')
}

/** A value of a row: every text begins with the canary of its tenant. */
const valueInRow = (resource: Resource, field: Field) => {
  if (field.type === 'ref')
    return `ids.${targetOf(resource, field).target.names.kebabs}`.replace(/\.([\w]*-[\w-]*)$/, "['$1']")
  const text = '`${canary}-${id}`'
  if (field.type === 'text') return text
  if (field.type === 'url') return '`https://example.org/${canary}`'
  if (field.type === 'json') return '{ note: canary }'
  return written(field, text, 'randomInt(1_000_000)')
}

const written = (field: Field, text: string, number: string): string => {
  const { type, isUnique, choices } = field
  if (type === 'enum') return `'${choices[0]}'`
  if (type === 'string') return text
  if (type === 'email')
    return text.startsWith('`') ? text.replace(/`$/, '@example.org`') : '`${randomUUID()}@example.org`'
  if (type === 'int' && isUnique) return number
  return sampleOf(field, 0)
}
