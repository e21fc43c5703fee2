import type { Database } from '../db/database.ts'
import type { Config } from './config.ts'
import type { Services } from './context.ts'
import type { Budgets } from './platform/budgets.ts'
import { createCursors } from './platform/cursors.ts'
import { createPasswordHasher } from './platform/hashing/index.ts'
import type { Metrics } from './platform/metrics/metrics.ts'
import { createSeal, type Seal } from './platform/seal.ts'
import { createAccessTokens } from './platform/tokens.ts'

interface Parts {
  readonly config: Config
  readonly database: Database
  readonly budgets: Budgets
  readonly metrics: Metrics
  readonly now: () => Date
}

/** Those that do nothing by themselves; the streams follow the database. */
export type StillServices = Omit<Services, 'streams' | 'permissionsNow' | 'replica' | 'flags'>

/** What every call can use, and the seal under which answers are kept for replay. */
export const createServices = async ({
  config,
  database,
  budgets,
  metrics,
  now,
}: Parts): Promise<{ services: StillServices; seal: Seal }> => {
  const { auth } = config
  const tokens = await createAccessTokens({
    secret: auth.jwtSecret,
    previousSecrets: auth.previousSecrets,
    keys: auth.jwtKeys ?? [],
    issuer: auth.issuer,
    audience: auth.audience,
    ttlSeconds: auth.accessTtlSeconds,
    now,
  })
  const secrets = signingSecrets(config)
  const services: StillServices = {
    database,
    passwords: await createPasswordHasher({
      ...config.hashing,
      onOverload: () => metrics.count('tsforge_requests_shed_total', { reason: 'hashing' }),
    }),
    tokens,
    cursors: createCursors(secrets),
    lifetimes: { refreshSeconds: auth.refreshTtlSeconds, sessionSeconds: auth.sessionMaxSeconds },
    guesses: budgets,
    keyEnvironment: config.environment === 'production' ? 'live' : 'test',
    now,
  }
  return { services, seal: createSeal(secrets, 'replay') }
}

/**
 * What other keys are derived from, in the order in which they would sign. Each private key counts for itself and not
 * the set as a whole, so that a set with one key more still opens what was sealed before.
 */
const signingSecrets = ({ auth }: Config): readonly [string, ...string[]] => {
  const privateParts = (auth.jwtKeys ?? []).flatMap(({ d }) => d ?? [])
  const [newest, ...older] = [privateParts, auth.jwtSecret ?? [], auth.previousSecrets].flat()
  if (newest === undefined) throw new Error('there is nothing to derive keys from')
  return [newest, ...older]
}
