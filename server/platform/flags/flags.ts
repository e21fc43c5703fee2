import type { Logger } from 'pino'
import { type FlagTable, type FlagValue, valuesOf } from '../../../contract/flagTable.ts'
import type { FlagValues } from '../configuration/flagVariables.ts'
import type { Subscriptions } from '../consumers/bus.ts'
import type { Metrics } from '../metrics/metrics.ts'
import { type Decide, decideBy, type FlagRow, type Subject } from './decide.ts'
import { readFlagFile, watchFlagFile } from './file.ts'
import { type Override, overrideIn } from './overrides.ts'

/** The flags as this instance knows them. Nothing is read when one is asked: changes come by events and by the clock. */
export interface Flags {
  readonly table: FlagTable
  /** What a flag says to somebody. Throws for a name that the table lacks. */
  readonly evaluate: (name: string, subject: Subject) => FlagValue
  readonly overrideOf: (name: string) => Override | undefined
  /** Whether any rule that counts asks for the roles of a caller. */
  readonly asksForRoles: () => boolean
  /** False until the database was read for the first time. */
  readonly isRead: () => boolean
  /** Reads the database anew; while it is away everything stays as it was. Never rejects. */
  readonly refresh: () => Promise<void>
  /** By these every instance hears of a change. */
  readonly on: Subscriptions
  /** Reads the database, then follows file and clock. Resolves when the first try is over. */
  readonly start: () => Promise<void>
  readonly stop: () => void
}

interface Parts {
  readonly table: FlagTable
  /** What FLAG_ variables say. */
  readonly variables: FlagValues
  /** FLAGS_FILE. */
  readonly file: string | undefined
  /** How old the state of the database may be when no event comes. */
  readonly ttlSeconds: number
  readonly readRows: () => Promise<readonly FlagRow[]>
  readonly metrics: Pick<Metrics, 'watch'>
  readonly log: Logger
}

/** How soon it is tried again while the database has never been read. */
const firstReadMs = 1_000

/** Throws ConfigError for a file that says something wrong. */
export const createFlags = ({ table, variables, file, ttlSeconds, readRows, metrics, log }: Parts): Flags => {
  const names = Object.keys(table)
  const counts = countEvaluations(table, metrics)
  let fromFile: FlagValues = file === undefined ? {} : readFlagFile(file, table)
  let rows: ReadonlyMap<string, FlagRow> = new Map()
  let deciders: ReadonlyMap<string, Decide> = new Map()
  let asksForRoles = false
  let isRead = false
  let isAway = false
  let stopWatching = () => {}
  let timer: NodeJS.Timeout | undefined

  const overrideOf = (name: string): Override | undefined => overrideIn(name, variables, fromFile)

  const settle = () => {
    const open = names.filter((name) => overrideOf(name) === undefined)
    asksForRoles = open.some((name) => rows.get(name)?.rules.some(({ roles }) => roles !== undefined))
    deciders = new Map(
      Object.entries(table).map(([name, flag]) => {
        const override = overrideOf(name)
        return [name, override ? () => override.value : decideBy(name, flag, rows.get(name))]
      }),
    )
  }

  const read = async () => {
    try {
      rows = new Map((await readRows()).map((row) => [row.name, row]))
      settle()
      isRead = true
      isAway = false
    } catch (err) {
      if (!isAway) log.warn({ err }, 'the flags cannot be read from the database; they stay as they were')
      isAway = true
    }
  }
  const refresh = oneAfterAnother(read)

  const readOften = () => {
    const waitMs = isRead ? ttlSeconds * 1000 : firstReadMs
    timer = setTimeout(() => void refresh().then(() => timer && readOften()), waitMs).unref()
  }

  settle()
  return {
    table,
    evaluate(name, subject) {
      const value = deciders.get(name)?.(subject)
      if (value === undefined) throw new Error(`there is no flag ${name}`)
      counts.add(name, value)
      return value
    },
    overrideOf,
    asksForRoles: () => asksForRoles,
    isRead: () => isRead,
    refresh,
    on: { 'flag.set': refresh, 'flag.cleared': refresh },
    async start() {
      if (file !== undefined) {
        const onChange = (values: FlagValues) => {
          fromFile = values
          settle()
        }
        stopWatching = watchFlagFile({ path: file, table, onChange, log })
      }
      await refresh()
      readOften()
    },
    stop() {
      stopWatching()
      clearTimeout(timer)
      timer = undefined
    },
  }
}

/** Runs work once at a time. Who asks while it runs gets a run that begins afterwards, which all of them share. */
const oneAfterAnother = (work: () => Promise<void>): (() => Promise<void>) => {
  let running: Promise<void> | undefined
  let next: Promise<void> | undefined
  const run = () => {
    next = undefined
    running = work().finally(() => {
      running = undefined
    })
    return running
  }
  return () => {
    if (!running) return run()
    next ??= running.then(run)
    return next
  }
}

/** Counts by adding to numbers, which are read at a scrape. */
const countEvaluations = (table: FlagTable, { watch }: Pick<Metrics, 'watch'>) => {
  const counts = new Map<string, Map<FlagValue, number>>()
  for (const [flag, rule] of Object.entries(table)) {
    const own = new Map<FlagValue, number>(valuesOf(rule).map((value) => [value, 0]))
    counts.set(flag, own)
    for (const value of own.keys())
      watch('tsforge_flag_evaluations_total', () => own.get(value) ?? 0, { flag, value: String(value) })
  }
  return {
    add(name: string, value: FlagValue) {
      const own = counts.get(name)
      own?.set(value, (own.get(value) ?? 0) + 1)
    },
  }
}
