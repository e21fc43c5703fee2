import { once } from 'node:events'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { chooseAdapter } from '../server/http/adapter.ts'
import { BodyError, type BodyWriter, type Exchange, type HttpServer } from '../server/http/exchange.ts'
import { RawHttp } from './support/rawHttp.ts'

const limits = { bodyLimitBytes: 64 * 1024, bodyIdleMs: 300 }
const bodyStatus = { too_large: 413, timeout: 408, aborted: 499, malformed: 400 }
const text = { 'content-type': 'text/plain' }

describe.each(['uws', 'node'] as const)('%s', (name) => {
  let server: HttpServer
  let port: number
  let served: string[] = []
  let outcomes: string[] = []
  let clients: RawHttp[] = []
  /** What the handler does for paths of one test. */
  let act: (exchange: Exchange) => unknown

  const echo = async (exchange: Exchange) => {
    const body = await exchange.readBody()
    const { method, path, query, headers, peerAddress } = exchange
    const seen = { method, path, query, headers, peerAddress, body: body.toString() }
    exchange.send({ status: 200, headers: { 'content-type': 'application/json' }, body: JSON.stringify(seen) })
  }

  const handle = (exchange: Exchange) => {
    served.push(`${exchange.method} ${exchange.path}`)
    exchange.onDone((outcome) => outcomes.push(outcome))
    if (exchange.defect) return exchange.send({ status: 400, headers: text, body: exchange.defect })
    const failed = (error: unknown) => {
      const status = error instanceof BodyError ? bodyStatus[error.reason] : 500
      exchange.send({ status, headers: text, body: String(error) })
    }
    try {
      Promise.resolve(act(exchange)).catch(failed)
    } catch (error) {
      failed(error)
    }
  }

  const start = async (exclusive = true) => {
    const { create } = await chooseAdapter(name)
    const started = create({ ...limits, handle })
    return { started, at: await started.listen({ host: '127.0.0.1', port: 0, exclusive }) }
  }

  const open = () => {
    const client = new RawHttp(port)
    clients.push(client)
    return client
  }

  /** One request on a connection of its own. */
  const ask = (request: string, options?: { toHead: boolean }) => {
    const client = open()
    client.send(request)
    return client.response(options)
  }

  const get = (path: string, extra = '') => `GET ${path} HTTP/1.1\r\nHost: a\r\n${extra}\r\n`
  const post = (path: string, extra: string, body = '') => `POST ${path} HTTP/1.1\r\nHost: a\r\n${extra}\r\n${body}`
  const sendOk = (exchange: Exchange) => exchange.send({ status: 200, headers: text, body: 'ok' })

  beforeAll(async () => {
    const { started, at } = await start()
    server = started
    port = at
  })
  beforeEach(() => {
    served = []
    outcomes = []
    act = echo
  })
  afterEach(async () => {
    for (const client of clients) client.socket.destroy()
    await Promise.all(clients.map((client) => client.closed))
    clients = []
  })
  afterAll(() => server.close())

  describe('requests and replies', () => {
    test('the head is handed over as it was sent', async () => {
      const reply = await ask(get('/a%2Fb/%C3%A9?x=%20&y', 'X-One: 1\r\nX-Two: a\r\nx-two: b\r\n'))
      expect(reply?.status).toBe(200)
      expect(reply?.headers).toMatchObject({ 'content-type': 'application/json', date: expect.any(String) })
      expect(reply?.headers).not.toHaveProperty('uwebsockets')
      expect(JSON.parse(reply?.body ?? '')).toEqual({
        method: 'GET',
        path: '/a%2Fb/%C3%A9',
        query: 'x=%20&y',
        headers: { host: 'a', 'x-one': '1', 'x-two': 'a, b' },
        peerAddress: '127.0.0.1',
        body: '',
      })
    })

    test('headers have no inherited members', async () => {
      act = ({ headers, send }) => {
        expect([headers.constructor, headers.toString, headers.__proto__]).toEqual([undefined, undefined, undefined])
        void send
      }
      act = (exchange) => {
        const { constructor: inherited, __proto__: proto } = exchange.headers
        exchange.send({ status: 200, headers: text, body: `${inherited} ${proto}` })
      }
      expect((await ask(get('/')))?.body).toBe('undefined undefined')
    })

    test('1,000 requests on one connection', async () => {
      const client = open()
      for (let index = 0; index < 1000; index++) {
        client.send(index % 2 ? get(`/${index}`) : post(`/${index}`, 'Content-Length: 5\r\n', 'hello'))
        const reply = await client.response()
        expect(JSON.parse(reply?.body ?? '')).toMatchObject({ path: `/${index}`, body: index % 2 ? '' : 'hello' })
      }
      expect(server.inFlight).toBe(0)
    })

    test('pipelined requests are answered in order, or the connection closes', async () => {
      act = (exchange) => exchange.send({ status: 200, headers: text, body: exchange.path })
      const client = open()
      client.send(get('/1') + get('/2') + get('/3'))
      for (const path of ['/1', '/2', '/3']) expect((await client.response())?.body).toBe(path)
      act = echo
      client.send(get('/4') + get('/5'))
      const answered = [await client.response(), await client.response()].map((reply) => reply && JSON.parse(reply.body).path)
      expect(name === 'uws' ? [null, null] : ['/4', '/5']).toEqual(answered)
    })

    test('a request in single bytes', async () => {
      const client = open()
      client.socket.setNoDelay(true)
      for (const byte of post('/slow', 'Content-Length: 5\r\n', 'hello')) {
        client.send(byte)
        await new Promise(setImmediate)
      }
      expect(JSON.parse((await client.response())?.body ?? '')).toMatchObject({ path: '/slow', body: 'hello' })
    })

    test.each(['sync', 'async'])('HEAD has the length and no body (%s)', async (when) => {
      act = async (exchange) => {
        if (when === 'async') await Promise.resolve()
        exchange.send({ status: 200, headers: text, body: 'hé' })
      }
      const client = open()
      client.send('HEAD / HTTP/1.1\r\nHost: a\r\n\r\n')
      expect(await client.response({ toHead: true })).toMatchObject({ status: 200, headers: { 'content-length': '3' } })
      client.send(get('/'))
      expect((await client.response())?.body).toBe('hé')
    })

    test.each([204, 304])('%d has no body, and the connection goes on', async (status) => {
      act = (exchange) => exchange.send({ status, headers: {}, body: null })
      const client = open()
      for (const method of ['GET', 'HEAD']) {
        client.send(`${method} / HTTP/1.1\r\nHost: a\r\n\r\n`)
        const reply = await client.response()
        expect(reply?.status).toBe(status)
        expect(reply?.headers).not.toHaveProperty('content-length')
      }
      expect(client.pending).toBe('')
    })

    test('no body where one could be has the length 0', async () => {
      act = (exchange) => exchange.send({ status: 200, headers: {}, body: null })
      expect(await ask(get('/'))).toMatchObject({ headers: { 'content-length': '0' }, body: '' })
    })

    test('large replies, text and bytes', async () => {
      const large = 'é'.repeat(1_000_000)
      act = async (exchange) => {
        await Promise.resolve()
        exchange.send({ status: 200, headers: text, body: exchange.path === '/text' ? large : Buffer.from(large) })
      }
      for (const path of ['/text', '/bytes']) expect((await ask(get(path)))?.body === large).toBe(true)
    })

    test('only the first reply counts', async () => {
      act = (exchange) => {
        sendOk(exchange)
        exchange.send({ status: 500, headers: text, body: 'late' })
        exchange.stream(500, text).end()
      }
      const client = open()
      client.send(get('/'))
      expect((await client.response())?.status).toBe(200)
      client.send(get('/'))
      expect((await client.response())?.status).toBe(200)
    })

    test('Connection: close is obeyed', async () => {
      const client = open()
      client.send(get('/', 'Connection: close\r\n'))
      expect((await client.response())?.status).toBe(200)
      await client.closed
    })

    test.each(['a\r\nX-Evil: 1', 'a\nb', 'a\0b', 'é'])('the reply header %j is refused before a byte is written', async (value) => {
      act = (exchange) => exchange.send({ status: 200, headers: { 'x-value': value }, body: 'ok' })
      const client = open()
      for (let count = 0; count < 2; count++) {
        client.send(get('/'))
        const reply = await client.response()
        expect(reply?.status).toBe(500)
        expect(reply?.headers).not.toHaveProperty('x-evil')
      }
    })

    test('a handler that throws is a 500 of the adapter', async () => {
      const { create } = await chooseAdapter(name)
      const careless = create({
        ...limits,
        handle: () => {
          throw new Error('secret')
        },
      })
      const client = new RawHttp(await careless.listen({ host: '127.0.0.1', port: 0, exclusive: true }))
      client.send(get('/'))
      expect(await client.response()).toMatchObject({ status: 500, body: 'Internal Server Error' })
      careless.close()
      await client.closed
    })
  })

  describe('bodies', () => {
    const chunked = 'Transfer-Encoding: chunked\r\n'

    test('a body of exactly the cap, read after a pause', async () => {
      act = async (exchange) => {
        await new Promise(setImmediate)
        await echo(exchange)
      }
      const body = 'x'.repeat(limits.bodyLimitBytes)
      const reply = await ask(post('/', `Content-Length: ${body.length}\r\n`, body))
      expect(JSON.parse(reply?.body ?? '').body === body).toBe(true)
    })

    test('a chunked body, in pieces', async () => {
      const client = open()
      for (const piece of [post('/', chunked), '5\r\nhe', 'llo\r\n', '6\r\n world\r\n0\r\n', '\r\n']) {
        client.send(piece)
        await new Promise(setImmediate)
      }
      expect(JSON.parse((await client.response())?.body ?? '').body).toBe('hello world')
    })

    test('Expect: 100-continue', async () => {
      const client = open()
      client.send(post('/', 'Expect: 100-continue\r\nContent-Length: 5\r\n'))
      expect((await client.response())?.status).toBe(100)
      client.send('hello')
      expect(JSON.parse((await client.response())?.body ?? '').body).toBe('hello')
    })

    test('a reply before the body has ended keeps the connection', async () => {
      act = async (exchange) => {
        await Promise.resolve()
        sendOk(exchange)
      }
      const client = open()
      client.send(post('/1', 'Content-Length: 20\r\n', 'GET /evil'))
      expect((await client.response())?.status).toBe(200)
      client.send(' HTTP/1.1\r\n')
      client.send(get('/2'))
      expect((await client.response())?.status).toBe(200)
      expect(served).toEqual(['POST /1', 'GET /2'])
    })

    test('an unread body is no request', async () => {
      act = sendOk
      const evil = get('/evil')
      const client = open()
      client.send(post('/1', `Content-Length: ${evil.length}\r\n`, evil) + get('/2'))
      expect([(await client.response())?.status, (await client.response())?.status]).toEqual([200, 200])
      expect(served).toEqual(['POST /1', 'GET /2'])
    })

    test('announced as too large', async () => {
      const client = open()
      client.send(post('/', `Content-Length: ${limits.bodyLimitBytes + 1}\r\n`))
      expect((await client.response())?.status).toBe(413)
      await client.closed
    })

    test('announced as too large and sent all the same: the reply arrives', async () => {
      const client = open()
      client.send(post('/', 'Content-Length: 3000000\r\n', 'x'.repeat(3_000_000)))
      expect((await client.response())?.status).toBe(413)
      await client.closed
    })

    test('too large in chunks', async () => {
      const client = open()
      client.send(post('/', chunked))
      for (let sent = 0; sent <= limits.bodyLimitBytes; sent += 4096) client.send(`1000\r\n${'x'.repeat(4096)}\r\n`)
      expect((await client.response())?.status).toBe(413)
      await client.closed
    })

    test.each([post('/', 'Content-Length: 10\r\n', 'hello'), post('/', chunked, '5\r\nhel')])('cut off: %j', async (request) => {
      const client = open()
      client.send(request)
      expect((await client.response())?.status).toBe(408)
      await client.closed
    })

    test('cut off by the client', async () => {
      let reason: unknown
      const gone = Promise.withResolvers === undefined ? undefined : undefined
      void gone
      const rejected = new Promise<void>((resolve) => {
        act = (exchange) =>
          exchange.readBody().catch((error: BodyError) => {
            reason = error.reason
            resolve()
          })
      })
      const client = open()
      client.send(post('/', 'Content-Length: 10\r\n', 'hello'))
      while (served.length === 0) await new Promise(setImmediate)
      client.socket.destroy()
      await rejected
      expect(reason).toBe('aborted')
      expect(outcomes).toEqual(['aborted'])
    })

    test('a trickle is served as long as it goes on', async () => {
      const client = open()
      client.send(post('/', 'Content-Length: 6\r\n'))
      for (let sent = 0; sent < 6; sent++) {
        await new Promise((resolve) => setTimeout(resolve, limits.bodyIdleMs / 3))
        client.send('x')
      }
      expect((await client.response())?.status).toBe(200)
    })
  })
})
void once
export type { BodyWriter }
