import { type Flag, type FlagTable, type FlagValue, valuesInWords, valuesOf } from '../../../contract/flagTable.ts'
import type { FlagRule } from '../../platform/flags/decide.ts'
import type { Override } from '../../platform/flags/overrides.ts'
import type { StoredFlag } from '../../platform/flags/rows.ts'

/** A flag of a table by its name; undefined for names that the table lacks. */
export const flagOf = (table: FlagTable, name: string): Flag | undefined =>
  Object.hasOwn(table, name) ? table[name] : undefined

/** A flag with everything that is said of it. */
export const stateOf = (
  name: string,
  flag: Flag,
  { override, row }: { override: Override | undefined; row: StoredFlag | undefined },
) => ({
  name,
  description: flag.description,
  kind: flag.kind,
  variants: valuesOf(flag).map(String),
  default: flag.default,
  source: override?.source ?? sourceOf(row),
  override: override?.value ?? null,
  value: row?.value ?? null,
  rules: [...(row?.rules ?? [])],
  updated_at: row?.updated_at ?? null,
})

export type FlagState = ReturnType<typeof stateOf>

interface Known {
  readonly rows: readonly StoredFlag[]
  readonly overrideOf: (name: string) => Override | undefined
}

/** Every flag of a table, in its order, with everything that is said of it. */
export const statesOf = (table: FlagTable, { rows, overrideOf }: Known): FlagState[] => {
  const byName = new Map(rows.map((row) => [row.name, row]))
  return Object.entries(table).map(([name, flag]) =>
    stateOf(name, flag, { override: overrideOf(name), row: byName.get(name) }),
  )
}

const sourceOf = (row: StoredFlag | undefined) =>
  row && (row.value !== null || row.rules.length > 0) ? ('database' as const) : ('default' as const)

interface Said {
  readonly value: FlagValue | null
  readonly rules: readonly Pick<FlagRule, 'value'>[]
}

/** The fields that say something which the flag cannot say, each with what it must be. */
export const misfits = (flag: Flag, { value, rules }: Said): Record<string, string> => {
  const possible = valuesOf(flag)
  const all: [string, FlagValue | null][] = [
    ['value', value],
    ...rules.map((rule, index): [string, FlagValue] => [`rules[${index}].value`, rule.value]),
  ]
  const wrong = all.filter(([, said]) => said !== null && !possible.includes(said))
  return Object.fromEntries(wrong.map(([field]) => [field, `must be ${valuesInWords(flag)}`]))
}
