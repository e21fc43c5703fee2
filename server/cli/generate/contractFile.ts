import type { Field } from './fields.ts'
import { fieldTypes } from './fieldTypes.ts'
import { lines, withImports } from './imports.ts'
import {
  article,
  enumSchema,
  enums,
  filters,
  type Resource,
  searched,
  sentence,
  sortable,
  spoken,
  told,
  uniques,
} from './resource.ts'

/** `contract/<resources>.ts`: its words, its schema and its entries. */
export const contractFile = (resource: Resource): string =>
  withImports(lines(schemas(resource), '', words(resource), '', entries(resource)), [
    { from: 'zod', names: ['z'] },
    { from: './core.ts', names: ['extend'] },
    { from: './define.ts', names: ['ContractModule'], isType: true },
    { from: './page.ts', names: ['page', 'pageRequest', 'SearchText'] },
    { from: './scalars.ts', names: ['Day', 'Email', 'Id', 'Instant', 'InstantInput', 'Json', 'label'] },
  ])

const schemas = (resource: Resource) => {
  const { names, fields } = resource
  return lines(
    enums(resource).map((field) => `const ${enumSchema(resource, field)} = z.enum([${field.choices.map(quoted)}])\n`),
    `const ${names.pascal} = z.object({`,
    '  id: Id,',
    fields.map((field) => `  ${field.name}: ${nullable(field, outputOf(resource, field))},`),
    '  created_at: Instant,',
    '  updated_at: Instant,',
    `}).meta({ id: '${names.pascal}' })`,
  )
}

const outputOf = (resource: Resource, field: Field) =>
  field.type === 'enum' ? enumSchema(resource, field) : (fieldTypes[field.type].output ?? '')
const inputOf = (resource: Resource, field: Field) =>
  field.type === 'enum' ? enumSchema(resource, field) : (fieldTypes[field.type].input ?? '')
const nullable = ({ isOptional }: Field, schema: string) => (isOptional ? `${schema}.nullable()` : schema)
const quoted = (text: string) => `'${text}'`

const words = (resource: Resource) => {
  const { names, isTenant, references } = resource
  const whose = isTenant ? `the ${names.many} of a tenant` : `the ${names.many}`
  const payload = told(resource).map((field) => `${field.name}: ${nullable(field, outputOf(resource, field))}`)
  const tells = `z.object({${payload.length > 0 ? ` ${payload.join(', ')} ` : ''}})`
  return lines(
    `/** What ${names.many} add to the words of the contract. */`,
    'const words = {',
    '  permissions: {',
    `    '${names.snakes}.read': 'See ${whose}.',`,
    `    '${names.snakes}.manage': 'Make, change and delete ${whose}.',`,
    '  },',
    '  errors: {',
    `    '${names.snakes}.not_found': [404, 'There is no such ${names.one}.'],`,
    uniques(resource).map(
      (field) => `    '${names.snakes}.${field.word}_taken': [409, 'Another ${names.one} has this ${spoken(field)}.'],`,
    ),
    references.map(
      ({ field }) =>
        `    '${names.snakes}.${field.word}_not_found': [404, 'The ${spoken(field)} that the ${names.one} names is not there.'],`,
    ),
    `    '${names.snakes}.in_use': [409, 'The ${names.one} cannot be deleted while others refer to it.'],`,
    isTenant &&
      `    '${names.snakes}.tenant_required': [400, '${sentence(names.many)} belong to a tenant; name it in X-Tenant-ID.'],`,
    '  },',
    '  topics: {',
    `    '${names.snake}.created': ${tells},`,
    `    '${names.snake}.updated': ${tells},`,
    `    '${names.snake}.deleted': z.object({}),`,
    '  },',
    "} as const satisfies Omit<ContractModule, 'entries'>",
    '',
    'const { query, mutation } = extend(words)',
  )
}

/** What an entry of writing can answer about the fields it takes. */
const refusals = (resource: Resource) => [
  ...uniques(resource).map(({ word }) => `'${resource.names.snakes}.${word}_taken'`),
  ...resource.references.map(({ field }) => `'${resource.names.snakes}.${field.word}_not_found'`),
]

const entries = (resource: Resource) =>
  lines(
    `export const ${resource.names.camels} = {`,
    '  ...words,',
    '  entries: {',
    [list, get, create, update, remove].map((entry) => `${entry(resource)}\n`),
    '  },',
    '}',
  )

/** What the entries of reading have in common, and those of writing. */
const reading = (resource: Resource) => rules(resource, 'read')
const writing = (resource: Resource) => lines(rules(resource, 'manage'), "    idempotency: 'key',")
const rules = ({ names, isTenant }: Resource, permission: 'read' | 'manage') =>
  lines(
    `    access: '${names.snakes}.${permission}',`,
    `    rate: '${permission === 'read' ? 'read' : 'write'}',`,
    `    tenancy: '${isTenant ? 'bucket' : 'global'}',`,
  )

const pathOf = ({ names }: Resource) => `/api/v1/${names.kebabs}`
const notFound = ({ names }: Resource) => `'${names.snakes}.not_found'`
const one = ({ names }: Resource) => `${article(names.one)} ${names.one}`

const list = (resource: Resource) => {
  const { names, isTenant } = resource
  const columns = ['created_at', ...sortable(resource).map(({ name }) => name)]
  const sorts = columns.flatMap((name) => [name, `-${name}`]).map(quoted)
  return lines(
    '  list: query({',
    `    summary: '${sentence(names.many)}${isTenant ? ' of the tenant' : ''}, the newest first unless \`sort\` says otherwise.',`,
    `    http: ['GET', '${pathOf(resource)}'],`,
    reading(resource),
    isTenant && '    replica: true,',
    '    input: z.object({',
    '      ...pageRequest,',
    searched(resource).length > 0 && '      q: SearchText,',
    filters(resource).map((field) => `      ${field.name}: ${inputOf(resource, field)}.optional(),`),
    `      sort: z.enum([${sorts}]).default('-created_at'),`,
    '    }),',
    `    output: page(${names.pascal}),`,
    "    errors: ['cursor.invalid'],",
    '  }),',
  )
}

const get = (resource: Resource) =>
  lines(
    '  get: query({',
    `    summary: 'One ${resource.names.one}.',`,
    `    http: ['GET', '${pathOf(resource)}/{id}'],`,
    reading(resource),
    '    input: z.object({ id: Id }),',
    `    output: ${resource.names.pascal},`,
    `    errors: [${notFound(resource)}],`,
    '  }),',
  )

const create = (resource: Resource) => {
  const { names, isTenant, fields } = resource
  const errors = [...refusals(resource), ...(isTenant ? [`'${names.snakes}.tenant_required'`] : [])]
  const input = (field: Field) =>
    `${nullable(field, inputOf(resource, field))}${field.isOptional ? '.default(null)' : ''}`
  return lines(
    '  create: mutation({',
    `    summary: 'Make ${one(resource)}.',`,
    `    http: ['POST', '${pathOf(resource)}', 201],`,
    writing(resource),
    '    input: z.object({',
    fields.map((field) => `      ${field.name}: ${input(field)},`),
    '    }),',
    `    output: ${names.pascal},`,
    errors.length > 0 && `    errors: [${errors}],`,
    '  }),',
  )
}

const update = (resource: Resource) =>
  lines(
    '  update: mutation({',
    `    summary: 'Change ${one(resource)}; fields left out stay.',`,
    `    http: ['PATCH', '${pathOf(resource)}/{id}'],`,
    writing(resource),
    '    input: z.object({',
    '      id: Id,',
    resource.fields.map((field) => `      ${field.name}: ${nullable(field, inputOf(resource, field))}.optional(),`),
    '    }),',
    `    output: ${resource.names.pascal},`,
    `    errors: [${[notFound(resource), ...refusals(resource)]}],`,
    '  }),',
  )

const remove = (resource: Resource) =>
  lines(
    '  delete: mutation({',
    `    summary: 'Delete ${one(resource)} that nothing refers to.',`,
    `    http: ['DELETE', '${pathOf(resource)}/{id}'],`,
    writing(resource),
    '    input: z.object({ id: Id }),',
    '    output: z.void(),',
    `    errors: [${notFound(resource)}, '${resource.names.snakes}.in_use'],`,
    '  }),',
  )
