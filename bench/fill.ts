import { withConnection } from '../db/oneConnection.ts'
import type { Person } from './people.ts'

/** Roles that each person holds, and menu entries that each sees, whatever else there is. */
const ownCount = 3

/**
 * Writes the people with a session each, and so many roles and menu entries, of which everybody's own are the same
 * three: the others ask for permissions that nobody holds.
 */
export const fill = (ownerUrl: string, people: readonly Person[], size: number): Promise<void> =>
  withConnection(ownerUrl, async (client) => {
    const column = (name: keyof Person) => people.map((person) => person[name])
    await client.query(
      `insert into users (id, email, name, password_hash)
       select id, email, 'Ada Lovelace', hash from unnest($1::uuid[], $2::text[], $3::text[]) row (id, email, hash)`,
      [column('id'), column('email'), column('passwordHash')],
    )
    await client.query(
      `insert into sessions (id, user_id, expires_at)
       select id, user_id, now() + interval '1 day' from unnest($1::uuid[], $2::uuid[]) row (id, user_id)`,
      [column('sessionId'), column('id')],
    )
    await client.query(
      `insert into permissions (id, code, resource, action)
       select gen_random_uuid(), 'thing-' || n || '.use', 'thing-' || n, 'use' from generate_series(1, 100) n`,
    )
    await client.query(
      `insert into roles (id, code, name)
       select gen_random_uuid(), 'role-' || n, 'Role ' || n from generate_series(1, $1::int) n`,
      [size],
    )
    // The first roles hold the first permissions, the others any two of the rest.
    await client.query(
      `insert into role_permissions (role_id, permission_id)
       select roles.id, permissions.id
       from generate_series(1, $1::int) n cross join generate_series(0, 1) k
         join lateral (select case when n <= $2 then n + k * $2 else 10 + (n * 7 + k) % 90 end as thing) choice on true
         join roles on roles.code = 'role-' || n
         join permissions on permissions.code = 'thing-' || thing || '.use'`,
      [size, ownCount],
    )
    await client.query(
      `insert into user_roles (user_id, role_id)
       select users.id, roles.id from users, roles, generate_series(1, $1::int) n where roles.code = 'role-' || n`,
      [ownCount],
    )
    await client.query(
      `insert into menus (id, code, label, sort_order, required_permission_code)
       select gen_random_uuid(), 'entry-' || n, 'Entry ' || n, n,
         'thing-' || case when n <= $2 then n else 10 + n % 90 end || '.use'
       from generate_series(1, $1::int) n`,
      [size, ownCount],
    )
    await client.query('vacuum analyze')
  })
