import { customType, timestamp } from 'drizzle-orm/pg-core'

export const bytea = customType<{ data: Buffer; driverData: Buffer }>({ dataType: () => 'bytea' })

/** A moment in milliseconds, as a Date holds it: what is read can be compared with what is stored. */
export const moment = () => timestamp({ withTimezone: true, mode: 'date', precision: 3 })

/** Any JSON value. */
export type Json = string | number | boolean | null | Json[] | { [key: string]: Json }
