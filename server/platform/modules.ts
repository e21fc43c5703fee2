import type { Logger } from 'pino'
import type { Database } from '../../db/database.ts'
import type { AnyModule, ModuleContext } from '../rpc/module.ts'
import { ModuleError } from '../rpc/moduleOrder.ts'
import { within } from './within.ts'

/** How a module is. */
export interface ModuleHealth {
  readonly name: string
  readonly healthy: boolean
  /** Why not. */
  readonly detail?: string
}

export interface ModuleLives {
  /** Starts each behind those it needs. Throws ModuleError when one does not start, with those before it stopped again. */
  readonly start: () => Promise<void>
  /** Stops those that were started, the last one first; one that fails is logged and keeps nobody else from stopping. */
  readonly stop: () => Promise<void>
  /** Asks all at once. */
  readonly health: () => Promise<readonly ModuleHealth[]>
}

interface Parts {
  readonly database: Database
  readonly log: Logger
}

/** What a check of health may take. */
const healthSeconds = 2

/** The modules as things that begin, end and can be asked how they are; they come in the order of their needs. */
export const createModuleLives = (modules: readonly AnyModule[], { database, log }: Parts): ModuleLives => {
  const contextOf = ({ name }: AnyModule): ModuleContext => ({ database, log: log.child({ module: name }) })
  const started: AnyModule[] = []

  const stop = async () => {
    for (let module = started.pop(); module; module = started.pop()) {
      const context = contextOf(module)
      try {
        await module.stop?.(context)
      } catch (err) {
        context.log.error({ err }, 'a module did not stop as it should')
      }
    }
  }

  const start = async () => {
    for (const module of modules) {
      try {
        await module.start?.(contextOf(module))
      } catch (error) {
        await stop()
        const reason = error instanceof Error ? error.message : String(error)
        throw new ModuleError(`The module ${module.name} did not start: ${reason}`, { cause: error })
      }
      started.push(module)
    }
  }

  const ask = async (module: AnyModule): Promise<ModuleHealth> => {
    const { name, health } = module
    const detail = health && (await complaintOf(health(contextOf(module))))
    return detail === undefined ? { name, healthy: true } : { name, healthy: false, detail }
  }

  return { start, stop, health: () => Promise.all(modules.map(ask)) }
}

/** What a check finds wrong, or why it found nothing out. */
const complaintOf = async (answer: Promise<string | undefined>): Promise<string | undefined> => {
  try {
    const asked = await within(
      healthSeconds * 1000,
      answer.then((complaint) => ({ complaint })),
    )
    return asked ? asked.complaint : `did not answer within ${healthSeconds} seconds`
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}
