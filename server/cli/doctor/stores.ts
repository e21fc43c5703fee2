import type { Config } from '../../config.ts'
import { createLog } from '../../log.ts'
import { openRedisStore } from '../../platform/limits/redisStore.ts'
import { attempt } from './attempt.ts'
import { type Finding, failed, ok } from './finding.ts'

/** The Redis of the budgets, where there is one. */
export const checkRedis = async (config: Config): Promise<Finding[]> => {
  const { store } = config.limits
  return store.kind === 'redis' ? [await attempt('redis', () => reach(config, store.url), 'REDIS_URL')] : []
}

/** The store itself goes on without its Redis, and says so in the log alone. */
const reach = async (config: Config, url: string): Promise<Finding> => {
  const lines: string[] = []
  const log = await createLog({ ...config, logLevel: 'warn' }, { write: (line) => void lines.push(line) })
  const opened = await openRedisStore({ url, serviceName: config.serviceName, log })
  await opened.close()
  if (lines.length === 0) return ok('redis', new URL(url).host)
  const { err } = JSON.parse(lines[0] ?? '{}') as { err?: { message?: string } }
  return failed(
    'redis',
    `${new URL(url).host} does not answer: ${err?.message ?? 'no reason'}`,
    'start it, or correct REDIS_URL; until then each process counts for itself',
  )
}
