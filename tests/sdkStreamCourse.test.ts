import { describe, expect, it } from 'vitest'
import { systemClock } from '../client-sdk/clock.ts'
import {
  type ClientFailure,
  type ClientOptions,
  createClient,
  memoryStore,
  type StreamOptions,
} from '../client-sdk/index.ts'

/** How a connection goes: an answer at once, or a stream that the test writes. */
type Course = (connection: Connection) => Response | Promise<Response>

interface Connection {
  readonly url: URL
  readonly headers: Headers
  readonly signal: AbortSignal
  readonly number: number
}

const frames = (...events: readonly string[]) =>
  new TextEncoder().encode(events.map((event) => `${event}\n\n`).join(''))
const connected = (id: string) => `event: connected\ndata: {}\nid: ${id}`
const told = (id: string) => `data: {"id":"${id}","topic":"menu.deleted"}\nid: ${id}`
const ping = (id: string) => `event: ping\ndata: \nid: ${id}`

/** A stream that says this and ends; with `end`, what comes instead of the end. */
const streamOf = (
  events: readonly string[],
  end: (controller: ReadableStreamDefaultController) => unknown = (controller) => controller.close(),
) => {
  const chunks = [frames(...events)]
  const body = new ReadableStream(
    {
      async pull(controller) {
        const chunk = chunks.shift()
        if (!chunk) return void (await end(controller))
        controller.enqueue(chunk)
      },
    },
    { highWaterMark: 0 },
  )
  return new Response(body, { headers: { 'content-type': 'text/event-stream; charset=utf-8' } })
}
const lasting = (...events: readonly string[]) => streamOf(events, () => new Promise(() => {}))

const refusal = (code: string, httpStatus: number, headers = {}) => {
  const shape = { message: code, code: -32_000, data: { code: 'X', httpStatus, failure: { code }, request_id: 'r' } }
  const body = frames(`event: serialized-error\ndata: ${JSON.stringify(shape)}`)
  return new Response(body, { headers: { 'content-type': 'text/event-stream', ...headers } })
}
const envelope = (status: number, code: string, headers = {}) =>
  Response.json({ success: false, error: { code, message: code } }, { status, headers })

/** A client whose connections go as listed, and what became of them. Time passes at once. */
const scene = (courses: readonly Course[], options: Partial<ClientOptions> = {}) => {
  const connections: Connection[] = []
  const waits: number[] = []
  const lost: (string | undefined)[] = []
  const client = createClient({
    url: 'http://stream.test',
    clock: { ...systemClock, random: () => 1, sleep: async (ms) => void waits.push(ms) },
    async fetch(this: unknown, url, init) {
      if (this !== undefined) throw new Error('Illegal invocation, as browsers say')
      const number = connections.length
      const connection = {
        url: new URL(String(url)),
        headers: new Headers(init?.headers),
        signal: init?.signal as AbortSignal,
        number,
      }
      connections.push(connection)
      const course = courses[number]
      // A connection that was not expected ends the stream, rather than being tried again without end.
      return course ? course(connection) : envelope(404, 'route.not_found')
    },
    ...options,
  })
  const follow = (streamOptions: StreamOptions = {}) =>
    client.events
      .stream({}, { onLost: ({ code }: ClientFailure) => lost.push(code), ...streamOptions })
      [Symbol.asyncIterator]()
  const places = () => connections.map(({ url }) => JSON.parse(url.searchParams.get('input') ?? '').lastEventId)
  return { client, connections, waits, lost, follow, places }
}

/** The ids of so many events. */
const take = async (iterator: AsyncIterator<{ id: string }>, count: number) => {
  const ids: string[] = []
  while (ids.length < count) {
    const { value, done } = await iterator.next()
    if (done) break
    ids.push(value.id)
  }
  return ids
}

describe('the course of a stream', () => {
  it('goes on behind the last id after an end, a cut and a heartbeat', async () => {
    const { follow, places, lost, waits } = scene([
      () => streamOf([connected('a.0'), told('a.1'), told('a.2')]),
      () => streamOf([connected('a.2'), ping('a.7')], (controller) => controller.error(new TypeError('reset'))),
      () => lasting(connected('a.7'), told('a.8')),
    ])
    const iterator = follow()
    expect(await take(iterator, 3)).toEqual(['a.1', 'a.2', 'a.8'])
    expect(places()).toEqual([undefined, 'a.2', 'a.7'])
    expect(lost).toEqual(['client.unreachable'])
    expect(waits).toEqual([1_000, 1_000])
    await iterator.return?.()
  })

  it('begins behind the event its caller names', async () => {
    const { follow, places } = scene([() => lasting(connected('a.3'), told('a.4'))])
    const iterator = follow({ lastEventId: 'a.3' })
    expect(await take(iterator, 1)).toEqual(['a.4'])
    expect(places()).toEqual(['a.3'])
    await iterator.return?.()
  })

  it.each<[string, Course, string]>([
    ['no connection', () => Promise.reject(new TypeError('refused')), 'client.unreachable'],
    ['a proxy with 502', () => new Response('<html>', { status: 502 }), 'client.unreadable'],
    ['503 in the envelope', () => envelope(503, 'unavailable'), 'unavailable'],
    ['429 as an event', () => refusal('rate_limited', 429), 'rate_limited'],
  ])('waits twice as long each time on %s', async (_, course, code) => {
    const { follow, waits, lost } = scene([...Array(6).fill(course), () => lasting(connected('a.0'), told('a.1'))])
    const iterator = follow()
    expect(await take(iterator, 1)).toEqual(['a.1'])
    expect(waits).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 16_000])
    expect(new Set(lost)).toEqual(new Set([code]))
    await iterator.return?.()
  })

  it.each<[string, Course]>([
    ['in the envelope', () => envelope(503, 'overloaded', { 'retry-after': '120' })],
    ['beside an event', () => refusal('overloaded', 503, { 'retry-after': '120' })],
  ])('waits as long as Retry-After says %s', async (_, course) => {
    const { follow, waits } = scene([course, () => lasting(connected('a.0'), told('a.1'))])
    const iterator = follow()
    await take(iterator, 1)
    expect(waits).toEqual([121_000])
    await iterator.return?.()
  })

  it('gives a silent connection up, whether it was open or not', async () => {
    const { follow, connections, lost } = scene(
      [() => new Promise(() => {}), () => lasting(connected('a.0')), () => lasting(connected('a.0'), told('a.1'))],
      { timeoutMs: 1 },
    )
    const iterator = follow({ silenceMs: 1 })
    expect(await take(iterator, 1)).toEqual(['a.1'])
    expect(lost).toEqual(['client.timeout', 'client.timeout'])
    expect(connections.map(({ signal }) => signal.aborted)).toEqual([true, true, false])
    await iterator.return?.()
  })

  it.each<[string, Course, object]>([
    ['wrong input', () => refusal('validation', 400), { code: 'validation', status: 400, requestId: 'r' }],
    ['lost access', () => envelope(403, 'tenant.forbidden'), { code: 'tenant.forbidden', status: 403 }],
    ['a page of HTML', () => new Response('<html>'), { code: 'client.unreadable', status: 200 }],
    ['data that is no JSON', () => streamOf([connected('a.0'), 'data: x']), { code: 'client.unreadable' }],
    [
      'an event without end',
      () => new Response(`data: ${'x'.repeat(2 ** 20)}`, { headers: { 'content-type': 'text/event-stream' } }),
      { code: 'client.unreadable', cause: expect.any(RangeError) },
    ],
  ])('ends with a failure on %s', async (_, course, failure) => {
    const { follow, connections } = scene([course])
    const iterator = follow()
    await expect(iterator.next()).rejects.toMatchObject(failure)
    expect(connections[0]?.signal.aborted).toBe(true)
    expect(await iterator.next()).toEqual({ value: undefined, done: true })
  })

  it('fails after as many failures in a row as it is given', async () => {
    const cut: Course = () => Promise.reject(new TypeError('refused'))
    const { follow, connections } = scene([cut, () => streamOf([connected('a.0'), told('a.1')]), cut, cut, cut])
    const iterator = follow({ retries: 2 })
    expect(await take(iterator, 1)).toEqual(['a.1'])
    await expect(iterator.next()).rejects.toMatchObject({ code: 'client.unreachable' })
    expect(connections).toHaveLength(4)
  })

  it.each(['return', 'abort'] as const)(
    'ends by %s while it waits for an event, and lets go of the connection',
    async (way) => {
      const controller = new AbortController()
      const { follow, connections } = scene([() => lasting(connected('a.0'))])
      let iterator: ReturnType<typeof follow> | undefined
      const opened = new Promise<void>((resolve) => {
        iterator = follow({ signal: controller.signal, onOpen: resolve })
      })
      const waiting = iterator?.next()
      await opened
      if (way === 'abort') controller.abort()
      else await iterator?.return?.()
      expect(await waiting).toEqual({ value: undefined, done: true })
      expect(connections[0]?.signal.aborted).toBe(true)
    },
  )

  it('ends by break, and by an abort between two events', async () => {
    const { client, connections } = scene([
      () => lasting(connected('a.0'), told('a.1')),
      () => lasting(connected('a.0'), told('a.1'), told('a.2')),
    ])
    for await (const _ of client.events.stream()) break
    const controller = new AbortController()
    const seen: string[] = []
    for await (const { id } of client.events.stream({}, { signal: controller.signal })) {
      seen.push(id)
      controller.abort()
    }
    expect(seen).toEqual(['a.1'])
    expect(connections.map(({ signal }) => signal.aborted)).toEqual([true, true])
  })

  it('sends nothing when it was given up before', async () => {
    const { follow, connections } = scene([])
    expect(await follow({ signal: AbortSignal.abort() }).next()).toEqual({ value: undefined, done: true })
    expect(connections).toEqual([])
  })

  it('lets a callback that throws be heard', async () => {
    const { follow, connections } = scene([() => lasting(connected('a.0'))])
    const onOpen = () => {
      throw new Error('mine')
    }
    await expect(follow({ onOpen }).next()).rejects.toThrow('mine')
    expect(connections[0]?.signal.aborted).toBe(true)
  })

  it('reads nothing ahead while its caller is busy', async () => {
    let pulls = 0
    const body = new ReadableStream(
      {
        pull(controller) {
          controller.enqueue(frames(pulls === 0 ? connected('a.0') : told(`a.${pulls}`)))
          pulls += 1
        },
      },
      { highWaterMark: 0 },
    )
    const { follow } = scene([() => new Response(body, { headers: { 'content-type': 'text/event-stream' } })])
    const iterator = follow()
    await take(iterator, 1)
    expect(pulls).toBe(2)
    await new Promise((resolve) => setImmediate(resolve))
    expect(pulls).toBe(2)
    await take(iterator, 3)
    expect(pulls).toBe(5)
    await iterator.return?.()
  })

  it('sends the key, the tenant and further headers with each connection', async () => {
    let tenant = 'one'
    const { follow, connections } = scene(
      [() => streamOf([connected('a.0')]), () => lasting(connected('a.0'), told('a.1'))],
      { apiKey: 'tf_key', tenantId: () => tenant, headers: { 'x-more': 'yes' } },
    )
    const iterator = follow({
      onOpen: () => {
        tenant = 'two'
      },
    })
    await take(iterator, 1)
    const sent = connections.map(({ headers }) =>
      ['authorization', 'x-tenant-id', 'x-more'].map((name) => headers.get(name)),
    )
    expect(sent).toEqual([
      ['Bearer tf_key', 'one', 'yes'],
      ['Bearer tf_key', 'two', 'yes'],
    ])
    await iterator.return?.()
  })

  it('never goes on in the name of another person', async () => {
    const tokensOf = (person: string) => ({
      user_id: person,
      access_token: person,
      refresh_token: person,
      token_type: 'Bearer' as const,
      expires_at: '2999-01-01T00:00:00Z',
    })
    for (const next of [tokensOf('eve'), null]) {
      const session = memoryStore(tokensOf('ada'))
      const { follow, connections } = scene([() => streamOf([connected('a.0'), told('a.1')])], { session })
      const iterator = follow()
      await take(iterator, 1)
      await session.write(next)
      await expect(iterator.next()).rejects.toMatchObject({ code: 'auth.invalid', status: 401 })
      expect(connections).toHaveLength(1)
    }
  })
})
