import { getTableName } from 'drizzle-orm'
import type { ContractModule } from '../../contract/define.ts'
import { errors } from '../../contract/errors.ts'
import { flags } from '../../contract/flags.ts'
import { modules as contracts } from '../../contract/modules.ts'
import { permissions } from '../../contract/permissions.ts'
import { topics } from '../../contract/topics.ts'
import type { AnyModule } from './module.ts'

/** The modules do not fit together, or one of them did not start. The message is for the person who lists them. */
export class ModuleError extends Error {
  override readonly name = 'ModuleError'
}

/** A word that modules must not share, and whose it is. */
interface Claim {
  readonly word: string
  readonly owner: string
}

/**
 * The modules in the order in which they are migrated and started: each behind those it needs, else as they are listed.
 * Throws ModuleError, with all that is wrong, when they do not fit together.
 */
export const orderModules = (
  modules: readonly AnyModule[],
  vocabularies: Readonly<Record<string, ContractModule>> = contracts,
): readonly AnyModule[] => {
  const problems = [...doubles(modules, vocabularies), ...lacks(modules)]
  if (problems.length > 0) throw new ModuleError(problems.join('\n'))
  return sorted(modules)
}

const doubles = (modules: readonly AnyModule[], vocabularies: Readonly<Record<string, ContractModule>>): string[] => {
  const ofModules = (kind: string, wordsOf: (module: AnyModule) => readonly string[]) =>
    repeated(
      modules.flatMap((module) => wordsOf(module).map((word) => ({ word, owner: `the module ${module.name}` }))),
      kind,
    )
  const ofVocabularies = (kind: string, table: 'permissions' | 'errors' | 'topics' | 'flags', builtIn: object) =>
    repeated(
      [
        ...Object.keys(builtIn).map((word) => ({ word, owner: 'the built-in features' })),
        ...Object.entries(vocabularies).flatMap(([name, vocabulary]) =>
          Object.keys(vocabulary[table] ?? {}).map((word) => ({ word, owner: `the module ${name}` })),
        ),
      ],
      kind,
    )
  return [
    ...repeated(
      modules.map(({ name }) => ({ word: name, owner: 'a module' })),
      'name',
    ),
    ...ofModules('route', routesOf),
    ...ofModules('table', ({ tables = [] }) => tables.map((table) => getTableName(table))),
    ...ofModules('duty', ({ duties = [] }) => duties.map(({ name }) => name)),
    ...ofModules('consumer', ({ consumers = [] }) => consumers.map(({ name }) => name)),
    ...ofModules('menu', ({ menus = [] }) => menus.map(({ code }) => code)),
    ...ofVocabularies('permission', 'permissions', permissions),
    ...ofVocabularies('error', 'errors', errors),
    ...ofVocabularies('topic', 'topics', topics),
    ...ofVocabularies('flag', 'flags', flags),
  ]
}

/** `{id}` and `{user_id}` in the same place are one route. */
const routesOf = ({ contract }: AnyModule) =>
  Object.values(contract).map(({ http: [verb, path] }) => `${verb} ${path.replaceAll(/\{\w+\}/g, '{}')}`)

const repeated = (claims: readonly Claim[], kind: string): string[] => {
  const first = new Map<string, string>()
  return claims.flatMap(({ word, owner }) => {
    const other = first.get(word)
    first.set(word, other ?? owner)
    if (other === undefined) return []
    const who = other === owner ? `${owner} twice` : `${other} and by ${owner}`
    return [`The ${kind} ${word} is taken by ${who}: rename one of them.`]
  })
}

const lacks = (modules: readonly AnyModule[]): string[] => {
  const names = new Set(modules.map(({ name }) => name))
  return modules.flatMap(({ name, needs = [] }) =>
    needs
      .filter((needed) => !names.has(needed))
      .map(
        (needed) => `The module ${name} needs the module ${needed}, which is not listed: add it to server/modules.ts.`,
      ),
  )
}

const sorted = (modules: readonly AnyModule[]): readonly AnyModule[] => {
  const byName = new Map(modules.map((module) => [module.name, module]))
  const done = new Set<AnyModule>()
  const visit = (module: AnyModule, path: readonly string[]): void => {
    if (done.has(module)) return
    const circle = [...path, module.name]
    if (path.includes(module.name))
      throw new ModuleError(
        `The modules ${circle.join(' -> ')} need each other in a circle: take one of the needs out.`,
      )
    for (const needed of module.needs ?? []) visit(byName.get(needed) as AnyModule, circle)
    done.add(module)
  }
  for (const module of modules) visit(module, [])
  return [...done]
}
