import { uuidv7 } from 'uuidv7'
import type { Database } from '../../db/database.ts'
import { createApp } from '../app.ts'
import type { Config } from '../config.ts'
import { findUserByEmail } from '../features/auth/queries.ts'
import { hashRefreshToken, newRefreshToken } from '../features/auth/refreshToken.ts'
import { endSession, insertSession } from '../features/sessions/queries.ts'
import { createLog } from '../log.ts'
import { modules } from '../modules.ts'
import { createAccessTokens } from '../platform/tokens.ts'
import { version } from '../version.ts'
import { withServerDatabase } from './commandDatabase.ts'
import { ForgeError } from './forgeError.ts'
import type { Terminal } from './terminal.ts'

export interface Caller {
  /** The e-mail of the person who calls; without one the call is anonymous. */
  readonly as?: string
  /** The id of the tenant to work in. */
  readonly tenant?: string
}

/** Calls an entry by its key, past no rule: gates, input, handler and output are those of every call. Throws CallError. */
export type CallEntry = (key: string, input?: unknown, caller?: Caller) => Promise<unknown>

export interface LiveApp {
  /** As the role app. */
  readonly database: Database
  readonly call: CallEntry
}

/** An entry refused a call. */
export class CallError extends ForgeError {
  override readonly name = 'CallError'
  readonly code: string
  readonly meta: unknown

  constructor(key: string, code: string, meta: unknown) {
    super(`${key} was refused: ${code}${meta === undefined ? '' : ` ${JSON.stringify(meta)}`}`)
    this.code = code
    this.meta = meta
  }
}

/**
 * Runs `work` beside the whole app, which listens on a free port of this machine, and neither counts budgets nor does
 * scheduled work. Sessions that calls were made in end with it.
 */
export const withLiveApp = (
  config: Config,
  terminal: Terminal,
  work: (live: LiveApp) => Promise<void>,
): Promise<void> =>
  withServerDatabase(config, terminal, async (database, addresses) => {
    const quiet = quietly(config)
    const log = await createLog(quiet, { write: (line) => terminal.complain(line) })
    const app = await createApp({ config: quiet, addresses, log, version })
    const people = await openPeople(quiet, database)
    try {
      const url = `http://127.0.0.1:${await app.listen()}`
      await work({ database, call: createCall(url, people.tokenOf) })
    } finally {
      await people.close()
      await app.close(closeMs)
    }
  })

const closeMs = 1_000

const quietly = (config: Config): Config => ({
  ...config,
  logLevel: 'error',
  runsDuties: false,
  runsConsumers: false,
  http: { ...config.http, host: '127.0.0.1', port: 0, adapter: 'node', workers: 1 },
  limits: { ...config.limits, ratePerMinute: 0 },
})

const createCall =
  (url: string, tokenOf: (email: string) => Promise<string>): CallEntry =>
  async (key, input, { as, tenant } = {}) => {
    const rules = modules.find(({ name }) => key.startsWith(`${name}.`))?.contract[key.slice(key.indexOf('.') + 1)]
    if (!rules) throw new ForgeError(`There is no entry ${key}: forge routes lists them.`)
    if (rules.kind === 'subscription') throw new ForgeError(`${key} is a stream, which a call cannot read.`)
    const body = input === undefined ? undefined : JSON.stringify(input)
    const isQuery = rules.kind === 'query'
    const query = isQuery && body !== undefined ? `?input=${encodeURIComponent(body)}` : ''
    const reply = await fetch(`${url}/trpc/${key}${query}`, {
      method: isQuery ? 'GET' : 'POST',
      headers: {
        'user-agent': 'forge',
        'content-type': 'application/json',
        ...(as === undefined ? {} : { authorization: `Bearer ${await tokenOf(as)}` }),
        ...(tenant === undefined ? {} : { 'x-tenant-id': tenant }),
      },
      ...(isQuery || body === undefined ? {} : { body }),
    })
    const { result, error } = (await reply.json()) as TrpcReply
    if (error) throw new CallError(key, error.data?.failure?.code ?? error.message, error.data?.failure?.meta)
    return result?.data
  }

interface TrpcReply {
  readonly result?: { readonly data?: unknown }
  readonly error?: { readonly message: string; readonly data?: { readonly failure?: { code: string; meta?: unknown } } }
}

/** Signs people in without their passwords: whoever runs forge holds the signing secret. */
const openPeople = async ({ auth }: Config, { db, readAs }: Database) => {
  const sessions = new Map<string, Promise<{ userId: string; id: string; token: string }>>()
  const tokens = await createAccessTokens({
    ...auth,
    secret: auth.jwtSecret,
    keys: auth.jwtKeys ?? [],
    ttlSeconds: auth.accessTtlSeconds,
    now: () => new Date(),
  })
  const signIn = async (email: string) => {
    const [user] = await readAs({ tenant: 'global' }, (reader) => findUserByEmail(reader, { email }))
    if (!user) throw new ForgeError(`There is no account ${email}.`)
    const session = {
      id: uuidv7(),
      userId: user.id,
      userAgent: 'forge',
      ip: '127.0.0.1',
      passwordHash: user.password_hash,
      tokenHash: hashRefreshToken(newRefreshToken().token),
      ttlSeconds: auth.refreshTtlSeconds,
    }
    const [begun] = await insertSession(db, session)
    if (!begun) throw new ForgeError(`The account ${email} is disabled.`)
    const { token } = await tokens.issue({ userId: user.id, sessionId: session.id })
    return { userId: user.id, id: session.id, token }
  }
  return {
    async tokenOf(email: string) {
      if (!sessions.has(email)) sessions.set(email, signIn(email))
      const session = sessions.get(email)
      session?.catch(() => sessions.delete(email))
      return (await session)?.token ?? ''
    },
    async close() {
      for (const session of await Promise.allSettled(sessions.values())) {
        if (session.status === 'fulfilled') await endSession(db, { id: session.value.id, userId: session.value.userId })
      }
    },
  }
}
