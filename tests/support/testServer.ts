import { createHash, randomBytes } from 'node:crypto'
import { chmodSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Client } from 'pg'
import { codeOf } from '../../db/causes.ts'
import { isAlive } from '../../db/embedded/processes.ts'
import { startEmbedded } from '../../db/embedded/startEmbedded.ts'
import { checksumOf, readLists } from '../../db/migrationFiles.ts'
import { ensureRoles, inspectRole } from '../../db/roles.ts'
import { bringUpToDate, migrationsOf } from '../../server/schema.ts'

/** What a test file needs to get databases of its own. Plain data: it travels from vitest's process to the workers. */
export interface TestServer {
  readonly ownerUrl: string
  readonly appUrl: string
  readonly gateUrl: string
  /** The migrated database that others are cloned from. */
  readonly template: string
  /** Begins the names of this run's databases. */
  readonly prefix: string
}

const folderPrefix = 'tsforge-test-'

/**
 * A server with a migrated template database: an embedded one in a temporary folder, or the one at `url`, whose role
 * must be able to make databases and roles and must not be superuser. `stop` leaves nothing behind but, on a server of
 * somebody else, the template, which the next run with the same migrations uses again.
 */
export async function startTestServer(url: string | undefined): Promise<TestServer & { stop(): Promise<void> }> {
  const started = url === undefined ? await startOwn() : await useOther(url)
  const { migrations: own, modules = [] } = migrationsOf()
  const migrations = readLists(own, modules).flatMap((list) => list.migrations)
  const template = `template_${hashOf(migrations.map(checksumOf).join())}`
  const prefix = `test_${process.pid}_`
  try {
    await makeDatabase(started.ownerUrl, template)
    await bringUpToDate(withDatabase(started.ownerUrl, template))
  } catch (error) {
    await started.stop()
    throw error
  }
  const { ownerUrl, appUrl, gateUrl } = started
  const stop = async () => {
    await dropLeftovers(ownerUrl, prefix)
    await started.stop()
  }
  return { ownerUrl, appUrl, gateUrl, template, prefix, stop }
}

async function startOwn() {
  await sweep()
  const folder = mkdtempSync(join(tmpdir(), `${folderPrefix}${process.pid}-`))
  // For the user that PostgreSQL runs under when root runs the tests.
  chmodSync(folder, 0o711)
  const embedded = await startEmbedded({ dataDir: folder, durable: false })
  const stop = async () => {
    await embedded.stop()
    rmSync(folder, { recursive: true, force: true })
  }
  return { ...embedded, stop }
}

/** Stops and removes what runs left behind that were killed. */
async function sweep(): Promise<void> {
  const folders = readdirSync(tmpdir()).filter((name) => name.startsWith(folderPrefix))
  for (const name of folders) {
    if (isAlive(Number(name.slice(folderPrefix.length).split('-')[0]))) continue
    const folder = join(tmpdir(), name)
    const embedded = await startEmbedded({ dataDir: folder, durable: false }).catch(() => undefined)
    await embedded?.stop()
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Logins of this run's own stand in for `app` and `gate`, whose passwords on that server are not ours to change. */
async function useOther(url: string) {
  const { isSuperuser, role } = await inspectRole(url)
  if (isSuperuser)
    throw new Error(`Tests do not run as the superuser ${role}; give them a role with CREATEDB and CREATEROLE.`)
  const password = randomBytes(24).toString('base64url')
  const logins = { app: `test_${process.pid}_app`, gate: `test_${process.pid}_gate` }
  const as = (name: 'app' | 'gate') => {
    const changed = new URL(url)
    changed.username = logins[name]
    changed.password = password
    changed.searchParams.set('options', `-c role=${name}`)
    return changed.href
  }
  await withClient(url, async (client) => {
    await ensureRoles(client)
    for (const [name, login] of Object.entries(logins)) {
      await client.query(`create role ${login} login noinherit in role ${name} password '${password}'`)
    }
  })
  const stop = () => withClient(url, async (client) => void (await client.query(`drop role ${Object.values(logins)}`)))
  return { ownerUrl: url, appUrl: as('app'), gateUrl: as('gate'), stop }
}

async function makeDatabase(url: string, name: string): Promise<void> {
  await withClient(url, async (client) => {
    const { rowCount } = await client.query('select from pg_database where datname = $1', [name])
    if (rowCount === 0) await client.query(`create database ${name} template template0`)
  })
}

async function dropLeftovers(url: string, prefix: string): Promise<void> {
  await withClient(url, async (client) => {
    const { rows } = await client.query('select datname from pg_database where starts_with(datname, $1)', [prefix])
    for (const { datname } of rows) await dropDatabase(client, datname)
  })
}

/**
 * Ends all connections to a database and drops it. FORCE may not end an autovacuum worker, which runs as superuser;
 * a plain DROP tells it to go, and waits.
 */
export async function dropDatabase(client: Client, name: string): Promise<void> {
  const sql = `drop database if exists ${name}`
  await client.query(`${sql} with (force)`).catch((error: unknown) => {
    if (codeOf(error) !== '42501') throw error
    return client.query(sql)
  })
}

/** The same server and role, another database. */
export function withDatabase(url: string, name: string): string {
  const changed = new URL(url)
  changed.pathname = `/${name}`
  return changed.href
}

/** One connection for the time of `work`. */
export async function withClient<T>(url: string, work: (client: Client) => Promise<T>): Promise<T> {
  const client = new Client({ connectionString: url })
  // A connection that a test terminates fails the query at hand and nothing more.
  client.on('error', () => {})
  await client.connect()
  try {
    return await work(client)
  } finally {
    await client.end()
  }
}

const hashOf = (text: string) => createHash('sha256').update(text).digest('hex').slice(0, 16)
