import type { AnyModule } from '../../rpc/module.ts'
import { ForgeError, misused } from '../forgeError.ts'

/** Throws ForgeError for a module that cannot be taken out; `added` are the names of those that can at all. */
export const requireRemovable = (name: string, modules: readonly AnyModule[], added: readonly string[]): void => {
  if (!modules.some((module) => module.name === name))
    throw new ForgeError(`Nothing was done: there is no module ${name}; module list shows all.`, misused)
  if (!added.includes(name))
    throw new ForgeError(
      `Nothing was done: ${name} is built in, and others rest on it: only added modules can be removed.`,
    )
  const needing = modules.filter(({ needs = [] }) => needs.includes(name)).map((module) => module.name)
  if (needing.length > 0)
    throw new ForgeError(
      `Nothing was done: ${needing.join(', ')} ${needing.length > 1 ? 'need' : 'needs'} ${name}: remove that first.`,
    )
}
