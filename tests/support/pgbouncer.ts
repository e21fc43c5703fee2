import { execFileSync, spawn } from 'node:child_process'
import { chmodSync, chownSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { chooseAccount } from '../../db/embedded/account.ts'
import { freePort } from '../../db/embedded/freePort.ts'
import { withClient, withDatabase } from './testServer.ts'

export interface PgBouncer {
  readonly port: number
  readonly stop: () => Promise<void>
}

/** Whether a PgBouncer can be started here. */
export function hasPgBouncer(): boolean {
  try {
    execFileSync('pgbouncer', ['--version'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

/** The same database by way of a PgBouncer. */
export const through = (port: number) => (url: string) => {
  const changed = new URL(url)
  changed.host = `127.0.0.1:${port}`
  return changed.href
}

/**
 * A PgBouncer in transaction mode before the server of these logins, for every database there. Its settings are the
 * package's own: it takes no start parameter besides those that it can keep apart for each client.
 */
export async function startPgBouncer({ appUrl, gateUrl }: { appUrl: string; gateUrl: string }): Promise<PgBouncer> {
  const folder = mkdtempSync(join(tmpdir(), 'tsforge-pgbouncer-'))
  // It refuses to run as root, as PostgreSQL does.
  const account = await chooseAccount(join(folder, 'none'))
  const port = await freePort()
  const logins = [appUrl, gateUrl].map((url) => new URL(url))
  const users = logins.map(({ username, password }) => `"${username}" "${decodeURIComponent(password)}"`)
  writeFileSync(join(folder, 'users.txt'), users.join('\n'))
  writeFileSync(join(folder, 'pgbouncer.ini'), settings({ folder, port, database: logins[0] ?? new URL(appUrl) }))
  if (account)
    for (const name of ['', 'users.txt', 'pgbouncer.ini']) chownSync(join(folder, name), account.uid, account.gid)
  chmodSync(folder, 0o700)

  const child = spawn('pgbouncer', [join(folder, 'pgbouncer.ini')], { ...account, stdio: ['ignore', 'ignore', 'pipe'] })
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  await new Promise<void>((resolve, reject) => {
    let log = ''
    child.stderr.on('data', (text) => {
      log += text
      if (log.includes('process up')) resolve()
    })
    child.once('error', reject)
    child.once('exit', () => reject(new Error(`PgBouncer does not start:\n${log}`)))
  })
  return {
    port,
    async stop() {
      child.kill('SIGTERM')
      await ended
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** Makes a PgBouncer close its connections to a database, which it would keep for the next client. */
export async function letGo({
  port,
  login,
  database,
}: {
  port: number
  login: string
  database: string
}): Promise<void> {
  const console = withDatabase(through(port)(login), 'pgbouncer')
  await withClient(console, async (client) => {
    await client.query(`kill ${database}`)
    await client.query(`resume ${database}`)
  }).catch(() => {
    // It answers with an error when it has no connection.
  })
}

const settings = ({ folder, port, database }: { folder: string; port: number; database: URL }) => `
[databases]
* = host=${database.hostname} port=${database.port}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port}
unix_socket_dir =
auth_type = scram-sha-256
auth_file = ${join(folder, 'users.txt')}
admin_users = ${database.username}
pool_mode = transaction
max_client_conn = 500
default_pool_size = 4
server_idle_timeout = 10
server_login_retry = 1
`
