import type { Entry } from '../../contract/define.ts'
import { contract } from '../../contract/index.ts'

/** Every entry of the contract by its key. */
export const entries: ReadonlyMap<string, Entry> = new Map(
  Object.entries(contract).flatMap(([feature, rules]) =>
    Object.entries(rules).map(([name, entry]) => [`${feature}.${name}`, entry] as const),
  ),
)
