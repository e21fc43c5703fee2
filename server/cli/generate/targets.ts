import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { modules } from '../../../contract/modules.ts'
import { ForgeError, misused } from '../forgeError.ts'
import type { Field } from './fields.ts'
import { namesOf } from './names.ts'
import type { Reference, Target } from './resource.ts'

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
  if (target === 'users')
    return {
      names: { camels: 'users', snakes: 'users', kebabs: 'users', camel: 'user', pascal: 'User' },
      isTenant: false,
    }
  const names = namesOf(target)
  const table = path.join(project, `db/schema/${names.camels}.ts`)
  const scene = path.join(project, `tests/scenes/${names.camels}.ts`)
  const isThere = Object.hasOwn(modules, names.camels) && existsSync(table) && existsSync(scene)
  if (!isThere || !readFileSync(scene, 'utf8').includes('export const body'))
    throw new ForgeError(
      `Nothing was done: ${word} cannot refer to ${target}: to users, or to a resource that gen resource has made${known()}.`,
      misused,
    )
  return { names, isTenant: /\btenant_id: uuid\(\)/.test(readFileSync(table, 'utf8')) }
}

const known = () => (Object.keys(modules).length > 0 ? ` (${Object.keys(modules).join(', ')})` : '')
