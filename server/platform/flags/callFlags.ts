import type { BooleanFlagName, FlagTable, FlagValue, ValueOf, VariantFlagName } from '../../../contract/flagTable.ts'
import type { Subject } from './decide.ts'
import type { Flags } from './flags.ts'
import type { Override } from './overrides.ts'

/** The flags as they are for one call: its user, in the tenant of X-Tenant-ID. No question costs a query. */
export interface CallFlags<T extends FlagTable> {
  readonly isOn: (name: BooleanFlagName<T>) => boolean
  readonly variant: <N extends VariantFlagName<T>>(name: N) => ValueOf<T[N]>
  /** What each flag says. */
  readonly all: () => { readonly [N in keyof T]: ValueOf<T[N]> }
  readonly table: FlagTable
  readonly overrideOf: (name: string) => Override | undefined
}

export const callFlags = <T extends FlagTable>(flags: Flags, subject: Subject): CallFlags<T> => ({
  isOn: (name) => flags.evaluate(name, subject) === true,
  variant: <N extends VariantFlagName<T>>(name: N) => flags.evaluate(name, subject) as ValueOf<T[N]>,
  all() {
    const values: Record<string, FlagValue> = {}
    for (const name of Object.keys(flags.table)) values[name] = flags.evaluate(name, subject)
    return values as { [N in keyof T]: ValueOf<T[N]> }
  },
  table: flags.table,
  overrideOf: flags.overrideOf,
})
