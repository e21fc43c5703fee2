import fc from 'fast-check'
import { pino } from 'pino'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { mutation, query } from '../contract/core.ts'
import type { Services } from '../server/context.ts'
import type { Answer, Exchange, HeaderMap } from '../server/http/exchange.ts'
import { openRequest } from '../server/http/requestHead.ts'
import type { Visit } from '../server/http/route.ts'
import { trpcRoutes } from '../server/http/trpc.ts'
import { resolveByTrpc } from '../server/http/trpcFetch.ts'
import { unlimited } from '../server/platform/budgets.ts'
import { refuse } from '../server/rpc/failure.ts'
import { checkKey } from '../server/rpc/idempotency.ts'
import { createProcedures } from '../server/rpc/modules.ts'
import { createTrpcRouter } from '../server/rpc/router.ts'

/**
 * Our own responder and tRPC's resolver answer the same procedures; whatever a client may send, both must give the same
 * status, headers and body.
 */
const toy = {
  echo: query({
    summary: 'Say it again.',
    http: ['GET', '/api/v1/echo'],
    access: 'public',
    rate: 'read',
    tenancy: 'none',
    input: z.object({ text: z.string().max(20), times: z.int().optional() }),
    output: z.object({ text: z.string() }),
  }),
  now: query({
    summary: 'No input.',
    http: ['GET', '/api/v1/now'],
    access: 'public',
    rate: 'read',
    tenancy: 'none',
    output: z.object({ at: z.string() }),
  }),
  closed: query({
    summary: 'For people.',
    http: ['GET', '/api/v1/closed'],
    access: 'session',
    rate: 'read',
    tenancy: 'none',
    output: z.object({ at: z.string() }),
  }),
  save: mutation({
    summary: 'Save.',
    http: ['POST', '/api/v1/save'],
    access: 'public',
    rate: 'write',
    tenancy: 'none',
    idempotency: 'key',
    input: z.object({ name: z.string() }),
    output: z.object({ name: z.string() }),
    errors: ['user.email_taken'],
  }),
  drop: mutation({
    summary: 'Nothing comes back.',
    http: ['POST', '/api/v1/drop'],
    access: 'public',
    rate: 'write',
    tenancy: 'none',
    idempotency: 'none',
    output: z.void(),
  }),
}

const handlers = {
  echo: async ({ input }: { input: { text: string; times?: number } }) => {
    if (input.text === 'boom') throw new Error('the secret of the inside')
    return { text: input.text.repeat(input.times ?? 1) }
  },
  now: async () => ({ at: 'now' }),
  closed: async () => ({ at: 'never' }),
  save: async ({ input }: { input: { name: string } }) => {
    if (input.name === 'taken') throw refuse('user.email_taken')
    if (input.name === 'busy') throw refuse('overloaded', { retryAfterSeconds: 3 })
    return { name: input.name }
  },
  drop: async () => undefined,
}

const log = pino({ level: 'silent' })
const procedures = createProcedures([{ name: 'toy', contract: toy, handlers }], {
  services: { database: {} } as unknown as Services,
  gates: [
    ({ access }) => {
      if (access !== 'public') throw refuse('auth.missing_token')
    },
    checkKey,
  ],
  transact: () => Promise.reject(new Error('no database here')),
  deadlines: { begin: () => ({ pause() {}, resume() {}, end() {} }), running: () => 0, close() {} },
  load: { hasRoom: () => true, noteRefused: () => {} },
})
const router = createTrpcRouter(procedures)
const [route] = trpcRoutes({ procedures, router, budgets: unlimited, serveStream: () => {} })

interface Sent {
  readonly method: string
  readonly path: string
  readonly query: string
  readonly headers: HeaderMap
  readonly body: string
}

const visit = ({ method, path, query: text, headers, body }: Sent): Visit => {
  const exchange = {
    method,
    path: `/trpc/${path}`,
    query: text,
    headers: { ...headers, 'x-request-id': 'fixed', ...(body === '' ? {} : { 'content-length': String(body.length) }) },
    peerAddress: '127.0.0.1',
    signal: new AbortController().signal,
    readBody: async () => Buffer.from(body),
  } as unknown as Exchange
  return { exchange, head: openRequest(exchange, '127.0.0.1', log), params: [path], replyHeaders: () => ({}) }
}

const comparable = (answer: Answer | null) => ({
  ...answer,
  headers: Object.fromEntries(Object.entries(answer?.headers ?? {}).sort()),
  body: typeof answer?.body === 'string' ? JSON.parse(answer.body) : null,
})

const names = fc.constantFrom(
  'toy.echo',
  'toy.now',
  'toy.closed',
  'toy.save',
  'toy.drop',
  'toy.nope',
  'nope',
  'toy%2Eecho',
  '',
  'constructor',
  '__proto__',
)
const path = fc.oneof(
  { weight: 6, arbitrary: fc.array(names, { minLength: 1, maxLength: 4 }).map((list) => list.join(',')) },
  { weight: 1, arbitrary: fc.constantFrom('toy.echo%2Ctoy.now', '%E0%A4%A', 'toy.echo,'.repeat(120)) },
)
const value = fc.oneof(
  fc.constantFrom<unknown>(
    { text: 'a' },
    { text: 'boom' },
    { text: 'b', times: 2, extra: true },
    { text: 7 },
    { name: 'x' },
  ),
  fc.constantFrom<unknown>({ name: 'taken' }, { name: 'busy' }, null, [], 'text', 7, {}),
)
const batchInput = fc.dictionary(fc.constantFrom('0', '1', '2', '3', 'x'), value)
const json = fc.oneof(
  { weight: 6, arbitrary: fc.oneof(value, batchInput).map((input) => JSON.stringify(input)) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      '',
      '{',
      'null',
      '{"text":"\\u0000"}',
      '{"text":"\\ud800"}',
      '{"0":{"text":"ok"},"0":{"text":"last"}}',
    ),
  },
)
const contentType = fc.oneof(
  { weight: 6, arbitrary: fc.constant<string | undefined>('application/json') },
  {
    weight: 2,
    arbitrary: fc.constantFrom(undefined, 'application/json; charset=utf-8', 'Application/JSON', 'text/plain', ''),
  },
)

/** Requests that fit together, so that handlers are reached and succeed or fail each in their own way. */
const likely: fc.Arbitrary<Sent> = fc
  .record({
    kind: fc.constantFrom('query', 'mutation'),
    picks: fc.array(fc.nat(2), { minLength: 1, maxLength: 4 }),
    inputs: fc.array(value, { minLength: 4, maxLength: 4 }),
    isBatch: fc.boolean(),
    asPost: fc.boolean(),
  })
  .map(({ kind, picks, inputs, isBatch, asPost }) => {
    const choices = kind === 'query' ? ['toy.echo', 'toy.now', 'toy.closed'] : ['toy.save', 'toy.save', 'toy.drop']
    const paths = (isBatch ? picks : picks.slice(0, 1)).map((pick) => choices[pick] ?? '')
    const input = JSON.stringify(isBatch ? { ...inputs } : inputs[0])
    const method = kind === 'mutation' || asPost ? 'POST' : 'GET'
    return {
      method,
      path: paths.join(','),
      query: [isBatch ? 'batch=1' : '', method === 'GET' ? `input=${encodeURIComponent(input)}` : '']
        .filter(Boolean)
        .join('&'),
      headers: { 'content-type': 'application/json' },
      body: method === 'POST' ? input : '',
    }
  })

const unlikely: fc.Arbitrary<Sent> = fc
  .record({
    method: fc.constantFrom('GET', 'GET', 'POST', 'POST', 'HEAD'),
    path,
    batch: fc.constantFrom('', 'batch=1', 'batch=1', 'batch=0'),
    input: json,
    contentType,
    key: fc.option(fc.constantFrom('k-1', '', 'x'.repeat(300)), { freq: 5 }),
  })
  .map(({ method, path: name, batch, input, contentType: type, key }) => ({
    method,
    path: name,
    query: [batch, method === 'POST' ? '' : `input=${encodeURIComponent(input)}`]
      .filter((part) => part !== '')
      .join('&'),
    headers: {
      ...(type === undefined ? {} : { 'content-type': type }),
      ...(key === null ? {} : { 'idempotency-key': key }),
    },
    body: method === 'POST' ? input : '',
  }))

describe('our tRPC responder and the resolver of tRPC', () => {
  it('answer 1,000 generated requests alike', async () => {
    const statuses = new Map<number, number>()
    await fc.assert(
      fc.asyncProperty(fc.oneof(likely, unlikely), async (sent) => {
        const ours = comparable((await route?.serve(visit(sent))) ?? null)
        expect(ours).toEqual(comparable(await resolveByTrpc(router, visit(sent))))
        statuses.set(ours.status ?? 0, (statuses.get(ours.status ?? 0) ?? 0) + 1)
      }),
      { numRuns: 1_000, seed: 7 },
    )
    console.log(`differential statuses: ${JSON.stringify(Object.fromEntries([...statuses].sort()))}`)
    expect([...statuses.keys()]).toEqual(
      expect.arrayContaining([200, 204, 207, 400, 401, 404, 405, 409, 415, 500, 503]),
    )
  })
})
