import type { FlagValue } from '../../../contract/flagTable.ts'
import type { FlagValues } from '../configuration/flagVariables.ts'

/** What the operator of an instance says, before which the database does not count. */
export interface Override {
  readonly source: 'environment' | 'file'
  readonly value: FlagValue
}

/** What is said of a flag outside the database: by its FLAG_ variable, otherwise by FLAGS_FILE. */
export const overrideIn = (name: string, variables: FlagValues, fromFile: FlagValues): Override | undefined => {
  const [variable, entry] = [valueIn(variables, name), valueIn(fromFile, name)]
  if (variable !== undefined) return { source: 'environment', value: variable }
  return entry === undefined ? undefined : { source: 'file', value: entry }
}

const valueIn = (values: FlagValues, name: string): FlagValue | undefined =>
  Object.hasOwn(values, name) ? values[name] : undefined
