import type { FlagTable } from '../contract/flagTable.ts'
import type { Database } from '../db/database.ts'
import { statesOf } from './features/flags/state.ts'
import { listConsumers } from './platform/consumers/overview.ts'
import type { DutyReport } from './platform/duties/reports.ts'
import type { RecentEvent } from './platform/events/recentEvents.ts'
import type { Flags } from './platform/flags/flags.ts'
import { readFlagRows } from './platform/flags/rows.ts'
import type { ModuleHealth } from './platform/modules.ts'

interface Parts {
  readonly database: Database
  readonly recentEvents: () => Promise<readonly RecentEvent[]>
  readonly flags: Pick<Flags, 'table' | 'overrideOf'>
  readonly moduleHealth: () => Promise<readonly ModuleHealth[]>
  readonly duties: () => Promise<readonly DutyReport[]>
}

/** What the page for developers shows besides requests. Rejects while the database is away. */
export const createDevState = (parts: Parts) => async () => {
  const { database, recentEvents, flags, moduleHealth, duties } = parts
  const [events, flagStates, modules, dutyReports, consumers] = await Promise.all([
    recentEvents(),
    readFlags(database, flags),
    moduleHealth(),
    duties(),
    readConsumers(database),
  ])
  return { events, flags: flagStates, modules, duties: dutyReports, consumers }
}

const readFlags = async ({ db }: Database, { table, overrideOf }: { table: FlagTable } & Pick<Flags, 'overrideOf'>) => {
  const states = statesOf(table, { rows: await readFlagRows(db), overrideOf })
  return states.map(({ rules, ...state }) => ({ ...state, rules: rules.length }))
}

/** Partitions are many; how the worst of them does is what one looks for. */
const readConsumers = async ({ db }: Database) => {
  const { consumers } = await listConsumers(db)
  return consumers.map(({ name, dead_letters, partitions }) => ({
    name,
    dead_letters,
    partitions: partitions.length,
    held: partitions.filter(({ holder }) => holder !== null).length,
    lag: Math.max(0, ...partitions.map(({ lag }) => lag)),
    attempts: Math.max(0, ...partitions.map(({ attempts }) => attempts)),
  }))
}
