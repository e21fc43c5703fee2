import type { PgTable } from 'drizzle-orm/pg-core'
import type { Logger } from 'pino'
import type { Entries } from '../../contract/define.ts'
import type { Database } from '../../db/database.ts'
import type { MigrationSource } from '../../db/migrationFiles.ts'
import type { SeededMenu } from '../../db/seed.ts'
import type { Subscriptions } from '../platform/consumers/bus.ts'
import type { Consumer } from '../platform/consumers/consumer.ts'
import type { Duty } from '../platform/duties/duty.ts'
import type { Handlers } from './handlers.ts'

/** What a module may use outside of calls. */
export interface ModuleContext {
  /** As the role app; rows of tenants need `readAs` or a transaction with a scope. */
  readonly database: Pick<Database, 'db' | 'readAs' | 'transaction'>
  /** Names the module. */
  readonly log: Logger
}

/** What a module has besides what answers its entries. */
interface Parts {
  /** Modules that must be there; they are migrated and started before this one, and stopped after it. */
  readonly needs?: readonly string[]
  /** Its tables, which no other module has. */
  readonly tables?: readonly PgTable[]
  /** Steps of its schema, numbered from 0001 for itself, as a list or a folder. Applied behind the project's own. */
  readonly migrations?: MigrationSource
  /** Entries of the navigation for all tenants; the migration step adds those whose code is not there. */
  readonly menus?: readonly SeededMenu[]
  /** What it does by the clock. */
  readonly duties?: readonly Duty[]
  /** What it does about events, once over all instances. */
  readonly consumers?: readonly Consumer[]
  /** What each instance does about events for itself, as long as it runs. */
  readonly on?: Subscriptions
  /** Why it cannot do its work, or undefined when it can. Asked by operators, never by balancers. */
  readonly health?: (context: ModuleContext) => Promise<string | undefined>
  /** Before the server takes calls; what it throws keeps the server from starting. */
  readonly start?: (context: ModuleContext) => void | Promise<void>
  /** When the last call and all background work have ended. */
  readonly stop?: (context: ModuleContext) => void | Promise<void>
}

/** A feature as the server sees it: its part of the contract, what answers it, and what it does besides. */
export interface Module<Name extends string = string, C extends Entries = Entries> extends Parts {
  /** The key of the contract under which the entries stand. */
  readonly name: Name
  readonly contract: C
  readonly handlers: Handlers<C>
}

/** A module whose entries are only known at run time. */
export interface AnyModule extends Parts {
  readonly name: string
  readonly contract: Entries
  readonly handlers: Readonly<Record<string, unknown>>
}

/** Its permissions, errors and topics stand in its part of the contract. */
export const defineModule = <const Name extends string, C extends Entries>(module: Module<Name, C>) => module
