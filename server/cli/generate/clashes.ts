import { getTableName } from 'drizzle-orm'
import { contract } from '../../../contract/index.ts'
import { modules as added } from '../../../contract/modules.ts'
import document from '../../../contract/openapi.json' with { type: 'json' }
import { permissions, topicNames } from '../../../contract/vocabulary.ts'
import { tables } from '../../../db/tables.ts'
import { ForgeError, misused } from '../forgeError.ts'
import { enums, enumTypeName, foreignKey, pascal, type Resource, unique, uniques, wordsOfContract } from './resource.ts'

/** Throws ForgeError for names that something else has, or that PostgreSQL would cut. */
export const refuseClashes = (resource: Resource): void => {
  const { names } = resource
  const isOwn = Object.hasOwn(added, names.camels)
  const clash = isOwn ? undefined : clashOf(resource)
  const long = identifiers(resource).find((name) => name.length > identifierMax)
  if (clash) throw new ForgeError(`Nothing was done: ${clash} is there already: take another name.`, misused)
  if (long)
    throw new ForgeError(
      `Nothing was done: it would have the name ${long}, and PostgreSQL takes ${identifierMax} characters: shorten ${names.one.replaceAll(' ', '-')} or its field by ${long.length - identifierMax}.`,
      misused,
    )
}

/** NAMEDATALEN - 1: PostgreSQL manual, 4.1.1. */
const identifierMax = 63

const clashOf = ({ names, references }: Resource): string | undefined => {
  const routes = Object.values(contract).flatMap((entries) => Object.values(entries).map(({ http }) => http[1]))
  const claims: readonly [isTaken: boolean, what: string][] = [
    [Object.hasOwn(contract, names.camels), `the module ${names.camels}`],
    [
      tables.some((table) => getTableName(table) === names.snakes) || names.snakes === 'schema_migrations',
      `the table ${names.snakes}`,
    ],
    [Object.hasOwn(document.components.schemas, names.pascal), `the schema ${names.pascal}`],
    [wordsOfContract.has(names.pascal), `the schema ${names.pascal}`],
    [references.some(({ field }) => pascal(field.word) === names.pascal), `a field ${names.snake} that is a reference`],
    [routes.some((route) => route.split('/')[3] === names.kebabs), `the path /api/v1/${names.kebabs}`],
    [Object.keys(permissions).some((code) => code.startsWith(`${names.snakes}.`)), `a permission ${names.snakes}.…`],
    [topicNames.some((topic) => topic.startsWith(`${names.snake}.`)), `a topic ${names.snake}.…`],
  ]
  return claims.find(([isTaken]) => isTaken)?.[1]
}

/** Everything in the database that has a name made of others. */
const identifiers = (resource: Resource) => [
  ...enums(resource).map((field) => enumTypeName(resource, field)),
  ...uniques(resource).map((field) => unique(resource, field)),
  ...resource.references.map((reference) => foreignKey(resource, reference)),
  ...['created_at', ...resource.fields.map(({ name }) => name)].map((name) => `${resource.names.snakes}_by_${name}`),
  ...(resource.isTenant ? [`${resource.names.snakes}_tenant_id_tenants_id_fk`] : []),
]
