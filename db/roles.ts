import type { Client } from 'pg'
import { codeOf } from './causes.ts'
import { MigrationError } from './migrationError.ts'
import { withConnection } from './oneConnection.ts'

/** What the role of a connection could do, and to which server it is connected. */
export interface RoleReport {
  readonly role: string
  readonly isSuperuser: boolean
  /** Row-level security does not hold for it. */
  readonly bypassesRls: boolean
  /** It owns a table, or may act for the owner of one: row-level security can be switched off. */
  readonly ownsTables: boolean
  /** `18.4`. */
  readonly serverVersion: string
  /** PostgreSQL 15 or newer. */
  readonly serverSupported: boolean
}

const oldestServer = 150_000
const answerTimeoutMs = 10_000

/** Looks at the role that `url` connects as. Rejects when there is no connection. */
export function inspectRole(url: string): Promise<RoleReport> {
  return withConnection(url, async (client) => (await client.query(inspection)).rows[0], {
    query_timeout: answerTimeoutMs,
  })
}

const ownsTables = `exists (
      select from pg_class join pg_namespace on pg_namespace.oid = relnamespace
      where nspname = 'public' and relkind in ('r', 'p') and pg_has_role(current_user, relowner, 'usage')
    )`

/** SQL: whether row security does not hold for the role of the connection, or could be switched off by it. */
export const isUnbound = `(
    select rolsuper or rolbypassrls or ${ownsTables} from pg_roles where rolname = current_user
  )`

const inspection = `
  select rolname as role, rolsuper as "isSuperuser", rolbypassrls as "bypassesRls",
    current_setting('server_version') as "serverVersion",
    current_setting('server_version_num')::int >= ${oldestServer} as "serverSupported",
    ${ownsTables} as "ownsTables"
  from pg_roles where rolname = current_user`

/**
 * What an administrator runs once when the migrating role may not. The one who makes `app` may become it, which
 * development without an app login of its own relies on.
 */
const roleSql = {
  app: 'create role app nologin noinherit; grant app to current_user',
  gate: 'create role gate nologin',
  membership: 'grant gate to app',
} as const

/**
 * Makes the roles that migrations grant to: `app`, which runs handlers, and `gate`, which only reads who is calling and
 * which app may become. Throws MigrationError with the SQL for an administrator when the migrating role may not.
 */
export async function ensureRoles(client: Client): Promise<void> {
  const missing = await missingRoles(client)
  try {
    for (const name of missing) await client.query(roleSql[name])
  } catch (error) {
    // Roles belong to the whole server: another database's migration may have made them this instant.
    if ((await missingRoles(client)).length === 0) return
    if (codeOf(error) !== '42501') throw error
    const sql = (await missingRoles(client)).map((name) => `${roleSql[name]};`).join(' ')
    throw new MigrationError(
      `The migrating role may not make the roles of the application; as an administrator run: ${sql}`,
      { cause: error },
    )
  }
}

async function missingRoles(client: Client): Promise<(keyof typeof roleSql)[]> {
  const { rows } = await client.query(`
    select to_regrole('app') is null as app, to_regrole('gate') is null as gate,
      not exists (
        select from pg_auth_members where roleid = to_regrole('gate') and member = to_regrole('app')
      ) as membership`)
  return (['app', 'gate', 'membership'] as const).filter((name) => rows[0][name])
}
