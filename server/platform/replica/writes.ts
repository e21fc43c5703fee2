import { type SQL, sql } from 'drizzle-orm'
import type { PgColumn } from 'drizzle-orm/pg-core'
import { lastWrites } from '../../../db/schema/lastWrites.ts'
import { statement } from '../../../db/statement.ts'

const { placeholder } = sql

/** From this statement, the last of its transaction, until the COMMIT is in the log. */
const commitSeconds = 1

/**
 * How long after a write a person's reads come from the primary: what the replica shows is at most `lagSeconds` older
 * than the primary, or nobody is sent there.
 */
export const ownWriteSeconds = (lagSeconds: number): number => lagSeconds + commitSeconds

/** Notes in the transaction of a change when it was made. Of two at once the second waits for the COMMIT of the first. */
export const noteWrite = statement('replica.noteWrite', (db) =>
  db
    .insert(lastWrites)
    .values({ person_id: placeholder('personId'), written_at: sql`clock_timestamp()` })
    .onConflictDoUpdate({ target: lastWrites.person_id, set: { written_at: sql`clock_timestamp()` } }),
)

/** Whether the person of a row of last_writes, or what `also` names, changed something within `:ownWriteSeconds`. */
export const wroteLately = (also?: PgColumn): SQL.Aliased<boolean> => {
  const since = sql`now() - make_interval(secs => ${placeholder('ownWriteSeconds')})`
  const last = also ? sql`greatest(${lastWrites.written_at}, ${also})` : lastWrites.written_at
  return sql<boolean>`coalesce(${last} > ${since}, false)`.as('wrote_lately')
}
