import { isNull, or, type SQL, sql } from 'drizzle-orm'
import type { AnyPgColumn } from 'drizzle-orm/pg-core'

/**
 * The first of the two walls between tenants: every query of a tenant-scoped table names the bucket, and row security
 * is the second wall behind it. All take the placeholder `bucket`: the id of a tenant, or `global`.
 */

/** Rows of the bucket alone, for what is changed. No index can serve `is not distinct from`; it can serve this. */
export const inBucket = (tenantId: AnyPgColumn): SQL =>
  sql`(${tenantId} = ${bucketId()} or (${bucketId()} is null and ${tenantId} is null))`

/** The same for a table in which every row has a tenant: so plain that an index on the tenant serves any order behind it. */
export const inTenant = (tenantId: AnyPgColumn): SQL => sql`${tenantId} = ${bucketId()}`

/** Rows of the bucket and those that all tenants share, for what is read. Written with `=`, which an index can serve. */
export const inSight = (tenantId: AnyPgColumn): SQL => or(sql`${tenantId} = ${bucketId()}`, isNull(tenantId)) as SQL

/** The value of a tenant column for a row of this bucket. */
export const bucketId = (): SQL => sql`nullif(${sql.placeholder('bucket')}::text, 'global')::uuid`
