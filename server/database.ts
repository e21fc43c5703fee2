import type { Logger } from 'pino'
import { startEmbedded } from '../db/embedded/startEmbedded.ts'
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

/** Finds or starts the database and brings its schema up to date when the configuration says so. */
export const connectDatabase = async (config: Config, log: Logger): Promise<ConnectedDatabase> => {
  const connected = config.database.url === undefined ? await embedded(config, log) : await external(config, log)
  try {
    if (config.database.migrateOnStart) await migrateAndSeed(connected, log)
    return connected
  } catch (error) {
    await connected.release()
    throw error
  }
}

const migrateAndSeed = async ({ ownerUrl }: ConnectedDatabase, log: Logger): Promise<void> => {
  const { applied, added, unnamed } = await bringUpToDate(ownerUrl, undefined, (holder) =>
    log.warn({ holder }, 'waiting for the lock of migrations, which another connection holds'),
  )
  if (applied.length > 0) log.info({ applied }, 'migrations applied')
  if (added.length > 0) log.info({ added }, 'permissions added')
  if (unnamed.length > 0) log.info({ unnamed }, 'permissions that the contract does not name stay as they are')
}

const embedded = async ({ dataDir }: Config, log: Logger): Promise<ConnectedDatabase> => {
  const { ownerUrl, appUrl, gateUrl, stop } = await startEmbedded({ dataDir, log: (line) => log.info(line) })
  return { addresses: { app: { url: appUrl }, gate: { url: gateUrl } }, ownerUrl, release: stop }
}

const external = async ({ database, environment }: Config, log: Logger): Promise<ConnectedDatabase> => {
  const url = database.url ?? ''
  const { role, serverVersion, serverSupported, ...powers } = await inspectRole(url)
  if (!serverSupported) throw new UnsuitableDatabaseError(`PostgreSQL ${serverVersion} is too old: use 15 or newer.`)
  const isPrivileged = powers.isSuperuser || powers.bypassesRls || powers.ownsTables
  if (isPrivileged && environment === 'production') throw new UnsuitableDatabaseError(privileged(role))
  if (isPrivileged) log.warn(`DATABASE_URL signs in as ${role}, which row security does not bind; serving as role app`)
  return {
    addresses: {
      app: isPrivileged ? { url, role: 'app' } : { url },
      gate: database.gateUrl === undefined ? { url, role: 'gate' } : { url: database.gateUrl },
    },
    ownerUrl: database.migrateUrl ?? url,
    release: async () => {},
  }
}

const privileged = (role: string) =>
  `DATABASE_URL signs in as ${role}, which owns tables, is a superuser or has BYPASSRLS, so row security would not bind the server. ` +
  'Give it a login role that is a member of app, and put the owner into DATABASE_MIGRATE_URL; docs/deployment.md has the statements.'

/** The database answers, but the server must not run on it. The message says what to change. */
export class UnsuitableDatabaseError extends Error {
  override readonly name = 'UnsuitableDatabaseError'
}
