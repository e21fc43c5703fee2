import { setTimeout as sleep } from 'node:timers/promises'
import type { Client } from 'pg'

/** Any number will do, as long as nobody else takes it; this is `tsforge` in hexadecimal digits. */
const lockKey = "x'7473666f726765'::bigint"
const pollMs = 50
const patienceMs = 5_000

/** The connection to PostgreSQL that migrates; what the role may not see of it is null. */
export interface LockHolder {
  readonly pid: number
  readonly role: string | null
  readonly application: string | null
  readonly address: string | null
  readonly since: Date | null
}

/**
 * Resolves when this connection alone migrates. `onWait` hears once who has the lock when that takes longer than five
 * seconds. It asks again and again, because whoever waits inside PostgreSQL holds a snapshot, and a concurrent index
 * build of the one at work waits for all older snapshots: a deadlock.
 */
export async function takeLock(client: Client, onWait: (holder: LockHolder) => void): Promise<void> {
  await client.query(keepAliveSql)
  const toldAt = performance.now() + patienceMs
  let isTold = false
  for (;;) {
    const { rows } = await client.query(`select pg_try_advisory_lock(${lockKey}) as locked`)
    if (rows[0].locked) return
    if (!isTold && performance.now() > toldAt) {
      const [holder] = (await client.query<LockHolder>(holderSql)).rows
      if (holder) onWait(holder)
      isTold = holder !== undefined
    }
    await sleep(pollMs)
  }
}

/**
 * PostgreSQL drops a connection whose machine is gone within half a minute, and its lock with it; by default after two
 * hours. Not by `options` of the connection, which the URL may have itself.
 */
const keepAliveSql = `
  set tcp_keepalives_idle = 10;
  set tcp_keepalives_interval = 5;
  set tcp_keepalives_count = 4;
`

const holderSql = `
  select pid, usename as role, application_name as application, host(client_addr) as address, backend_start as since
  from pg_locks join pg_stat_activity using (pid)
  where locktype = 'advisory' and granted and objsubid = 1
    and database = (select oid from pg_database where datname = current_database())
    and (classid::bigint << 32) | objid::bigint = ${lockKey}
`
