import { randomUUID } from 'node:crypto'
import { hostname } from 'node:os'
import type { Logger } from 'pino'
import type { Database } from '../../../db/database.ts'
import type { Tracing } from '../tracing/tracing.ts'
import { within } from '../within.ts'
import type { Duty, DutyContext, DutySettings } from './duty.ts'
import { carryOut, type Ending } from './run.ts'
import { readSchedule, type Schedule } from './schedule.ts'
import { claimTick, finishTick, readTicks } from './ticks.ts'

/** Carries out the duties of this process. */
export interface DutyRunner {
  /**
   * Claims what is due by the database's clock and nobody else has, and runs it; resolves when that has ended. Rejects
   * when the database cannot be asked.
   */
  readonly look: () => Promise<void>
  /** Looks again and again from now on, without keeping the process alive. */
  readonly start: () => void
  /** Claims no more, aborts what runs and waits for it, at most so long. */
  readonly stop: (withinMs: number) => Promise<void>
}

interface Parts {
  readonly duties: readonly Duty[]
  readonly database: Database
  readonly settings: DutySettings
  readonly log: Logger
  /** Told of each run that ended here. */
  readonly onRun?: (name: string, outcome: 'done' | 'failed') => void
  readonly tracing?: Tracing | undefined
}

/** A duty whose turn it is. */
interface Turn {
  readonly duty: Duty
  readonly tick: Date
  readonly untilNextMs: number
}

interface Run {
  readonly abort: () => void
  readonly ended: Promise<void>
}

/** So that instances do not all look at once. */
const jitterMs = 2_000
/** Clocks are set and databases move to other machines: a wait is never trusted for longer. */
const patienceMs = 60_000
/** setTimeout takes no more than 2^31 - 1. */
const longestRunMs = 86_400_000

/** Throws when two duties have one name, or a schedule cannot be read. */
export const createDutyRunner = ({ duties, database, settings, log, onRun, tracing }: Parts): DutyRunner => {
  const schedules = readSchedules(duties)
  const holder = `${hostname()} ${process.pid} ${randomUUID()}`
  const running = new Map<string, Run>()
  let timer: NodeJS.Timeout | undefined
  let isStopped = false

  const takeTurn = async ({ duty, tick }: Turn, signal: AbortSignal): Promise<void> => {
    const claim = { name: duty.name, tick, holder }
    const [claimed] = await claimTick(database.db, claim)
    if (!claimed) return
    const { result, ...ending } = await traced(tracing, duty, { database, tick, signal, settings, log })
    onRun?.(duty.name, ending.outcome)
    const [kept] = await finishTick(database.db, { ...claim, ...ending, result: JSON.stringify(result) })
    if (!kept)
      log.warn({ duty: duty.name, tick }, 'a duty ended after its next tick was claimed; its result is dropped')
  }

  const begin = (turn: Turn): Promise<void> => {
    const { name } = turn.duty
    const controller = new AbortController()
    const abort = () => controller.abort()
    const deadline = setTimeout(abort, Math.min(turn.untilNextMs, longestRunMs)).unref()
    const ended = takeTurn(turn, controller.signal)
      .catch((err: unknown) => log.warn({ err, duty: name }, 'a duty could not be claimed, or its result not kept'))
      .finally(() => {
        clearTimeout(deadline)
        running.delete(name)
      })
    running.set(name, { abort, ended })
    return ended
  }

  const lookOnce = async () => {
    const rows = await readTicks(database.db)
    const now = rows[0]?.now ?? new Date()
    const last = new Map(rows.map(({ name, tick }) => [name, tick]))
    const turns = isStopped ? [] : dueAt(now, schedules, last).filter(({ duty }) => !running.has(duty.name))
    return { untilNextMs: untilNextMs(now, schedules), runs: turns.map(begin) }
  }

  const lookAfter = (delayMs: number): void => {
    if (isStopped) return
    const jitter = Math.random() * jitterMs
    timer = setTimeout(() => void lookAndGoOn(), Math.min(delayMs, patienceMs) + jitter).unref()
  }

  const lookAndGoOn = async (): Promise<void> => {
    try {
      lookAfter((await lookOnce()).untilNextMs)
    } catch (err) {
      log.warn({ err }, 'no look at the duties: the database cannot be asked')
      lookAfter(patienceMs)
    }
  }

  return {
    async look() {
      await Promise.all((await lookOnce()).runs)
    },
    start: () => lookAfter(0),
    async stop(withinMs) {
      isStopped = true
      clearTimeout(timer)
      for (const { abort } of running.values()) abort()
      await within(withinMs, Promise.all([...running.values()].map(({ ended }) => ended)))
      if (running.size > 0) log.warn({ duties: [...running.keys()] }, 'duties are cut off: they did not end in time')
    },
  }
}

const traced = (tracing: Tracing | undefined, duty: Duty, context: DutyContext): Promise<Ending> => {
  if (!tracing) return carryOut(duty, context)
  return tracing.root(`duty ${duty.name}`, undefined, { attributes: { 'tsforge.duty': duty.name } }, async (span) => {
    const ending = await carryOut(duty, context)
    if (ending.error !== null) span.fail({ code: ending.error })
    return ending
  })
}

type Schedules = readonly (readonly [duty: Duty, schedule: Schedule])[]

const readSchedules = (duties: readonly Duty[]): Schedules => {
  const names = duties.map(({ name }) => name)
  const twice = names.find((name, index) => names.indexOf(name) !== index)
  if (twice !== undefined) throw new Error(`There are two duties named ${twice}.`)
  return duties.map((duty) => [duty, readSchedule(duty)])
}

/** The newest tick of each duty, unless it or a later one was claimed. */
const dueAt = (now: Date, schedules: Schedules, last: ReadonlyMap<string | null, Date | null>): Turn[] =>
  schedules.flatMap(([duty, schedule]) => {
    const tick = schedule.newestAt(now)
    if (!tick || tick <= (last.get(duty.name) ?? new Date(0))) return []
    return [{ duty, tick, untilNextMs: schedule.untilNextMs(now) }]
  })

const untilNextMs = (now: Date, schedules: Schedules): number =>
  Math.min(...schedules.map(([, schedule]) => schedule.untilNextMs(now)))
