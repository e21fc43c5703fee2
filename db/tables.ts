import { is } from 'drizzle-orm'
import { PgTable } from 'drizzle-orm/pg-core'
import * as schema from './schema/index.ts'

/** Every table of the schema; the types of enums stand beside them. */
export const tables: readonly PgTable[] = Object.values(schema).filter((value) => is(value, PgTable))
