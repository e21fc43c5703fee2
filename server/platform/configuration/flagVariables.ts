import type { Flag, FlagTable, FlagValue } from '../../../contract/flagTable.ts'
import { valuesInWords } from '../../../contract/flagTable.ts'
import type { ConfigProblem } from './problems.ts'
import type { Environment } from './sources.ts'
import { boolean } from './valueTypes.ts'

/** Values of flags by name. */
export type FlagValues = Readonly<Record<string, FlagValue>>

/** With what the variables of flags begin. */
export const flagPrefix = 'FLAG_'

/** The variable of a flag: `checkout.newBasket` is FLAG_CHECKOUT_NEW_BASKET. */
export function flagVariable(name: string): string {
  const words = name.replace(/([a-z\d])([A-Z])/g, '$1_$2').replace(/([A-Z])([A-Z][a-z])/g, '$1_$2')
  return flagPrefix + words.replace(/[.-]/g, '_').toUpperCase()
}

/** What the environment says of flags. A variable that is empty says nothing. */
export function readFlagVariables(
  environment: Environment,
  table: FlagTable,
): { readonly values: FlagValues; readonly problems: readonly ConfigProblem[] } {
  const names = new Map(Object.keys(table).map((name) => [flagVariable(name), name]))
  const values: Record<string, FlagValue> = {}
  const problems: ConfigProblem[] = []
  for (const [variable, text] of Object.entries(environment)) {
    if (!variable.startsWith(flagPrefix) || !text) continue
    const name = names.get(variable)
    const flag = name === undefined ? undefined : table[name]
    if (name === undefined || !flag) {
      problems.push(unknown(variable, [...names.keys()]))
      continue
    }
    const value = parse(flag, text)
    if (value === undefined) problems.push(refused(variable, flag, text))
    else values[name] = value
  }
  return { values, problems }
}

function parse(flag: Flag, text: string): FlagValue | undefined {
  if (flag.kind === 'boolean') return boolean.safeParse(text).data
  const word = text.trim()
  return flag.variants.includes(word) ? word : undefined
}

function unknown(name: string, known: readonly string[]): ConfigProblem {
  const expected = known.length === 0 ? 'no such variable, since there are no flags' : `one of ${known.join(', ')}`
  return { name, expected, found: 'a flag that the contract does not have', fix: 'correct its name, or unset it' }
}

function refused(name: string, flag: Flag, text: string): ConfigProblem {
  const expected = flag.kind === 'boolean' ? (boolean.description ?? '') : valuesInWords(flag)
  return { name, expected, found: JSON.stringify(text), fix: `set it, as in ${name}=${flag.default}; or unset it` }
}
