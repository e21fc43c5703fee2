import { execFile, spawn } from 'node:child_process'
import { chownSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { Client } from 'pg'
import { messageOf } from '../causes.ts'
import type { Account } from './account.ts'
import type { Binaries } from './binaries.ts'
import { type Cluster, databaseName, urlOf } from './cluster.ts'
import { cannotStart } from './errors.ts'
import { makePrivateFolder } from './home.ts'
import { environment } from './postmaster.ts'

const run = promisify(execFile)

export interface Site {
  readonly home: string
  readonly binaries: Binaries
  readonly account: Account | undefined
}

/** Upper and lower case for all of Unicode, sorted by code point, the same on every system. */
const unicodeRules = ['--locale=C', '--locale-provider=builtin', '--builtin-locale=C.UTF-8', '--encoding=UTF8']

/**
 * Makes the data folder, anew when one is there. Everybody needs a password, on every way in. The files may still be in
 * memory when this resolves; `syncLater` sees to them.
 */
export async function initialise({ home, binaries, account }: Site, superuserPassword: string): Promise<void> {
  const data = join(home, 'data')
  const passwordFile = join(home, 'password')
  try {
    makePrivateFolder(data, account)
    writeFileSync(passwordFile, superuserPassword, { mode: 0o600 })
    if (account) chownSync(passwordFile, account.uid, account.gid)
    const options = ['--no-sync', '--no-instructions', '--auth=scram-sha-256', '-U', 'supervisor', ...unicodeRules]
    await run(binaries.initdb, ['-D', data, `--pwfile=${passwordFile}`, ...options], {
      ...account,
      cwd: data,
      env: environment,
    })
  } catch (error) {
    throw cannotStart(
      `PostgreSQL could not create ${data} (${reasonOf(error)})`,
      'free space or mend the folder and start again',
      error,
    )
  } finally {
    rmSync(passwordFile, { force: true })
  }
}

/** PostgreSQL's own words, of the first message that is an error: the later ones are consequences. */
function reasonOf(error: unknown): string {
  const output = typeof error === 'object' && error !== null && 'stderr' in error ? String(error.stderr) : ''
  return /(?:error|ERROR|FATAL|PANIC): +(.*)/.exec(output)?.[1] ?? messageOf(error).split('\n', 1)[0] ?? ''
}

/** Makes the login roles and the database in a fresh cluster. Nobody but the supervisor is superuser. */
export async function furnish(cluster: Cluster): Promise<void> {
  const client = new Client({ connectionString: urlOf(cluster, 'supervisor', 'template1') })
  await client.connect()
  try {
    const { owner, app, gate } = cluster.passwords
    // A test's server commits lazily; what is done here must outlive a crash of the server even there.
    await client.query('set synchronous_commit = on')
    await client.query(`
      create role owner login createdb password '${owner}';
      create role app login noinherit password '${app}';
      create role gate login password '${gate}';
      grant gate to app;
      grant app to owner with inherit false;
      alter database postgres rename to ${databaseName};
      alter database ${databaseName} owner to owner;
    `)
  } finally {
    await client.end()
  }
}

/** Puts on disk what initdb left in memory, while the server already works; PostgreSQL syncs only what it writes itself. */
export function syncLater({ home, binaries, account }: Site): void {
  const data = join(home, 'data')
  const options = { ...account, cwd: data, env: environment, detached: true, stdio: 'ignore' } as const
  spawn(binaries.initdb, ['--sync-only', '-D', data], options)
    .once('error', () => {})
    .unref()
}

/** Throws DatabaseStartError when the data folder was made by another major version than the programs at hand. */
export function checkMajor({ home, binaries }: Site): void {
  const file = join(home, 'data', 'PG_VERSION')
  const major = existsSync(file) ? readFileSync(file, 'utf8').trim() : 'none'
  if (major === binaries.major) return
  const what = major === 'none' ? 'is no longer there' : `is of PostgreSQL ${major}, and ${binaries.major} is installed`
  throw cannotStart(`The database in ${join(home, 'data')} ${what}`, 'put it back or remove the cluster.json beside it')
}
