import type { Contract, Entries } from '../../contract/define.ts'
import type { Services } from '../context.ts'
import type { Subscriptions } from '../platform/consumers/bus.ts'
import type { Consumer } from '../platform/consumers/consumer.ts'
import type { Deadlines } from '../platform/deadlines.ts'
import type { Duty } from '../platform/duties/duty.ts'
import type { Load } from '../platform/load.ts'
import type { Tracing } from '../platform/tracing/tracing.ts'
import type { AnyHandler, Handlers } from './handlers.ts'
import { createProcedure, type Gate, type Procedure } from './procedure.ts'
import type { Transact } from './transaction.ts'

/** A feature as the server sees it: its part of the contract and what answers it. */
export interface Module<Name extends string = string, C extends Entries = Entries> {
  /** The key of the contract under which the entries stand. */
  readonly name: Name
  readonly contract: C
  readonly handlers: Handlers<C>
  /** What it does by the clock. */
  readonly duties?: readonly Duty[]
  /** What it does about events, once over all instances. */
  readonly consumers?: readonly Consumer[]
  /** What each instance does about events for itself, as long as it runs. */
  readonly on?: Subscriptions
}

export const defineModule = <const Name extends string, C extends Entries>(module: Module<Name, C>) => module

/** A module whose entries are only known at run time. */
export interface AnyModule {
  readonly name: string
  readonly contract: Entries
  readonly handlers: Readonly<Record<string, unknown>>
  readonly duties?: readonly Duty[]
  readonly consumers?: readonly Consumer[]
  readonly on?: Subscriptions
}

type Missing<C extends Contract, M extends readonly AnyModule[]> = Exclude<keyof C, M[number]['name']>

/**
 * The list of modules, which must answer the whole contract: a feature that stands in `contract/index.ts` but not here
 * does not compile.
 */
export const listModules =
  <C extends Contract>(_contract: C) =>
  <const M extends readonly AnyModule[]>(
    ...modules: [Missing<C, M>] extends [never] ? M : [missing: Missing<C, M>, ...never[]]
  ): readonly AnyModule[] =>
    modules as unknown as M

interface Assembly {
  readonly services: Services
  readonly gates: readonly Gate[]
  readonly transact: Transact
  readonly deadlines: Deadlines
  readonly load: Pick<Load, 'hasRoom' | 'noteRefused'>
  readonly tracing?: Tracing | undefined
}

/** The procedures of all modules, named `module.entry`. */
export const createProcedures = (modules: readonly AnyModule[], assembly: Assembly): Procedure[] =>
  modules.flatMap(({ name, contract, handlers }) =>
    Object.entries(contract).map(([entry, rules]) =>
      createProcedure({ path: `${name}.${entry}`, rules, handler: handlers[entry] as AnyHandler, ...assembly }),
    ),
  )
