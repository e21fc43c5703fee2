import type { Field } from './fields.ts'
import { fieldTypes } from './fieldTypes.ts'
import { lines, withImports } from './imports.ts'
import {
  enums,
  enumType,
  enumTypeName,
  filters,
  isPeople,
  type Resource,
  sortable,
  unique,
  uniques,
} from './resource.ts'

/** `db/schema/<resources>.ts`: the table with its indexes. */
export const tableFile = (resource: Resource): string => {
  const { names, fields, isTenant } = resource
  const code = lines(
    enums(resource).map(
      (field) =>
        `export const ${enumType(resource, field)} = pgEnum('${enumTypeName(resource, field)}', [${field.choices.map((choice) => `'${choice}'`)}])\n`,
    ),
    `export const ${names.camels} = pgTable(`,
    `  '${names.snakes}',`,
    '  {',
    '    id: uuid().primaryKey(),',
    isTenant && "    tenant_id: uuid().notNull().references(() => tenants.id, { onDelete: 'cascade' }),",
    fields.map((field) => `    ${field.name}: ${column(resource, field)},`),
    '    created_at: moment().notNull().defaultNow(),',
    '    updated_at: moment().notNull().defaultNow(),',
    '  },',
    '  (table) => [',
    constraints(resource).map((constraint) => `    ${constraint},`),
    '  ],',
    ')',
  )
  const people = resource.references.some(({ target }) => isPeople(target))
  const others = resource.references.filter(({ target }) => !isPeople(target)).map(({ target }) => target.names.camels)
  return withImports(code, [
    { from: 'drizzle-orm/pg-core', names: drizzle },
    { from: './columns.ts', names: ['type Json', 'moment'] },
    ...[...new Set(others)]
      .filter((name) => name !== names.camels)
      .map((name) => ({ from: `./${name}.ts`, names: [name] })),
    { from: './tenants.ts', names: ['tenants'] },
    ...(people ? [{ from: './users.ts', names: ['users'] }] : []),
  ])
}

const drizzle = 'bigint boolean date doublePrecision index integer jsonb pgEnum pgTable text unique uuid'.split(' ')

const column = (resource: Resource, field: Field) => {
  const built = field.type === 'enum' ? `${enumType(resource, field)}()` : (fieldTypes[field.type].column ?? '')
  const target = resource.references.find((reference) => reference.field === field)?.target
  // Without an action: what is referred to is not deleted, but may go in one statement with what refers to it, as a tenant's rows do.
  return `${built}${field.isOptional ? '' : '.notNull()'}${target ? `.references(() => ${target.names.camels}.id)` : ''}`
}

/** Every order and every filter of the list has an index, which begins with the tenant. */
const constraints = (resource: Resource) => {
  const { names, isTenant, references } = resource
  const within = isTenant ? 'table.tenant_id, ' : ''
  const byOrder = sortable(resource).filter(({ isUnique }) => !isUnique)
  const byValue = filters(resource).filter(({ type }) => type === 'enum' || type === 'bool')
  return [
    ...uniques(resource).map((field) => `unique('${unique(resource, field)}').on(${within}table.${field.name})`),
    `index('${names.snakes}_by_created_at').on(${within}table.created_at, table.id)`,
    ...byOrder.map(({ name }) => `index('${names.snakes}_by_${name}').on(${within}table.${name}, table.id)`),
    ...byValue.map(
      ({ name }) => `index('${names.snakes}_by_${name}').on(${within}table.${name}, table.created_at, table.id)`,
    ),
    ...references.map(({ field }) => `index('${names.snakes}_by_${field.name}').on(table.${field.name})`),
  ]
}
