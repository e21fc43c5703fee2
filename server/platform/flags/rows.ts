import { asc } from 'drizzle-orm'
import { FlagRules } from '../../../contract/flagRules.ts'
import type { Db } from '../../../db/client.ts'
import { flags } from '../../../db/schema/flags.ts'
import { statement } from '../../../db/statement.ts'
import type { FlagRow } from './decide.ts'

/** The columns of a flag that an answer shows. */
export const flagColumns = {
  name: flags.name,
  value: flags.value,
  rules: flags.rules,
  updated_at: flags.updated_at,
}

const listRows = statement('flags.list', (db) => db.select(flagColumns).from(flags).orderBy(asc(flags.name)))

/** A row with the moment of its last change. */
export interface StoredFlag extends FlagRow {
  readonly updated_at: Date
}

/** Rules that somebody wrote past the API and that are none are no rules. */
export const storedFlag = (row: { name: string; value: StoredFlag['value']; rules: unknown; updated_at: Date }) => ({
  ...row,
  rules: FlagRules.safeParse(row.rules).data ?? [],
})

/** All that the database says. */
export const readFlagRows = async (db: Db): Promise<StoredFlag[]> => (await listRows(db)).map(storedFlag)
