import { Cron } from 'croner'
import type { Duty } from './duty.ts'

/** When a duty is due. */
export interface Schedule {
  /** The newest tick at or before a moment; undefined when there was none yet. */
  readonly newestAt: (now: Date) => Date | undefined
  /** Milliseconds from a moment to the tick behind it. */
  readonly untilNextMs: (now: Date) => number
}

/** Reads the schedule of a duty. Throws when it is no cron expression, or one that never comes round. */
export const readSchedule = ({ name, schedule }: Pick<Duty, 'name' | 'schedule'>): Schedule => {
  const cron = parse(name, schedule)
  if (!cron.nextRun()) throw new Error(`The schedule "${schedule}" of the duty ${name} never comes round.`)
  return {
    // What croner gives lies strictly before the moment it is asked about.
    newestAt: (now) => cron.previousRuns(1, new Date(now.getTime() + 1))[0],
    untilNextMs: (now) => (cron.nextRun(now)?.getTime() ?? Infinity) - now.getTime(),
  }
}

const parse = (name: string, schedule: string): Cron => {
  try {
    return new Cron(schedule, { timezone: 'UTC' })
  } catch (cause) {
    const expected = 'write five parts (minute, hour, day, month, weekday), or six with seconds before them'
    throw new Error(`The schedule "${schedule}" of the duty ${name} is no cron expression: ${expected}.`, { cause })
  }
}
