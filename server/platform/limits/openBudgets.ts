import type { Logger } from 'pino'
import type { Database, DatabaseOptions } from '../../../db/database.ts'
import type { Config } from '../../config.ts'
import { type Budgets, createBudgets, type OnRefused, unlimited } from '../budgets.ts'
import { createMemoryStore } from './memoryStore.ts'
import { openPostgresStore, storeConnections } from './postgresStore.ts'
import { openRedisStore } from './redisStore.ts'
import type { LimitStore } from './store.ts'

export interface BudgetParts {
  readonly config: Pick<Config, 'limits' | 'serviceName'>
  /** Opens a pool of the role `app` with these settings. Called only when the budgets are to be kept there. */
  readonly openDatabase: (settings: Partial<DatabaseOptions>) => Database
  readonly log: Logger
  readonly onRefused: OnRefused
}

/** The budgets in the store that the configuration names. */
export const openBudgets = async (parts: BudgetParts): Promise<{ budgets: Budgets; close: LimitStore['close'] }> => {
  const { ratePerMinute } = parts.config.limits
  if (ratePerMinute === 0) return { budgets: unlimited, close: async () => {} }
  const store = await openStore(parts)
  return {
    budgets: createBudgets({ addressPerMinute: ratePerMinute, store, onRefused: parts.onRefused }),
    close: store.close,
  }
}

const openStore = async ({ config, openDatabase, log }: BudgetParts): Promise<LimitStore> => {
  const { serviceName, limits } = config
  switch (limits.store.kind) {
    case 'memory':
      return createMemoryStore()
    case 'postgres': {
      const applicationName = `${serviceName} limits`
      return openPostgresStore(openDatabase({ ...storeConnections, applicationName }), log)
    }
    case 'redis':
      return openRedisStore({ url: limits.store.url, serviceName, log })
  }
}
