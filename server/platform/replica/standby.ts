import { sql } from 'drizzle-orm'
import type { Db } from '../../../db/client.ts'
import { isUnbound } from '../../../db/roles.ts'
import { bytesOf } from './positions.ts'

/** Where the primary is, and which one it is. */
export interface PrimaryState {
  readonly system: string
  readonly database: string
  readonly position: bigint
}

export interface StandbyState {
  readonly system: string
  readonly database: string
  /** How far the log was replayed; undefined on a server that is no standby. */
  readonly position: bigint | undefined
  /** Row security does not hold for the role of the connection. */
  readonly isUnbound: boolean
}

/** The identifier is that of initdb, so a standby has its primary's. */
const identity = sql`(select system_identifier::text from pg_control_system()) as system, current_database() as database`

/** Rejects on a standby, which writes no log. */
export const readPrimary = async (db: Db): Promise<PrimaryState> => {
  const { rows } = await db.execute<{ system: string; database: string; position: string }>(
    sql`select ${identity}, pg_current_wal_lsn()::text as position`,
  )
  const [row] = rows
  if (!row) throw new Error('the primary said nothing of itself')
  return { ...row, position: bytesOf(row.position) }
}

export const readStandby = async (db: Db): Promise<StandbyState> => {
  const { rows } = await db.execute<{
    system: string
    database: string
    position: string | null
    is_unbound: boolean
  }>(sql`select ${identity}, ${sql.raw(isUnbound)} as is_unbound,
    case when pg_is_in_recovery() then pg_last_wal_replay_lsn() end::text as position`)
  const [row] = rows
  if (!row) throw new Error('the replica said nothing of itself')
  const { system, database, position, is_unbound } = row
  return { system, database, position: position === null ? undefined : bytesOf(position), isUnbound: is_unbound }
}

/** Why reads must not go there, to be said behind "DATABASE_REPLICA_URL is not used: it"; undefined when they may. */
export const unsuited = (standby: StandbyState, primary: PrimaryState): string | undefined => {
  if (standby.position === undefined) return 'leads to a server that is no standby; make it follow the primary'
  if (standby.system !== primary.system) return 'leads to a standby of another server than that of DATABASE_URL'
  if (standby.database !== primary.database) return `leads to another database than DATABASE_URL, ${standby.database}`
  if (standby.isUnbound) return 'signs in as a role that row security does not bind; use the login of DATABASE_URL'
  return undefined
}
