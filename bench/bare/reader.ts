import type { Pool } from 'pg'

/** The row of a session and its person. */
export type Row = { readonly session_id: string } & Readonly<Record<string, unknown>>

/** As much as tsforge reads, in the same words. */
const text = `
  select sessions.id as session_id, users.id, users.email, users.name,
    case when exists (
      select from user_roles join roles on roles.id = user_roles.role_id
      where user_roles.user_id = users.id and user_roles.tenant_id is null
        and roles.is_system and roles.code = 'admin' and roles.tenant_id is null
    ) then 'admin' else 'user' end as role,
    users.created_at, users.updated_at
  from sessions join users on users.id = sessions.user_id
  where sessions.id = any($1) and sessions.revoked_at is null and sessions.expires_at > now() and users.disabled_at is null`

interface Waiting {
  readonly id: string
  readonly resolve: (row: Row | undefined) => void
  readonly reject: (error: unknown) => void
}

/** Reads sessions, all that are asked for in one turn of the event loop by one query. */
export const createReader = (pool: Pool): ((id: string) => Promise<Row | undefined>) => {
  let waiting: Waiting[] = []

  const flush = async () => {
    const batch = waiting
    waiting = []
    try {
      const { rows } = await pool.query<Row>({ name: 'me', text, values: [batch.map(({ id }) => id)] })
      const byId = new Map(rows.map((row) => [row.session_id, row]))
      for (const { id, resolve } of batch) resolve(byId.get(id))
    } catch (error) {
      for (const { reject } of batch) reject(error)
    }
  }

  return (id) =>
    new Promise((resolve, reject) => {
      if (waiting.push({ id, resolve, reject }) === 1) setImmediate(() => void flush())
    })
}
