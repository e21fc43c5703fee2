import type { Logger } from 'pino'
import { explainAccessFailure } from '../db/accessFailure.ts'
import { startEmbedded } from '../db/embedded/startEmbedded.ts'
import type { LockHolder } from '../db/migrationLock.ts'
import { inspectRole } from '../db/roles.ts'
import type { Config } from './config.ts'
import type { DatabaseAddresses } from './pools.ts'
import { bringUpToDate } from './schema.ts'

export interface ConnectedDatabase {
  readonly addresses: DatabaseAddresses
  /** The role that owns the schema. */
  readonly ownerUrl: string
  /** Lets go of the embedded database; whoever lets go last stops it. */
  readonly release: () => Promise<void>
}

/**
 * Finds or starts the database and brings its schema up to date when the configuration says so. Throws
 * UnsuitableDatabaseError, naming the variable, when one of them leads to no database that may be used.
 */
export const connectDatabase = async (config: Config, log: Logger): Promise<ConnectedDatabase> => {
  const connected = config.database.url === undefined ? await embedded(config, log) : await external(config, log)
  try {
    if (config.database.migrateOnStart) await asOwner(config, () => migrateAndSeed(connected, log))
    return connected
  } catch (error) {
    await connected.release()
    throw error
  }
}

const migrateAndSeed = async ({ ownerUrl }: ConnectedDatabase, log: Logger): Promise<void> => {
  const onWait = (holder: LockHolder) =>
    log.warn({ holder }, 'waiting for the lock of migrations, which another connection holds')
  const { applied, added, unnamed } = await bringUpToDate(ownerUrl, { onWait })
  if (applied.length > 0) log.info({ applied }, 'migrations applied')
  if (added.length > 0) log.info({ added }, 'permissions added')
  if (unnamed.length > 0) log.info({ unnamed }, 'permissions that the contract does not name stay as they are')
}

const embedded = async ({ dataDir }: Config, log: Logger): Promise<ConnectedDatabase> => {
  const { ownerUrl, appUrl, gateUrl, stop } = await startEmbedded({ dataDir, log: (line) => log.info(line) })
  return { addresses: { app: { url: appUrl }, gate: { url: gateUrl } }, ownerUrl, release: stop }
}

const external = async (config: Config, log: Logger): Promise<ConnectedDatabase> => {
  const { url = '', gateUrl, migrateUrl = url } = config.database
  const { environment } = config
  const app = await addressOf({ url, variable: 'DATABASE_URL', role: 'app' }, environment, log)
  const gate =
    gateUrl === undefined
      ? ({ url, role: 'gate' } as const)
      : await addressOf({ url: gateUrl, variable: 'DATABASE_GATE_URL', role: 'gate' }, environment, log)
  return { addresses: { app, gate }, ownerUrl: migrateUrl, release: async () => {} }
}

interface Login<R extends 'app' | 'gate'> {
  readonly url: string
  readonly variable: string
  /** What the server is to be there. */
  readonly role: R
}

/** Signs in once and looks at who that is: outside production one who is too powerful takes the role on. */
const addressOf = async <R extends 'app' | 'gate'>(
  { url, variable, role }: Login<R>,
  environment: Config['environment'],
  log: Logger,
): Promise<{ readonly url: string; readonly role?: R }> => {
  const mayEmbed = environment !== 'production' && role === 'app'
  const found = await naming(variable, () => inspectRole(url), mayEmbed)
  if (!found.serverSupported)
    throw new UnsuitableDatabaseError(`PostgreSQL ${found.serverVersion} is too old: use 15 or newer.`)
  if (!found.isSuperuser && !found.bypassesRls && !found.ownsTables) return { url }
  if (environment === 'production') throw new UnsuitableDatabaseError(privileged(variable, found.role, role))
  log.warn(`${variable} signs in as ${found.role}, which row security does not bind; serving as role ${role}`)
  return { url, role }
}

const privileged = (variable: string, found: string, role: string) =>
  `${variable} signs in as ${found}, which owns tables, is a superuser or has BYPASSRLS, so row security would not bind the server. ` +
  `Give it a login role that is a member of ${role}, and put the owner into DATABASE_MIGRATE_URL; docs/deployment.md has the statements.`

/** Runs what signs in as the owner of the schema; a failure to do so names the variable. */
export const asOwner = <T>({ database: { url, migrateUrl } }: Config, work: () => Promise<T>): Promise<T> =>
  migrateUrl === url ? work() : naming('DATABASE_MIGRATE_URL', work)

const naming = async <T>(variable: string, work: () => Promise<T>, mayEmbed = false): Promise<T> => {
  try {
    return await work()
  } catch (cause) {
    const sentence = explainAccessFailure(cause, variable, mayEmbed)
    throw sentence === undefined ? cause : new UnsuitableDatabaseError(sentence, { cause })
  }
}

/** The server cannot run on the database, or must not. The message says what to change. */
export class UnsuitableDatabaseError extends Error {
  override readonly name = 'UnsuitableDatabaseError'
}
