import { createTRPCClient, httpLink, safe } from '@trpc/client'
import type { inferRouterInputs, inferRouterOutputs } from '@trpc/server'
import { describe, expectTypeOf, it } from 'vitest'
import { type Client, type ClientFailure, createClient, isFailure, type Router } from '../client-sdk/index.ts'

const url = 'http://127.0.0.1:9'
const client: Client = createClient({ url })
const trpc = createTRPCClient<Router>({ links: [httpLink({ url: `${url}/trpc` })] })

// Held by the compiler; nothing here sends a request.
describe('types of the client', () => {
  it('follow the contract', () => {
    expectTypeOf(client.auth.me).returns.resolves.toHaveProperty('role').toEqualTypeOf<'user' | 'admin'>()
    expectTypeOf(client.auth.me).returns.resolves.toHaveProperty('created_at').toEqualTypeOf<string>()
    expectTypeOf(client.auth.logout).returns.resolves.toBeVoid()
    expectTypeOf(client.sessions.revokeOthers).returns.resolves.toEqualTypeOf<{ revoked: number }>()
    expectTypeOf(client.sessions.list).parameter(0).toExtend<{ limit?: number | undefined } | undefined>()
    expectTypeOf<[]>().toExtend<Parameters<Client['sessions']['list']>>()
  })

  it('refuse what the contract refuses', () => {
    expectTypeOf<[]>().not.toExtend<Parameters<Client['auth']['login']>>()
    expectTypeOf<[{ email: string }]>().not.toExtend<Parameters<Client['auth']['login']>>()
    expectTypeOf<[{ limit: string }]>().not.toExtend<Parameters<Client['sessions']['list']>>()
    expectTypeOf<[{ limit: number }]>().not.toExtend<Parameters<Client['auth']['me']>>()
    expectTypeOf<Client>().not.toHaveProperty('nothing')
    expectTypeOf<Client['auth']>().not.toHaveProperty('nothing')
    // @ts-expect-error a code that is not in the contract
    isFailure(undefined, 'user.nothing')
  })

  it('narrow a failure to its code', () => {
    const error: unknown = undefined
    if (isFailure(error, 'user.email_taken')) expectTypeOf(error.code).toEqualTypeOf<'user.email_taken'>()
    if (isFailure(error)) expectTypeOf(error).toEqualTypeOf<ClientFailure>()
  })

  it('give each topic of a stream its payload', () => {
    const read = async () => {
      for await (const event of client.events.stream({ topics: ['menu.created'] }, { lastEventId: 'a.1' })) {
        if (event.topic === 'gap') expectTypeOf(event).toHaveProperty('to').toEqualTypeOf<string>()
        if (event.topic !== 'menu.created') continue
        expectTypeOf(event.payload).toEqualTypeOf<{ code: string; label: string }>()
        expectTypeOf(event.tenant_id).toEqualTypeOf<string | null>()
        // @ts-expect-error a field of another topic
        event.payload.slug
      }
    }
    expectTypeOf(read).returns.resolves.toBeVoid()
    expectTypeOf<[]>().toExtend<Parameters<Client['events']['stream']>>()
    // @ts-expect-error a topic that does not exist
    client.events.stream({ topics: ['menu.nothing'] })
    // @ts-expect-error a stream is no promise
    client.events.stream().then
    expectTypeOf<Parameters<Client['events']['stream']>[1]>().not.toExtend<{ idempotencyKey?: string } | undefined>()
  })

  it('serve plain tRPC', () => {
    expectTypeOf(trpc.auth.login.mutate).parameter(0).toEqualTypeOf<{ email: string; password: string }>()
    expectTypeOf(trpc.auth.me.query).parameter(0).toBeVoid()
    expectTypeOf(trpc.auth.logout.mutate).returns.resolves.toBeUndefined()
    expectTypeOf<Awaited<ReturnType<typeof trpc.auth.me.query>>>().toEqualTypeOf<
      inferRouterOutputs<Router>['auth']['me']
    >()
    expectTypeOf<inferRouterInputs<Router>['sessions']['revoke']>().toEqualTypeOf<{ id: string }>()
    // @ts-expect-error a query has no mutate
    trpc.auth.me.mutate
  })

  it('give tRPC errors their failure', () => {
    const read = async () => {
      const [, error] = await safe(trpc.auth.me.query())
      if (error?.data) expectTypeOf(error.data.request_id).toEqualTypeOf<string>()
      // @ts-expect-error a code that is not in the contract
      return error?.data?.failure.code === 'user.nothing'
    }
    expectTypeOf(read).returns.resolves.toBeBoolean()
  })
})
