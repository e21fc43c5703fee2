import { and, desc, eq, ilike, lt, type SQL, sql } from 'drizzle-orm'
import { inBucket } from '../../../db/bucket.ts'
import { members } from '../../../db/schema/tenants.ts'
import { users } from '../../../db/schema/users.ts'
import { statement } from '../../../db/statement.ts'
import { userColumns } from '../auth/queries.ts'

const { placeholder } = sql

const managedColumns = { ...userColumns, disabled_at: users.disabled_at }

const isAsked = eq(users.id, placeholder('id'))
const matches = ilike(users.email, placeholder('pattern'))
const isBehind = lt(users.id, placeholder('beforeId'))
const isMember = and(eq(members.user_id, users.id), inBucket(members.tenant_id)) as SQL
const total = { total: sql<number>`count(*)::int` }

/** Everybody, for work without a tenant. */
const everybody = {
  find: statement('users.find', (db) => db.select(managedColumns).from(users).where(isAsked)),
  hold: statement('users.hold', (db) => db.select({ id: users.id }).from(users).where(isAsked).for('no key update')),
  list: statement('users.list', (db) =>
    db
      .select(managedColumns)
      .from(users)
      .where(and(matches, isBehind))
      .orderBy(desc(users.id))
      .limit(placeholder('limit')),
  ),
  count: statement('users.count', (db) => db.select(total).from(users).where(matches)),
}

/** The same for work in a tenant, which knows its members and nobody else. */
const membersAlone: typeof everybody = {
  find: statement('users.findMember', (db) =>
    db.select(managedColumns).from(users).innerJoin(members, isMember).where(isAsked),
  ),
  hold: statement('users.holdMember', (db) =>
    db
      .select({ id: members.user_id })
      .from(members)
      .where(and(eq(members.user_id, placeholder('id')), inBucket(members.tenant_id)))
      .for('no key update'),
  ),
  list: statement('users.listMembers', (db) =>
    db
      .select(managedColumns)
      .from(users)
      .innerJoin(members, isMember)
      .where(and(matches, isBehind))
      .orderBy(desc(users.id))
      .limit(placeholder('limit')),
  ),
  count: statement('users.countMembers', (db) =>
    db.select(total).from(users).innerJoin(members, isMember).where(matches),
  ),
}

/**
 * The people of a bucket: `find` one, `list` those behind an id, the newest first, and `count` them. `hold` keeps a
 * person, or their membership, until the transaction ends, so that changes of what one person may do follow one
 * another. No row: there is no such person here.
 */
export const peopleOf = (bucket: string) => (bucket === 'global' ? everybody : membersAlone)

/** Leaves the time of an account that is disabled already. */
export const disableUser = statement('users.disable', (db) =>
  db
    .update(users)
    .set({
      disabled_at: sql`coalesce(${users.disabled_at}, now())`,
      updated_at: sql`case when ${users.disabled_at} is null then now() else ${users.updated_at} end`,
    })
    .where(isAsked)
    .returning(managedColumns),
)

/** No row: there is no such person. */
export const enableUser = statement('users.enable', (db) =>
  db
    .update(users)
    .set({
      disabled_at: null,
      updated_at: sql`case when ${users.disabled_at} is null then ${users.updated_at} else now() end`,
    })
    .where(isAsked)
    .returning(managedColumns),
)
