import type { Field } from './fields.ts'
import { lines, withImports } from './imports.ts'
import {
  camel,
  enumTypeName,
  filters,
  isPeople,
  pascal,
  type Reference,
  type Resource,
  searched,
  sortable,
  spoken,
} from './resource.ts'

/** `server/features/<resources>/queries.ts`. */
export const queriesFile = (resource: Resource): string => {
  const { names, isTenant, references } = resource
  const table = names.camels
  const asked = isTenant
    ? lines(
        `const isOurs = inTenant(${table}.tenant_id)`,
        `const isAsked = and(eq(${table}.id, placeholder('id')), isOurs)`,
      )
    : `const isAsked = eq(${table}.id, placeholder('id'))`
  const code = lines(
    'const { placeholder } = sql',
    '',
    asked,
    wanted(resource),
    '',
    list(resource),
    '',
    `export const count${names.pascals} = statement('${table}.count', (db) =>`,
    `  db.select({ total: sql<number>\`count(*)::int\` }).from(${table})${isWanted(resource) ? '.where(isWanted)' : ''},`,
    ')',
    '',
    `/** No row: there is no such ${names.one} here. */`,
    `export const find${names.pascal} = statement('${table}.find', (db) => db.select().from(${table}).where(isAsked))`,
    '',
    `/** Keeps the ${names.one} as it is until the transaction ends. */`,
    `export const hold${names.pascal} = statement('${table}.hold', (db) => db.select().from(${table}).where(isAsked).for('update'))`,
    references.map((reference) => `\n${finder(resource, reference)}`),
    '',
    insert(resource),
    '',
    update(resource),
    '',
    `/** No row: there is no such ${names.one} here. */`,
    `export const delete${names.pascal} = statement('${table}.delete', (db) =>`,
    `  db.delete(${table}).where(isAsked).returning({ id: ${table}.id }),`,
    ')',
  )
  const targets = [
    ...new Set(references.filter(({ target }) => !isPeople(target)).map(({ target }) => target.names.camels)),
  ]
  return withImports(code, [
    { from: 'drizzle-orm', names: ['and', 'eq', 'ilike', 'or', 'sql'] },
    { from: '../../../db/bucket.ts', names: ['bucketId', 'inTenant'] },
    ...[...new Set([...targets, table])]
      .sort()
      .map((name) => ({ from: `../../../db/schema/${name}.ts`, names: [name] })),
    { from: '../../../db/schema/tenants.ts', names: ['members'] },
    ...(references.some(({ target }) => isPeople(target))
      ? [{ from: '../../../db/schema/users.ts', names: ['users'] }]
      : []),
    { from: '../../../db/sorted.ts', names: ['sorted'] },
    { from: '../../../db/statement.ts', names: ['statement'] },
  ])
}

const isWanted = (resource: Resource) =>
  resource.isTenant || searched(resource).length > 0 || filters(resource).length > 0

/** The type that a filter's null is cast to. */
const castOf = (resource: Resource, field: Field) =>
  ({ enum: enumTypeName(resource, field), bool: 'boolean', ref: 'uuid' })[field.type as 'enum' | 'bool' | 'ref']

const wanted = (resource: Resource) => {
  const { names, isTenant } = resource
  if (!isWanted(resource)) return ''
  const searches = searched(resource).map(({ name, isOptional }) =>
    isOptional
      ? `sql\`coalesce(\${${names.camels}.${name}}, '') ilike \${placeholder('pattern')}\``
      : `ilike(${names.camels}.${name}, placeholder('pattern'))`,
  )
  const search = searches.length > 1 ? [`or(${searches.join(', ')})`] : searches
  const values = filters(resource).map((field) => {
    const value = `\${placeholder('${field.name}')}::${castOf(resource, field)}`
    return `sql\`(${value} is null or \${${names.camels}.${field.name}} = ${value})\``
  })
  const conditions = [...(isTenant ? ['isOurs'] : []), ...search, ...values]
  return lines(
    '',
    values.length > 0 && '/** Filters that are left out are null. */',
    `const isWanted = ${conditions.length > 1 ? `and(${conditions.join(', ')})` : conditions[0]}`,
  )
}

const list = (resource: Resource) => {
  const { names } = resource
  const columns = ['created_at', ...sortable(resource).map(({ name }) => name)]
  return lines(
    '/** By the word for the order; each takes the position to begin behind. */',
    `export const list${names.pascals} = sorted('${names.camels}.list', {`,
    `  columns: { ${columns.map((name) => `${name}: ${names.camels}.${name}`).join(', ')} },`,
    `  id: ${names.camels}.id,`,
    '  build: (db, { behind, order }) =>',
    `    db.select().from(${names.camels}).where(${isWanted(resource) ? 'and(isWanted, behind)' : 'behind'}).orderBy(...order).limit(placeholder('limit')),`,
    '})',
  )
}

/** Named for the field: a resource may refer to one target twice. */
export const finderName = ({ field }: Reference): string => `find${pascal(field.word)}`

const finder = ({ names, isTenant }: Resource, reference: Reference) => {
  const { field, target } = reference
  const { camels } = target.names
  const membership = isPeople(target) && isTenant
  const [from, id] = membership ? ['members', 'members.user_id'] : [camels, `${camels}.id`]
  const isHere = membership || target.isTenant
  const condition = isHere
    ? `and(eq(${id}, placeholder('id')), inTenant(${from}.tenant_id))`
    : `eq(${id}, placeholder('id'))`
  return lines(
    `/** No row: there is no such ${spoken(field)} here. */`,
    `export const ${finderName(reference)} = statement('${names.camels}.${camel(`find_${field.word}`)}', (db) =>`,
    `  db.select({ id: ${id} }).from(${from}).where(${condition}),`,
    ')',
  )
}

/** What a placeholder is written as. Drizzle's encoder of a moment knows no null. */
const inserted = ({ name, type, isOptional }: Field) =>
  type === 'datetime' && isOptional ? `sql\`\${placeholder('${name}')}::timestamptz\`` : `placeholder('${name}')`

/** Only JSON is not yet what the driver sends. */
const updated = ({ names }: Resource, { name, type }: Field) =>
  type === 'json'
    ? `sql\`\${sql.param(placeholder('${name}'), ${names.camels}.${name})}\``
    : `sql\`\${placeholder('${name}')}\``

const insert = ({ names, fields, isTenant }: Resource) =>
  lines(
    `export const insert${names.pascal} = statement('${names.camels}.insert', (db) =>`,
    '  db',
    `    .insert(${names.camels})`,
    '    .values({',
    "      id: placeholder('id'),",
    isTenant && '      tenant_id: bucketId(),',
    fields.map((field) => `      ${field.name}: ${inserted(field)},`),
    '    })',
    '    .returning(),',
    ')',
  )

const update = (resource: Resource) => {
  const { names, fields } = resource
  return lines(
    `/** Takes every field, those that stay as they are too. */`,
    `export const update${names.pascal} = statement('${names.camels}.update', (db) =>`,
    `  db.update(${names.camels})`,
    `    .set({ ${fields.map((field) => `${field.name}: ${updated(resource, field)}`).join(', ')}, updated_at: sql\`now()\` })`,
    '    .where(isAsked)',
    '    .returning(),',
    ')',
  )
}
