import type { Contract } from '../../contract/define.ts'
import type { Services } from '../context.ts'
import type { Deadlines } from '../platform/deadlines.ts'
import type { Load } from '../platform/load.ts'
import type { Tracing } from '../platform/tracing/tracing.ts'
import type { AnyHandler } from './handlers.ts'
import type { AnyModule } from './module.ts'
import { createProcedure, type Gate, type Procedure } from './procedure.ts'
import type { Transact } from './transaction.ts'

type Missing<C extends Contract, M extends readonly AnyModule[]> = Exclude<keyof C, M[number]['name']>

/**
 * The list of modules, which must answer the whole contract: a feature that stands in the contract but not here does not
 * compile.
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
