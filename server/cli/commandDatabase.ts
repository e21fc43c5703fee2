import { codeOf } from '../../db/causes.ts'
import { type Database, openDatabase } from '../../db/database.ts'
import type { Config } from '../config.ts'
import { asOwner, type ConnectedDatabase, connectDatabase } from '../database.ts'
import { createLog } from '../log.ts'
import type { DatabaseAddresses } from '../pools.ts'
import { ForgeError } from './forgeError.ts'
import type { Terminal } from './terminal.ts'

/** The database as the two roles of the server see it; no connection is opened before the first query. */
export interface CommandDatabases {
  readonly app: Database
  /** Reads the events of all tenants. */
  readonly gate: Database
}

/** Runs `work` on the database that the server would use, as the role that serves its calls. */
export const withDatabase = <T>(
  config: Config,
  terminal: Pick<Terminal, 'complain'>,
  work: (database: Database) => Promise<T>,
): Promise<T> => withDatabases(config, terminal, ({ app }) => work(app))

/**
 * Runs `work` with the addresses of the database that the server would use, and migrates nothing. An embedded one is
 * found by DATA_DIR and, when none runs, started for the time of the work.
 */
export const withAddresses = <T>(
  config: Config,
  terminal: Pick<Terminal, 'complain'>,
  work: (connected: ConnectedDatabase) => Promise<T>,
): Promise<T> =>
  withConnected({ ...config, database: { ...config.database, migrateOnStart: false } }, terminal, (connected) =>
    asOwner(config, () => work(connected)),
  )

/**
 * Runs `work` on the database that the server would use, as the server's own roles. An embedded one is found by DATA_DIR
 * and, when none runs, started for the time of the work.
 */
export const withDatabases = <T>(
  config: Config,
  terminal: Pick<Terminal, 'complain'>,
  work: (databases: CommandDatabases) => Promise<T>,
): Promise<T> =>
  withConnected(config, terminal, ({ addresses: { app, gate } }) =>
    onPool(config, app, (asApp) => onPool(config, gate, (asGate) => work({ app: asApp, gate: asGate }))),
  )

/** The same with the addresses of both roles, for what opens pools of its own. */
export const withServerDatabase = <T>(
  config: Config,
  terminal: Pick<Terminal, 'complain'>,
  work: (database: Database, addresses: DatabaseAddresses) => Promise<T>,
): Promise<T> =>
  withConnected(config, terminal, ({ addresses }) =>
    onPool(config, addresses.app, (database) => work(database, addresses)),
  )

const withConnected = async <T>(
  config: Config,
  terminal: Pick<Terminal, 'complain'>,
  work: (connected: ConnectedDatabase) => Promise<T>,
): Promise<T> => {
  const log = await createLog({ ...config, logLevel: 'warn' }, { write: (line) => terminal.complain(sentenceOf(line)) })
  for (const warning of config.warnings) log.warn(warning)
  const connected = await connectDatabase(config, log)
  try {
    return await work(connected)
  } catch (error) {
    if (codeOf(error) === undefinedTable) throw new ForgeError(noSchema)
    throw error
  } finally {
    await connected.release()
  }
}

const onPool = async <T>(
  { serviceName, database: { statementCache, acquireTimeoutSeconds, statementTimeoutSeconds } }: Config,
  address: { readonly url: string; readonly role?: string },
  work: (database: Database) => Promise<T>,
): Promise<T> => {
  const database = openDatabase({
    ...address,
    maxConnections: 1,
    statementCache,
    applicationName: `${serviceName} forge`,
    acquireTimeoutMs: acquireTimeoutSeconds * 1000,
    statementTimeoutMs: statementTimeoutSeconds * 1000,
    onError: () => {},
  })
  try {
    return await work(database)
  } finally {
    await database.close()
  }
}

/** The log is for people here. */
const sentenceOf = (line: string) => `${(JSON.parse(line) as { msg?: string }).msg ?? ''}\n`

/** SQLSTATE undefined_table. */
const undefinedTable = '42P01'
export const noSchema =
  'The database lacks tables or roles of this version: run `npm run forge -- migrate up`, then try again.'
