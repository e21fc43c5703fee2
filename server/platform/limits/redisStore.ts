import type { Redis } from 'ioredis'
import type { Logger } from 'pino'
import { RateLimiterRedis } from 'rate-limiter-flexible'
import { inMemory } from './memoryStore.ts'
import { type Outage, watchOutage } from './outage.ts'
import type { LimitStore } from './store.ts'

/** A call waits no longer than this for a budget to be counted. */
const answerMs = 2_000
const connectMs = 2_000
const reconnectMs = 1_000

export interface RedisStoreOptions {
  readonly url: string
  /** Stands before every key, where a Redis serves others too. */
  readonly serviceName: string
  readonly log: Logger
}

/**
 * Counts in a Redis, shared by every process that has the same `serviceName` there. Resolves after the first attempt to
 * connect, whatever comes of it: a Redis that is away does not keep the server from starting.
 */
export const openRedisStore = async ({ url, serviceName, log }: RedisStoreOptions): Promise<LimitStore> => {
  const outage = watchOutage('redis', log)
  const redis = await openClient(url, outage)
  return {
    limiter: (limit) =>
      new RateLimiterRedis({
        storeClient: clientOf(redis, outage),
        keyPrefix: `${serviceName}:limit:${limit.name}`,
        points: limit.points,
        duration: limit.seconds,
        // A key that is used up is answered from memory, so that a flood does not reach Redis.
        ...(limit.givesBack ? {} : { inMemoryBlockOnConsumed: limit.points }),
        insuranceLimiter: inMemory(limit),
      }),
    async close() {
      redis.disconnect()
    },
  }
}

const openClient = async (url: string, outage: Outage): Promise<Redis> => {
  // Loaded only here: it is an optional dependency.
  const { Redis } = await import('ioredis')
  const redis = new Redis(url, {
    lazyConnect: true,
    connectTimeout: connectMs,
    commandTimeout: answerMs,
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    retryStrategy: () => reconnectMs,
  })
  redis.on('error', outage.note)
  await redis.connect().catch(outage.note)
  return redis
}

/** What the limiter uses of a client: a script, defined by its name and called by it. */
interface Scripted {
  rlflxIncr(arguments_: readonly string[]): Promise<unknown>
}

const clientOf = (redis: Redis, outage: Outage) => ({
  defineCommand: redis.defineCommand.bind(redis),
  rlflxIncr: (arguments_: readonly string[]) =>
    outage.through(() => (redis as unknown as Scripted).rlflxIncr(arguments_)),
})
