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
  field.type === 'enum' ? enumSchema(resource, field) : fieldTypes[field.type].output
const inputOf = (resource: Resource, field: Field) =>
  field.type === 'enum' ? enumSchema(resource, field) : fieldTypes[field.type].input
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

const entries = (resource: Resource) => {
  const { names, isTenant, fields } = resource
  const path = `/api/v1/${names.kebabs}`
  const tenancy = `    tenancy: '${isTenant ? 'bucket' : 'global'}',`
  const read = lines(`    access: '${names.snakes}.read',`, "    rate: 'read',", tenancy)
  const write = lines(`    access: '${names.snakes}.manage',`, "    rate: 'write',", tenancy, "    idempotency: 'key',")
  const missing = `'${names.snakes}.not_found'`
  const words = sortable(resource).flatMap(({ name }) => [name, `-${name}`])
  const sorts = ['created_at', '-created_at', ...words].map(quoted)
  const listErrors = "    errors: ['cursor.invalid'],"
  const createErrors = [...refusals(resource), ...(isTenant ? [`'${names.snakes}.tenant_required'`] : [])]
  return lines(
    `export const ${names.camels} = {`,
    '  ...words,',
    '  entries: {',
    '  list: query({',
    `    summary: '${sentence(names.many)}${isTenant ? ' of the tenant' : ''}, the newest first unless \`sort\` says otherwise.',`,
    `    http: ['GET', '${path}'],`,
    read,
    isTenant && '    replica: true,',
    '    input: z.object({',
    '      ...pageRequest,',
    searched(resource).length > 0 && '      q: SearchText,',
    filters(resource).map((field) => `      ${field.name}: ${inputOf(resource, field)}.optional(),`),
    `      sort: z.enum([${sorts}]).default('-created_at'),`,
    '    }),',
    `    output: page(${names.pascal}),`,
    listErrors,
    '  }),',
    '',
    '  get: query({',
    `    summary: 'One ${names.one}.',`,
    `    http: ['GET', '${path}/{id}'],`,
    read,
    '    input: z.object({ id: Id }),',
    `    output: ${names.pascal},`,
    `    errors: [${missing}],`,
    '  }),',
    '',
    '  create: mutation({',
    `    summary: 'Make ${article(names.one)} ${names.one}.',`,
    `    http: ['POST', '${path}', 201],`,
    write,
    '    input: z.object({',
    fields.map(
      (field) =>
        `      ${field.name}: ${nullable(field, inputOf(resource, field))}${field.isOptional ? '.default(null)' : ''},`,
    ),
    '    }),',
    `    output: ${names.pascal},`,
    createErrors.length > 0 && `    errors: [${createErrors}],`,
    '  }),',
    '',
    '  update: mutation({',
    `    summary: 'Change ${article(names.one)} ${names.one}; fields left out stay.',`,
    `    http: ['PATCH', '${path}/{id}'],`,
    write,
    '    input: z.object({',
    '      id: Id,',
    fields.map((field) => `      ${field.name}: ${nullable(field, inputOf(resource, field))}.optional(),`),
    '    }),',
    `    output: ${names.pascal},`,
    `    errors: [${[missing, ...refusals(resource)]}],`,
    '  }),',
    '',
    '  delete: mutation({',
    `    summary: 'Delete ${article(names.one)} ${names.one} that nothing refers to.',`,
    `    http: ['DELETE', '${path}/{id}'],`,
    write,
    '    input: z.object({ id: Id }),',
    '    output: z.void(),',
    `    errors: [${missing}, '${names.snakes}.in_use'],`,
    '  }),',
    '  },',
    '}',
  )
}
