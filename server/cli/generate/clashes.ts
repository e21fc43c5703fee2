import { existsSync } from 'node:fs'
import path from 'node:path'
import { getTableName } from 'drizzle-orm'
import type { Entries } from '../../../contract/define.ts'
import { contract } from '../../../contract/index.ts'
import { modules as added } from '../../../contract/modules.ts'
import document from '../../../contract/openapi.json' with { type: 'json' }
import { permissions, topicNames } from '../../../contract/vocabulary.ts'
import { tables } from '../../../db/tables.ts'
import { projectFolder } from '../../projectFolder.ts'
import { ForgeError, misused } from '../forgeError.ts'
import type { Names } from './names.ts'
import { enums, enumTypeName, foreignKey, pascal, type Resource, unique, uniques, wordsOfContract } from './resource.ts'

/** Throws ForgeError for names that something else has, or that PostgreSQL would cut. */
export const refuseClashes = (resource: Resource): void => {
  const { names } = resource
  if (!isOwn(names.camels)) refuse(clashOf(resource))
  const long = identifiers(resource).find((name) => name.length > identifierMax)
  if (long === undefined) return
  const typed = names.one.replaceAll(' ', '-')
  throw new ForgeError(
    `Nothing was done: it would have the name ${long}, and PostgreSQL takes ${identifierMax} characters: shorten ${typed} or its field by ${long.length - identifierMax}.`,
    misused,
  )
}

/** The same for a module without tables. */
export const refuseModuleClashes = ({ camel, snake }: Pick<Names, 'camel' | 'snake'>): void => {
  if (isOwn(camel)) return
  refuse(claimed([...moduleTaken(camel), ...wordsTaken(snake, snake), pathTaken(snake.replaceAll('_', '-'))]))
}

/** Modules that were written into the project are written anew with --force; a pack, which lies elsewhere, is not. */
const isOwn = (name: string) => Object.hasOwn(added, name) && existsSync(contractFile(name))

const refuse = (clash: string | undefined) => {
  if (clash) throw new ForgeError(`Nothing was done: ${clash} is there already: take another name.`, misused)
}

/** NAMEDATALEN - 1: PostgreSQL manual, 4.1.1. */
const identifierMax = 63

type Claim = readonly [isTaken: boolean, what: string]

const claimed = (claims: readonly Claim[]) => claims.find(([isTaken]) => isTaken)?.[1]

const clashOf = ({ names, references }: Resource): string | undefined => {
  const isTable = tables.some((table) => getTableName(table) === names.snakes) || names.snakes === 'schema_migrations'
  const isSchema = Object.hasOwn(document.components.schemas, names.pascal) || wordsOfContract.has(names.pascal)
  const isField = references.some(({ field }) => pascal(field.word) === names.pascal)
  return claimed([
    ...moduleTaken(names.camels),
    [isTable, `the table ${names.snakes}`],
    [isSchema, `the schema ${names.pascal}`],
    [isField, `a reference called ${names.snake}`],
    pathTaken(names.kebabs),
    ...wordsTaken(names.snakes, names.snake),
  ])
}

/** Also by a file of the contract that is no module's: `contract/errors.ts`. */
const moduleTaken = (name: string): Claim[] => [
  [Object.hasOwn(contract, name), `the module ${name}`],
  [existsSync(contractFile(name)), `the file contract/${name}.ts`],
]

const contractFile = (name: string) => path.join(projectFolder, `contract/${name}.ts`)

const pathTaken = (segment: string): Claim => {
  const routes = Object.values<Entries>(contract).flatMap((entries) =>
    Object.values(entries).map(({ http }) => http[1]),
  )
  return [routes.some((route) => route.split('/')[3] === segment), `the path /api/v1/${segment}`]
}

const wordsTaken = (code: string, topic: string): Claim[] => [
  [Object.keys(permissions).some((word) => word.startsWith(`${code}.`)), `a permission ${code}.…`],
  [topicNames.some((word) => word.startsWith(`${topic}.`)), `a topic ${topic}.…`],
]

/** Everything in the database that has a name made of others. */
const identifiers = (resource: Resource) => [
  ...enums(resource).map((field) => enumTypeName(resource, field)),
  ...uniques(resource).map((field) => unique(resource, field)),
  ...resource.references.map((reference) => foreignKey(resource, reference)),
  ...['created_at', ...resource.fields.map(({ name }) => name)].map((name) => `${resource.names.snakes}_by_${name}`),
  ...(resource.isTenant ? [`${resource.names.snakes}_tenant_id_tenants_id_fk`] : []),
]
