import { and, eq, sql } from 'drizzle-orm'
import { duties } from '../../../db/schema/duties.ts'
import { statement } from '../../../db/statement.ts'

const { placeholder } = sql

/** The database's clock, once for each duty that ever ran, with the tick it was run for; at least one row. */
export const readTicks = statement('duties.ticks', (db) =>
  db
    .select({ now: sql<Date>`clock_timestamp()`.mapWith(duties.tick), name: duties.name, tick: duties.tick })
    .from(sql`(values (1)) one`)
    .leftJoin(duties, sql`true`),
)

/** The last run of every duty. */
export const readRuns = statement('duties.runs', (db) => db.select().from(duties))

/** Takes a tick. No row: somebody has it, or a later one. */
export const claimTick = statement('duties.claim', (db) =>
  db
    .insert(duties)
    .values({
      name: placeholder('name'),
      tick: placeholder('tick'),
      holder: placeholder('holder'),
      started_at: sql`clock_timestamp()`,
    })
    .onConflictDoUpdate({
      target: duties.name,
      set: {
        tick: sql`excluded.tick`,
        holder: sql`excluded.holder`,
        started_at: sql`excluded.started_at`,
        finished_at: null,
        outcome: null,
        result: null,
        error: null,
      },
      setWhere: sql`${duties.tick} < excluded.tick`,
    })
    .returning({ name: duties.name }),
)

/** Writes down how a run ended. No row: it is the run of a later tick by now that counts. */
export const finishTick = statement('duties.finish', (db) =>
  db
    .update(duties)
    .set({
      finished_at: sql`clock_timestamp()`,
      outcome: sql`${placeholder('outcome')}::text`,
      result: sql`${placeholder('result')}::jsonb`,
      error: sql`${placeholder('error')}::text`,
    })
    .where(
      and(
        eq(duties.name, placeholder('name')),
        eq(duties.tick, placeholder('tick')),
        eq(duties.holder, placeholder('holder')),
      ),
    )
    .returning({ name: duties.name }),
)
