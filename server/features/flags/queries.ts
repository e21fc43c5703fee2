import { eq, sql } from 'drizzle-orm'
import { flags } from '../../../db/schema/flags.ts'
import { statement } from '../../../db/statement.ts'
import { flagColumns } from '../../platform/flags/rows.ts'

const { placeholder } = sql

const row = {
  name: placeholder('name'),
  value: placeholder('value'),
  rules: placeholder('rules'),
}

/** Takes the place of what was said. */
export const putFlag = statement('flags.put', (db) =>
  db
    .insert(flags)
    .values(row)
    .onConflictDoUpdate({
      target: flags.name,
      set: { value: sql`excluded.value`, rules: sql`excluded.rules`, updated_at: sql`now()` },
    })
    .returning(flagColumns),
)

/** Changes the value and leaves the rules as they are. */
export const putValue = statement('flags.putValue', (db) =>
  db
    .insert(flags)
    .values(row)
    .onConflictDoUpdate({ target: flags.name, set: { value: sql`excluded.value`, updated_at: sql`now()` } })
    .returning(flagColumns),
)

/** Puts rules behind those that there are. */
export const addRules = statement('flags.addRules', (db) =>
  db
    .insert(flags)
    .values(row)
    .onConflictDoUpdate({
      target: flags.name,
      set: { rules: sql`${flags.rules} || excluded.rules`, updated_at: sql`now()` },
    })
    .returning(flagColumns),
)

/** No row: nothing was said. */
export const deleteFlag = statement('flags.delete', (db) =>
  db
    .delete(flags)
    .where(eq(flags.name, placeholder('name')))
    .returning({ name: flags.name }),
)
