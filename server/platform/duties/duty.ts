import type { Logger } from 'pino'
import type { Database } from '../../../db/database.ts'

/** What the configuration says to duties. */
export interface DutySettings {
  /** How long events stay in the log. */
  readonly eventRetentionDays: number
}

/** What a run is given. */
export interface DutyContext {
  /** As the role app, in no tenant's bucket unless a transaction names one. */
  readonly database: Pick<Database, 'db' | 'transaction' | 'readAs'>
  /** The moment of the schedule that this run is for. */
  readonly tick: Date
  /** Aborts when the server stops and when the next tick is due: a run then returns what it has done so far. */
  readonly signal: AbortSignal
  readonly settings: DutySettings
  readonly log: Logger
}

/** What a run did, in a few small counts: `{ sessions: 12 }`. Kept in the database and shown to operators. */
export type DutyResult = Readonly<Record<string, number>>

/** Work that comes round by the clock, done once a tick however many instances there are. */
export interface Duty {
  /** `<module>.<what it does>`; no other duty has it. */
  readonly name: string
  /** A cron expression of five parts, or six with seconds before them, in UTC. */
  readonly schedule: string
  /**
   * Must bear being cut off at any point and being run again, and with a run of an earlier tick that has lost its
   * signal still at work elsewhere.
   */
  readonly run: (context: DutyContext) => Promise<DutyResult>
}
