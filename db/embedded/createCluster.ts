import { execFile } from 'node:child_process'
import { chownSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { Client } from 'pg'
import { messageOf } from '../causes.ts'
import type { Account } from './account.ts'
import type { Binaries } from './binaries.ts'
import { type Cluster, databaseName, urlOf } from './cluster.ts'
import { cannotStart } from './errors.ts'
import { makeFolder } from './home.ts'
import { environment } from './postmaster.ts'

const run = promisify(execFile)

/** Makes the data folder. Everybody needs a password, on every way in. Not synced to disk: a broken one is made anew. */
export async function initialise(cluster: Cluster, binaries: Binaries, account: Account | undefined): Promise<void> {
  const data = join(cluster.home, 'data')
  const passwordFile = join(cluster.home, 'password')
  makeFolder(data, account)
  writeFileSync(passwordFile, cluster.passwords.supervisor, { mode: 0o600 })
  if (account) chownSync(passwordFile, account.uid, account.gid)
  const options = ['--no-sync', '--no-instructions', '--auth=scram-sha-256', '--encoding=UTF8', '--locale=C']
  try {
    await run(
      binaries.initdb,
      ['-D', data, '-U', 'supervisor', `--pwfile=${passwordFile}`, ...options, ...unicodeRules],
      {
        ...account,
        cwd: data,
        env: environment,
      },
    )
  } catch (error) {
    throw cannotStart(`PostgreSQL could not create ${data} (${reasonOf(error)})`, 'free space or fix the folder', error)
  } finally {
    rmSync(passwordFile, { force: true })
  }
}

/** Upper and lower case for all of Unicode, sorted by code point, the same on every system. */
const unicodeRules = ['--locale-provider=builtin', '--builtin-locale=C.UTF-8']

function reasonOf(error: unknown): string {
  const output = typeof error === 'object' && error !== null && 'stderr' in error ? String(error.stderr) : ''
  return /error: (.*)/.exec(output)?.[1] ?? /FATAL: +(.*)/.exec(output)?.[1] ?? messageOf(error)
}

/** Makes the login roles and the database in a fresh cluster. Nobody but the supervisor is superuser. */
export async function furnish(cluster: Cluster): Promise<void> {
  const client = new Client({ connectionString: urlOf(cluster, 'supervisor', 'template1') })
  await client.connect()
  try {
    const { owner, app, gate } = cluster.passwords
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
