import { and, asc, eq, isNull, or, type SQL, sql } from 'drizzle-orm'
import { alias, unionAll } from 'drizzle-orm/pg-core'
import { bucketId, inBucket, inSight, inTenant } from '../../../db/bucket.ts'
import { menus } from '../../../db/schema/menus.ts'
import { statement } from '../../../db/statement.ts'

const { placeholder } = sql

const hasId = eq(menus.id, placeholder('id'))

/**
 * Entries in sight behind a position, by code and then id. Pass an empty code to begin. What is the tenant's and what is
 * shared are read apart, since an index has each in order, and both together in none.
 */
export const listEntries = statement('menus.list', (db) => {
  const isBehind = sql`(${menus.code}, ${menus.id}) > (${placeholder('code')}::text, ${placeholder('id')}::uuid)`
  const firstOf = (isOne: SQL) =>
    db
      .select()
      .from(menus)
      .where(and(isOne, isBehind))
      .orderBy(menus.tenant_id, menus.code, menus.id)
      .limit(placeholder('limit'))
  return unionAll(firstOf(inTenant(menus.tenant_id)), firstOf(isNull(menus.tenant_id)))
    .orderBy(asc(menus.code), asc(menus.id))
    .limit(placeholder('limit'))
})

export const countEntries = statement('menus.count', (db) =>
  db.select({ total: sql<number>`count(*)::int` }).from(menus).where(inSight(menus.tenant_id)),
)

export const allEntries = statement('menus.all', (db) => db.select().from(menus).where(inSight(menus.tenant_id)))

const isForThem = and(
  menus.is_visible,
  or(
    isNull(menus.required_permission_code),
    sql`${menus.required_permission_code} = any(${placeholder('permissions')}::text[])`,
  ),
)

const own = alias(menus, 'own')
const shared = alias(menus, 'shared')
const next = alias(menus, 'next')

/** The entries of a tenant that replace global ones, the ones they replace, and all above both. */
const replacing = sql`(
  with recursive replacing (id, parent_id) as (
    select pair.id, pair.parent_id
    from ${menus} ${own}
      join ${menus} ${shared} on ${shared.code} = ${own.code} and ${isNull(shared.tenant_id)},
      lateral (values (${own.id}, ${own.parent_id}), (${shared.id}, ${shared.parent_id})) pair (id, parent_id)
    where ${eq(own.tenant_id, bucketId())}
    union
    select ${next.id}, ${next.parent_id}
    from replacing join ${menus} ${next} on ${next.id} = replacing.parent_id
  )
  select id from replacing
)`

/**
 * What a holder of these permissions may see, and what decides where it stands: it makes the same tree as all entries
 * would, without reading the many that are for others.
 */
export const entriesFor = statement('menus.entriesFor', (db) =>
  db
    .select()
    .from(menus)
    .where(and(inSight(menus.tenant_id), or(isForThem, sql`${menus.id} = any(array ${replacing})`))),
)

export const findEntry = statement('menus.find', (db) =>
  db
    .select()
    .from(menus)
    .where(and(hasId, inSight(menus.tenant_id))),
)

/**
 * Holds back whatever else is about to move, delete or hang up entries in the bucket until this transaction ends: of
 * two moves that make a cycle only together, each would see nothing wrong. Whoever waited sees what the other did.
 */
export const lockTree = statement('menus.lockTree', (db) =>
  db
    .select({ locked: sql`pg_advisory_xact_lock(hashtextextended('menus ' || ${placeholder('bucket')}::text, 0))` })
    .from(sql`(values (1)) one`),
)

/** The entry `id` and all above it: a parent is of the same bucket, so that the way up never leaves it. */
const line = sql`(
  with recursive line (id, parent_id) as (
    select ${next.id}, ${next.parent_id} from ${menus} ${next} where ${next.id} = ${placeholder('id')}
    union
    select ${next.id}, ${next.parent_id} from line join ${menus} ${next} on ${next.id} = line.parent_id
  )
  select id from line
)`

/** An entry in sight; `line` is itself and all above it. */
export const findParent = statement('menus.findParent', (db) =>
  db
    .select({ tenant_id: menus.tenant_id, line: sql<string[]>`array ${line}` })
    .from(menus)
    .where(and(hasId, inSight(menus.tenant_id))),
)

const below = sql`(
  with recursive below (id, level) as (
    select ${next.id}, 1 from ${menus} ${next} where ${next.parent_id} = ${placeholder('id')}
    union all
    select ${next.id}, below.level + 1 from below join ${menus} ${next} on ${next.parent_id} = below.id
  )
  select count(*)::int as entries, coalesce(max(level), 0) as levels from below
) below`

/** How many entries stand below the entry `id`, on how many levels. No row: there is no such entry in the bucket. */
export const measureBelow = statement('menus.measureBelow', (db) =>
  db
    .select({ entries: sql<number>`below.entries`, levels: sql<number>`below.levels` })
    .from(menus)
    .crossJoin(below)
    .where(and(hasId, inBucket(menus.tenant_id))),
)

/** No row: the bucket has an entry with this code already. */
export const insertEntry = statement('menus.insert', (db) =>
  db
    .insert(menus)
    .values({
      id: placeholder('id'),
      tenant_id: bucketId(),
      parent_id: placeholder('parentId'),
      code: placeholder('code'),
      label: placeholder('label'),
      icon: placeholder('icon'),
      path: placeholder('path'),
      sort_order: placeholder('sort_order'),
      required_permission_code: placeholder('required_permission_code'),
      is_visible: placeholder('is_visible'),
      metadata: placeholder('metadata'),
    })
    .onConflictDoNothing({ target: [menus.tenant_id, menus.code] })
    .returning(),
)

/** Null keeps a field. `metadata` is JSON text, so that it can become null itself. */
export const updateEntry = statement('menus.update', (db) =>
  db
    .update(menus)
    .set({
      parent_id: sql`case when ${placeholder('unsetParent')}::boolean then null
        else coalesce(${placeholder('parentId')}::uuid, ${menus.parent_id}) end`,
      label: sql`coalesce(${placeholder('label')}::text, ${menus.label})`,
      icon: sql`coalesce(${placeholder('icon')}::text, ${menus.icon})`,
      path: sql`coalesce(${placeholder('path')}::text, ${menus.path})`,
      sort_order: sql`coalesce(${placeholder('sortOrder')}::int, ${menus.sort_order})`,
      required_permission_code: sql`case when ${placeholder('unsetPermission')}::boolean then null
        else coalesce(${placeholder('permission')}::text, ${menus.required_permission_code}) end`,
      is_visible: sql`coalesce(${placeholder('isVisible')}::boolean, ${menus.is_visible})`,
      metadata: sql`coalesce(${placeholder('metadata')}::jsonb, ${menus.metadata})`,
      updated_at: sql`now()`,
    })
    .where(and(hasId, inBucket(menus.tenant_id)))
    .returning(),
)

/** Deletes an entry; the foreign key takes along what stands below it. No row: there is no such entry in the bucket. */
export const deleteEntry = statement('menus.delete', (db) =>
  db
    .delete(menus)
    .where(and(hasId, inBucket(menus.tenant_id)))
    .returning({ id: menus.id }),
)
