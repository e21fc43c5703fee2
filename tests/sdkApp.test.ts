import { randomUUID } from 'node:crypto'
import { createTRPCClient, httpBatchLink, httpBatchStreamLink, httpLink, safe } from '@trpc/client'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { type ClientOptions, createClient, isFailure, memoryStore, type Router } from '../client-sdk/index.ts'
import { startApp } from './support/app.ts'

let app: Awaited<ReturnType<typeof startApp>>

beforeAll(async () => {
  app = await startApp()
})

afterAll(() => app?.close())

const newAccount = () => ({ email: `${randomUUID()}@example.org`, password: 'correct horse battery', name: 'Ada' })

const clientOf = (options: Partial<ClientOptions> = {}) => createClient({ url: app.url, ...options })

/** A client that is signed in to a new account, and what it keeps. */
const signedIn = async (options: Partial<ClientOptions> = {}) => {
  const session = memoryStore()
  const client = clientOf({ session, ...options })
  const account = newAccount()
  const { user } = await client.auth.register(account)
  return { client, session, account, user }
}

const bearer = async ({ session }: { session: ReturnType<typeof memoryStore> }) => ({
  authorization: `Bearer ${(await session.read())?.access_token}`,
})

describe('the client against the server', () => {
  it('registers, signs out and in again', async () => {
    const { client, session, account, user } = await signedIn()
    await expect(client.auth.me()).resolves.toEqual(user)
    await client.auth.logout()
    expect(await session.read()).toBeNull()
    await expect(client.auth.me()).rejects.toMatchObject({ code: 'auth.missing_token', status: 401 })
    await client.auth.login(account)
    await expect(client.auth.me()).resolves.toEqual(user)
  })

  it('lists and ends sessions', async () => {
    const { client, account } = await signedIn()
    const other = clientOf()
    await other.auth.login(account)
    const [all, one] = await Promise.all([client.sessions.list({ total: true }), client.sessions.list({ limit: 1 })])
    expect(all).toMatchObject({ total: 2, next_cursor: null })
    expect(one.items).toHaveLength(1)
    await expect(client.sessions.revokeOthers()).resolves.toEqual({ revoked: 1 })
    await expect(other.auth.me()).rejects.toMatchObject({ status: 401 })
    await expect(client.auth.me()).resolves.toMatchObject({ email: account.email })
  })

  it('names the failure', async () => {
    const { client, account } = await signedIn()
    const taken = await client.auth.register(account).catch((error: unknown) => error)
    expect(isFailure(taken, 'user.email_taken')).toBe(true)
    const invalid = await client.auth.register({ ...account, email: 'nobody' }).catch((error: unknown) => error)
    if (!isFailure(invalid, 'validation')) throw invalid
    expect(invalid).toMatchObject({ status: 400, fields: { email: 'must be a valid email' } })
    expect(invalid.requestId).toBeTruthy()
  })

  it('renews a session whose access token no longer passes, once for all calls', async () => {
    const { client, session, user } = await signedIn()
    const tokens = await session.read()
    if (!tokens) throw new Error('not signed in')
    await session.write({ ...tokens, access_token: 'worn-out' })
    const answers = await Promise.all([client.auth.me(), client.auth.me(), client.sessions.revokeOthers()])
    expect(answers).toEqual([user, user, { revoked: 0 }])
    expect(await session.read()).not.toMatchObject({ refresh_token: tokens.refresh_token })
  })

  it('renews a session whose access token has ended', async () => {
    const { client, session, user } = await signedIn()
    const tokens = await session.read()
    const later = new Date(Date.now() + 2 * 3_600_000)
    app.setTime(later)
    try {
      await expect(client.auth.me()).resolves.toEqual(user)
    } finally {
      app.setTime(null)
    }
    expect((await session.read())?.refresh_token).not.toBe(tokens?.refresh_token)
  })

  it('is signed out when its session was ended elsewhere', async () => {
    const onSignedOut = vi.fn()
    const { client, session, account } = await signedIn({ onSignedOut })
    const other = clientOf()
    await other.auth.login(account)
    await other.sessions.revokeOthers()
    await expect(client.auth.me()).rejects.toMatchObject({ status: 401 })
    expect(onSignedOut).toHaveBeenCalledOnce()
    expect(await session.read()).toBeNull()
  })

  it('gives a call with the same key the same answer', async () => {
    const account = newAccount()
    const idempotencyKey = randomUUID()
    const [first, again] = [clientOf(), clientOf()]
    const registered = await first.auth.register(account, { idempotencyKey })
    await expect(again.auth.register(account, { idempotencyKey })).resolves.toEqual(registered)
  })

  it('survives the loss of the answer to its refresh', async () => {
    let lost = 0
    const losing: typeof fetch = async (...request) => {
      const response = await fetch(...request)
      if (!String(request[0]).includes('auth.refresh') || lost > 0) return response
      lost += 1
      throw new TypeError('connection reset')
    }
    const { client, session, user } = await signedIn({ fetch: losing })
    const tokens = await session.read()
    if (!tokens) throw new Error('not signed in')
    await session.write({ ...tokens, access_token: 'worn-out' })
    await expect(client.auth.me()).resolves.toEqual(user)
    expect(lost).toBe(1)
  })

  it('sends a query that is too long for an address', async () => {
    const { client } = await signedIn()
    const call = client.sessions.list({ cursor: 'x'.repeat(9_000) })
    await expect(call).rejects.toMatchObject({ code: 'validation', fields: { cursor: 'must be at most 2048' } })
  })
})

describe('plain tRPC against the server', () => {
  const links = { httpLink, httpBatchLink, httpBatchStreamLink }

  it.each(Object.entries(links))('speaks through %s', async (_, link) => {
    const signed = await signedIn()
    const headers = await bearer(signed)
    const trpc = createTRPCClient<Router>({ links: [link({ url: `${app.url}/trpc`, headers })] })
    const [me, list] = await Promise.all([trpc.auth.me.query(), trpc.sessions.list.query({})])
    expect(me).toEqual(signed.user)
    expect(list.items).toMatchObject([{ current: true }])
    await expect(trpc.sessions.revokeOthers.mutate()).resolves.toEqual({ revoked: 0 })
    const [, error] = await safe(trpc.sessions.revoke.mutate({ id: randomUUID() }))
    expect(error?.data).toMatchObject({ httpStatus: 404, failure: { code: 'session.not_found' } })
    expect(error?.data?.request_id).toBeTruthy()
    await expect(trpc.auth.logout.mutate()).resolves.toBeUndefined()
  })
})
