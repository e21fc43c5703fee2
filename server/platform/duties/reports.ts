import type { Db } from '../../../db/client.ts'
import type { Duty, DutyResult } from './duty.ts'
import { readRuns } from './ticks.ts'

/** A duty and its last run, as operators see it. Without `tick` it has never run, or the database cannot be asked. */
export interface DutyReport {
  readonly name: string
  readonly schedule: string
  readonly tick?: Date
  readonly started_at?: Date
  /** Null while it runs, and of a run that was cut off. */
  readonly finished_at?: Date | null
  readonly outcome?: 'done' | 'failed' | null
  readonly result?: DutyResult
  readonly error?: string
}

/** The duties with their last runs. Never rejects: names and schedules are known without the database. */
export const reportDuties = async (duties: readonly Duty[], db: Db): Promise<DutyReport[]> => {
  const rows = await readRuns(db).catch(() => [])
  const runs = new Map(rows.map((row) => [row.name, row]))
  return duties.map(({ name, schedule }) => {
    const run = runs.get(name)
    if (!run) return { name, schedule }
    const { tick, started_at, finished_at, outcome, result, error } = run
    return {
      name,
      schedule,
      tick,
      started_at,
      finished_at,
      outcome,
      ...(result && { result }),
      ...(error !== null && { error }),
    }
  })
}
