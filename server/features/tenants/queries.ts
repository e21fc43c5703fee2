import { and, asc, eq, ne, type SQL, sql } from 'drizzle-orm'
import { alias } from 'drizzle-orm/pg-core'
import { bucketId, inBucket } from '../../../db/bucket.ts'
import { userRoles } from '../../../db/schema/access.ts'
import { members, tenants } from '../../../db/schema/tenants.ts'
import { users } from '../../../db/schema/users.ts'
import { statement } from '../../../db/statement.ts'

const { placeholder } = sql

const tenantColumns = {
  id: tenants.id,
  slug: tenants.slug,
  name: tenants.name,
  created_at: tenants.created_at,
  updated_at: tenants.updated_at,
}

/** A membership of the person who asks, in the tenant of the row at hand. */
const isMine = and(eq(members.tenant_id, tenants.id), eq(members.user_id, placeholder('userId')))

/** The tenants of a person behind a slug, in their order. Pass '' to begin. */
export const listTenants = statement('tenants.list', (db) =>
  db
    .select(tenantColumns)
    .from(tenants)
    .innerJoin(members, isMine)
    .where(sql`${tenants.slug} > ${placeholder('slug')}`)
    .orderBy(asc(tenants.slug))
    .limit(placeholder('limit')),
)

export const countTenants = statement('tenants.count', (db) =>
  db
    .select({ total: sql<number>`count(*)::int` })
    .from(members)
    .where(eq(members.user_id, placeholder('userId'))),
)

/** The tenant of the bucket. No row: there is none, or the person is not a member. */
export const findTenant = statement('tenants.find', (db) =>
  db.select(tenantColumns).from(tenants).innerJoin(members, isMine).where(inBucket(tenants.id)),
)

/**
 * The membership of a person in the tenant of the bucket, which is locked until the transaction ends: all changes of
 * its members come one after the other. No row: there is no such tenant, or the person is not a member. Rows that only
 * refer to the tenant are not held up.
 */
export const lockMembership = statement('tenants.lockMembership', (db) =>
  db
    .select({ is_owner: members.is_owner })
    .from(tenants)
    .innerJoin(members, isMine)
    .where(inBucket(tenants.id))
    // The membership too: one that ended while this call waited is not found any more.
    .for('no key update'),
)

/** No row: the slug is taken. */
export const insertTenant = statement('tenants.insert', (db) =>
  db
    .insert(tenants)
    .values({ id: bucketId(), slug: placeholder('slug'), name: placeholder('name') })
    .onConflictDoNothing({ target: tenants.slug })
    .returning(tenantColumns),
)

/** Null leaves a field as it is. */
export const updateTenant = statement('tenants.update', (db) =>
  db
    .update(tenants)
    .set({
      name: sql`coalesce(${placeholder('name')}, ${tenants.name})`,
      slug: sql`coalesce(${placeholder('slug')}, ${tenants.slug})`,
      updated_at: sql`now()`,
    })
    .where(inBucket(tenants.id))
    .returning(tenantColumns),
)

/** Members, roles, grants and menus go with it. */
export const deleteTenant = statement('tenants.delete', (db) => db.delete(tenants).where(inBucket(tenants.id)))

/** No row: the person is a member already. */
export const insertMember = statement('tenants.insertMember', (db) =>
  db
    .insert(members)
    .values({ tenant_id: bucketId(), user_id: placeholder('userId'), is_owner: placeholder('isOwner') })
    .onConflictDoNothing({ target: [members.tenant_id, members.user_id] })
    .returning({ user_id: members.user_id, is_owner: members.is_owner, joined_at: members.joined_at }),
)

export const findMember = statement('tenants.findMember', (db) =>
  db
    .select({ is_owner: members.is_owner })
    .from(members)
    .where(and(inBucket(members.tenant_id), eq(members.user_id, placeholder('userId')))),
)

/** An owner of the tenant besides this person. */
export const findOtherOwner = statement('tenants.findOtherOwner', (db) =>
  db
    .select({ user_id: members.user_id })
    .from(members)
    .where(and(inBucket(members.tenant_id), members.is_owner, ne(members.user_id, placeholder('userId'))))
    .limit(1),
)

/** One owner stops and another one begins; the same person twice stays owner. */
export const passOwnership = statement('tenants.passOwnership', (db) =>
  db
    .update(members)
    .set({ is_owner: sql`${members.user_id} = ${placeholder('to')}` })
    .where(
      and(
        inBucket(members.tenant_id),
        sql`${members.user_id} in (${placeholder('from')}::uuid, ${placeholder('to')}::uuid)`,
      ),
    ),
)

export const deleteMember = statement('tenants.deleteMember', (db) =>
  db.delete(members).where(and(inBucket(members.tenant_id), eq(members.user_id, placeholder('userId')))),
)

/**
 * The grants of a person in this tenant; the global ones stay. To run after the membership has ended: who grants holds
 * the membership meanwhile, so by then every grant is in sight and no more can come.
 */
export const deleteGrants = statement('tenants.deleteGrants', (db) =>
  db.delete(userRoles).where(and(inBucket(userRoles.tenant_id), eq(userRoles.user_id, placeholder('userId')))),
)

/** An account of anybody, for owners who know its e-mail. */
export const findPerson = statement('tenants.findPerson', (db) =>
  db
    .select({ id: users.id, email: users.email, name: users.name })
    .from(users)
    .where(eq(users.email, placeholder('email'))),
)

const me = alias(members, 'me')

/** Seen by members alone: one who left since they were let in finds nothing. */
const isAmongMine = and(eq(me.tenant_id, members.tenant_id), eq(me.user_id, placeholder('userId'))) as SQL

/** The members of the bucket behind a position, the longest first. */
export const listMembers = statement('tenants.listMembers', (db) =>
  db
    .select({
      user_id: members.user_id,
      email: users.email,
      name: users.name,
      is_owner: members.is_owner,
      joined_at: members.joined_at,
    })
    .from(members)
    .innerJoin(me, isAmongMine)
    .innerJoin(users, eq(users.id, members.user_id))
    .where(
      and(
        inBucket(members.tenant_id),
        sql`(${members.joined_at}, ${members.user_id}) > (${placeholder('joinedAt')}::timestamptz, ${placeholder('memberId')}::uuid)`,
      ),
    )
    .orderBy(asc(members.joined_at), asc(members.user_id))
    .limit(placeholder('limit')),
)

export const countMembers = statement('tenants.countMembers', (db) =>
  db
    .select({ total: sql<number>`count(*)::int` })
    .from(members)
    .innerJoin(me, isAmongMine)
    .where(inBucket(members.tenant_id)),
)
