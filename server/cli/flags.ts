import { FlagRules } from '../../contract/flagRules.ts'
import { type Flag, type FlagTable, type FlagValue, valuesInWords, valuesOf } from '../../contract/flagTable.ts'
import type { Db } from '../../db/client.ts'
import type { Database } from '../../db/database.ts'
import type { Config } from '../config.ts'
import { addRules, deleteFlag, putValue } from '../features/flags/queries.ts'
import { type FlagState, flagOf, stateOf, statesOf } from '../features/flags/state.ts'
import { numberEvents } from '../platform/events/log.ts'
import { type Happening, recordEvent } from '../platform/events/record.ts'
import type { FlagRule } from '../platform/flags/decide.ts'
import { readFlagFile } from '../platform/flags/file.ts'
import { type Override, overrideIn } from '../platform/flags/overrides.ts'
import { readFlagRows, storedFlag } from '../platform/flags/rows.ts'
import { ForgeError, misused } from './forgeError.ts'

/** Who the value is for; nobody named means everybody whom no rule fits. */
export type Conditions = Omit<FlagRule, 'value'>

interface Asked {
  readonly name: string
  readonly value: string
  readonly conditions: Conditions
}

type Settings = Config['flags']

/** Every flag with what is said of it, as a server with this configuration has it. Throws ConfigError for a bad file. */
export const listFlags = async (db: Db, table: FlagTable, settings: Settings): Promise<FlagState[]> => {
  const overrideOf = overridesOf(table, settings)
  return statesOf(table, { rows: await readFlagRows(db), overrideOf })
}

/**
 * Sets the value of a flag, or adds a rule behind the others when conditions are named; running servers hear of it. Throws
 * ForgeError for what the contract does not have.
 */
export const setFlag = async (
  database: Database,
  table: FlagTable,
  { settings, ...asked }: Asked & { readonly settings: Settings },
): Promise<FlagState> => {
  const { name, conditions } = asked
  const flag = requireFlag(table, name)
  const value = parsedValue(flag, asked)
  const overrideOf = overridesOf(table, settings)
  const isRule = Object.keys(conditions).length > 0
  const rules = isRule ? rulesOf({ ...conditions, value }) : []
  const row = await tellingOf(database, async (tx, record) => {
    const [written] = isRule
      ? await addRules(tx, { name, value: null, rules })
      : await putValue(tx, { name, value, rules: [] })
    if (!written) throw new Error('the flag was not stored')
    // What the list would be with one more must still be a list of the contract.
    if (!FlagRules.safeParse(written.rules).success) throw new ForgeError(full(name))
    const stored = storedFlag(written)
    await record({ topic: 'flag.set', target: name, payload: { value: stored.value, rules: stored.rules.length } })
    return stored
  })
  return stateOf(name, flag, { override: overrideOf(name), row })
}

/** Deletes what the database says of a flag; false when it said nothing. */
export const clearFlag = (database: Database, table: FlagTable, name: string): Promise<boolean> => {
  requireFlag(table, name)
  return tellingOf(database, async (tx, record) => {
    const [deleted] = await deleteFlag(tx, { name })
    if (deleted) await record({ topic: 'flag.cleared', target: name, payload: {} })
    return deleted !== undefined
  })
}

type Told = Happening<'flag.set'> | Happening<'flag.cleared'>

/** Runs work that tells of its change, and numbers the event at once: so the servers need not wait for their next look. */
const tellingOf = async <T>(
  database: Database,
  work: (tx: Db, record: (happening: Told) => Promise<unknown>) => Promise<T>,
): Promise<T> => {
  const origin = { bucket: 'global', actorId: null, requestId: null, traceparent: null }
  const result = await database.transaction((tx) => work(tx, (happening) => recordEvent(tx, origin, happening)), {
    tenant: 'global',
  })
  await numberEvents(database.db)
  return result
}

const requireFlag = (table: FlagTable, name: string): Flag => {
  const flag = flagOf(table, name)
  if (flag) return flag
  throw new ForgeError(`There is no flag ${name}: flags list shows those of the contract.`)
}

const parsedValue = (flag: Flag, { name, value }: Asked): FlagValue => {
  const found = valuesOf(flag).find((possible) => String(possible) === value)
  if (found !== undefined) return found
  throw new ForgeError(`Nothing was done: ${name} must be ${valuesInWords(flag)}.`, misused)
}

const rulesOf = (rule: FlagRule): readonly FlagRule[] => {
  const parsed = FlagRules.safeParse([rule])
  if (parsed.success) return parsed.data
  throw new ForgeError(
    'Nothing was done: --percentage is a number from 0 to 100, --tenant and --user are UUIDs, --role is the code of a role; 200 of each at most.',
    misused,
  )
}

const full = (name: string) => `${name} has as many rules as it may have: clear it, or set them all through the API.`

const overridesOf = (table: FlagTable, { variables, file }: Settings): ((name: string) => Override | undefined) => {
  const entries = file === undefined ? {} : readFlagFile(file, table)
  return (name) => overrideIn(name, variables, entries)
}
