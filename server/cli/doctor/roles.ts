import { withConnection } from '../../../db/oneConnection.ts'
import { inspectRole } from '../../../db/roles.ts'
import { attempt, briefly } from './attempt.ts'
import type { Addresses } from './database.ts'
import { type Finding, failed, ok, warning } from './finding.ts'

const statements = 'docs/deployment.md has the statements'

/** That each role may do its work, and no more: row security binds `app` alone when it has no powers over it. */
export const checkRoles = async ({ app, gate, owner }: Addresses, isProduction: boolean): Promise<Finding[]> => [
  await attempt('role app', () => checkApp(app, isProduction)),
  await attempt('role gate', () => checkGate(gate ?? app), gate === undefined ? 'DATABASE_URL' : 'DATABASE_GATE_URL'),
  await attempt('role owner', () => checkOwner(owner), 'DATABASE_MIGRATE_URL'),
]

const checkApp = async (url: string, isProduction: boolean): Promise<Finding> => {
  const { role, isSuperuser, bypassesRls, ownsTables } = await inspectRole(url)
  const powers = [isSuperuser && 'is a superuser', bypassesRls && 'has BYPASSRLS', ownsTables && 'owns tables'].filter(
    Boolean,
  )
  if (powers.length > 0) {
    const found = `${role} ${powers.join(' and ')}: row security does not bind it`
    const fix = `let DATABASE_URL sign in as a member of app, and DATABASE_MIGRATE_URL as the owner; ${statements}`
    return isProduction ? failed('role app', found, fix) : warning('role app', `${found}; the server acts as app`, fix)
  }
  const isMember = await ask(url, "coalesce(pg_has_role(current_user, to_regrole('app'), 'member'), false)")
  if (isMember) return ok('role app', `${role} owns nothing and bypasses nothing`)
  return failed(
    'role app',
    `${role} is no member of app`,
    `as an administrator run: grant app to ${role}; ${statements}`,
  )
}

/** Through the login itself, or, where that may only become gate, as what it becomes. */
const checkGate = async (url: string): Promise<Finding> => {
  const mayBecome = await ask(url, "coalesce(pg_has_role(current_user, to_regrole('gate'), 'member'), false)")
  if (!mayBecome)
    return failed(
      'role gate',
      'the login may not become gate',
      `run \`npm run forge -- migrate up\`, which grants it; ${statements}`,
    )
  const excess = await ask(
    url,
    `exists (
      select from pg_class where relnamespace = 'public'::regnamespace and relkind in ('r', 'p')
        and has_table_privilege('gate', oid, 'insert, update, delete, truncate')
    ) or coalesce(has_column_privilege('gate', to_regclass('users'), 'password_hash', 'select'), false)`,
  )
  if (excess)
    return failed(
      'role gate',
      'gate may change rows, or read passwords',
      `revoke what the migrations do not grant; ${statements}`,
    )
  return ok('role gate', 'reads who calls, and changes nothing')
}

const checkOwner = async (url: string): Promise<Finding> => {
  const owns = await ask(
    url,
    `has_schema_privilege(current_user, 'public', 'create') and not exists (
      select from pg_class where relnamespace = 'public'::regnamespace and relkind in ('r', 'p')
        and not pg_has_role(current_user, relowner, 'usage')
    )`,
  )
  const { role } = await inspectRole(url)
  if (owns) return ok('role owner', `${role} may change the schema`)
  return failed(
    'role owner',
    `${role} may not change the schema`,
    'set DATABASE_MIGRATE_URL to the login that owns the tables',
  )
}

const ask = (url: string, condition: string): Promise<boolean> =>
  withConnection(
    url,
    async (client) => (await client.query(`select ${condition} as answer`)).rows[0].answer === true,
    briefly,
  )
