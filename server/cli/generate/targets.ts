import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { modules } from '../../../contract/modules.ts'
import { ForgeError, misused } from '../forgeError.ts'
import type { Field } from './fields.ts'
import { moduleNamesOf, namesOf } from './names.ts'
import { people, type Reference, type Target } from './resource.ts'

interface Referring {
  /** Where the project is. */
  readonly project: string
  readonly fields: readonly Field[]
  /** Whether the rows that refer belong to tenants. */
  readonly isTenant: boolean
}

/** What the references of a resource lead to. Throws ForgeError for what nothing can refer to. */
export const targetsOf = ({ project, fields, isTenant }: Referring): readonly Reference[] =>
  fields
    .filter(({ type }) => type === 'ref')
    .map((field) => {
      const target = targetOf(project, field)
      if (target.isTenant && !isTenant)
        throw new ForgeError(
          `Nothing was done: rows that all tenants share cannot refer to ${target.names.camels}, which belong to tenants: add --tenant.`,
          misused,
        )
      return { field, target }
    })

const targetOf = (project: string, { word, target }: Field): Target => {
  const names = [namesOf, spelt].map((spell) => spell(target)).find(({ camels }) => isReferable(project, camels))
  if (names) return { names, isTenant: /\btenant_id: uuid\(\)/.test(readIn(project, `db/schema/${names.camels}.ts`)) }
  throw new ForgeError(
    `Nothing was done: ${word} cannot refer to ${target}: to users, or to a resource that gen resource has made${known()}.`,
    misused,
  )
}

/** As it was typed, for a plural that was said when the resource was made, and for people. */
const spelt = (typed: string): Target['names'] => {
  const { camel, snake } = moduleNamesOf(typed)
  return { camel, camels: camel, snakes: snake, kebabs: snake.replaceAll('_', '-') }
}

const isReferable = (project: string, name: string) =>
  name === people ||
  (Object.hasOwn(modules, name) &&
    existsSync(path.join(project, `db/schema/${name}.ts`)) &&
    readIn(project, `tests/scenes/${name}.ts`).includes('export const body'))

const readIn = (project: string, file: string) => {
  const place = path.join(project, file)
  return existsSync(place) ? readFileSync(place, 'utf8') : ''
}

const known = () => (Object.keys(modules).length > 0 ? ` (${Object.keys(modules).join(', ')})` : '')
