import { getTableConfig, type PgTable } from 'drizzle-orm/pg-core'
import type { Client } from 'pg'
import { withConnection } from './oneConnection.ts'

interface Column {
  readonly type: string
  readonly notNull: boolean
  readonly hasDefault: boolean
}

interface Shape {
  readonly columns: ReadonlyMap<string, Column>
  /** Names of indexes and constraints, without those that PostgreSQL makes for NOT NULL. */
  readonly named: ReadonlySet<string>
}

type Shapes = ReadonlyMap<string, Shape>

/** The migrator's own table, which no code describes. */
const history = 'schema_migrations'

/**
 * What the tables of a database have that those in the code have not, and the other way round, a sentence each: tables,
 * columns with type, NOT NULL and whether there is a default, indexes and constraints by name. Functions, policies and
 * grants stand in migrations alone. Rejects when there is no connection.
 */
export const findDrift = async (url: string, tables: readonly PgTable[]): Promise<readonly string[]> => {
  const [inCode, inDatabase] = [shapesOf(tables), await withConnection(url, readShapes)]
  return [...new Set([...inCode.keys(), ...inDatabase.keys()])].sort().flatMap((name) => {
    const [code, database] = [inCode.get(name), inDatabase.get(name)]
    if (!database) return [`table ${name} is in the code and not in the database`]
    if (!code) return [`table ${name} is in the database and not in the code`]
    return [...columnDrift(name, code, database), ...nameDrift(name, code, database)]
  })
}

const columnDrift = (table: string, code: Shape, database: Shape): string[] =>
  [...new Set([...code.columns.keys(), ...database.columns.keys()])].flatMap((name) => {
    const [wanted, found] = [code.columns.get(name), database.columns.get(name)]
    if (!found) return [`column ${table}.${name} is in the code and not in the database`]
    if (!wanted) return [`column ${table}.${name} is in the database and not in the code`]
    const [inCode, inDatabase] = [describe(wanted), describe(found)]
    return inCode === inDatabase
      ? []
      : [`column ${table}.${name} is ${inCode} in the code and ${inDatabase} in the database`]
  })

const describe = ({ type, notNull, hasDefault }: Column) =>
  `${type}${notNull ? ' not null' : ''}${hasDefault ? ' with a default' : ''}`

const nameDrift = (table: string, code: Shape, database: Shape): string[] => [
  ...without(code.named, database.named).map((name) => `${name} of ${table} is in the code and not in the database`),
  ...without(database.named, code.named).map((name) => `${name} of ${table} is in the database and not in the code`),
]

const without = (some: ReadonlySet<string>, others: ReadonlySet<string>) =>
  [...some].filter((name) => !others.has(name))

const shapesOf = (tables: readonly PgTable[]): Shapes =>
  new Map(
    tables.map((table) => {
      const { name, columns, indexes, checks, foreignKeys, uniqueConstraints, primaryKeys } = getTableConfig(table)
      const single = columns.some(({ primary }) => primary)
      const named = [
        ...indexes.map(({ config }) => config.name),
        ...checks.map((check) => check.name),
        ...foreignKeys.map((key) => key.getName()),
        ...uniqueConstraints.map((constraint) => constraint.name),
        ...primaryKeys.map((key) => key.getName()),
        ...columns.flatMap((column) => (column.isUnique ? [column.uniqueName] : [])),
        ...(single ? [`${name}_pkey`] : []),
      ]
      const shape: Shape = {
        columns: new Map(
          columns.map((column) => [
            column.name,
            {
              type: plainType(column.getSQLType()),
              notNull: column.notNull,
              hasDefault:
                column.default !== undefined ||
                column.generated !== undefined ||
                column.generatedIdentity !== undefined,
            },
          ]),
        ),
        named: new Set(named.filter((one) => one !== undefined).map(truncated)),
      }
      return [name, shape]
    }),
  )

/** PostgreSQL cuts names off. */
const truncated = (name: string) => name.slice(0, 63)

const spellings: readonly [RegExp, string][] = [
  [/^varchar/, 'character varying'],
  [/^char(?=\(|$)/, 'character'],
  [/^decimal/, 'numeric'],
  [/^bigserial$/, 'bigint'],
  [/^smallserial$/, 'smallint'],
  [/^serial$/, 'integer'],
]

/** One spelling of a type: Drizzle writes some shorter, and with other spaces. */
const plainType = (type: string): string => {
  const spelt = spellings.reduce((text, [short, long]) => text.replace(short, long), type)
  return spelt
    .replaceAll(/\s*([(),])\s*/g, '$1')
    .replaceAll(')', ') ')
    .trim()
}

const columnsSql = `
  select relname as "table", attname as name, format_type(atttypid, atttypmod) as type, attnotnull as "notNull",
    atthasdef or attidentity <> '' as "hasDefault"
  from pg_class join pg_attribute on attrelid = pg_class.oid
  where relnamespace = 'public'::regnamespace and relkind in ('r', 'p') and not relispartition
    and attnum > 0 and not attisdropped
  order by relname, attnum`

const namesSql = `
  select owner.relname as "table", index.relname as name
  from pg_index join pg_class index on index.oid = indexrelid join pg_class owner on owner.oid = indrelid
  where owner.relnamespace = 'public'::regnamespace
  union
  select relname, conname from pg_constraint join pg_class on pg_class.oid = conrelid
  where relnamespace = 'public'::regnamespace and contype in ('p', 'u', 'f', 'c', 'x')`

const readShapes = async (client: Client): Promise<Shapes> => {
  const { rows: columns } = await client.query<Column & { table: string; name: string }>(columnsSql)
  const { rows: names } = await client.query<{ table: string; name: string }>(namesSql)
  const tables = [...new Set(columns.map(({ table }) => table))].filter((table) => table !== history)
  return new Map(
    tables.map((table) => [
      table,
      {
        columns: new Map(
          columns
            .filter((row) => row.table === table)
            .map(({ name, type, ...rest }) => [name, { ...rest, type: plainType(type) }]),
        ),
        named: new Set(names.filter((row) => row.table === table).map(({ name }) => name)),
      },
    ]),
  )
}
