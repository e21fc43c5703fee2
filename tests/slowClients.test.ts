import { connect, type Socket } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { register } from './support/accounts.ts'
import { adapters, startApp, type TestApp } from './support/app.ts'
import { get, post } from './support/h1.ts'
import { RawHttp } from './support/rawHttp.ts'

const wanted = { idle: 1_000, trickling: 200 }
const ordinaryCalls = 2_000
const callsAtOnce = 6

/** Both ends of every connection are in this process. Where the system grants less, fewer clients are held. */
const held = () => {
  const report = process.report.getReport() as { userLimits?: { open_files?: { soft: number | 'unlimited' } } }
  const descriptors = report.userLimits?.open_files?.soft ?? 'unlimited'
  const share =
    descriptors === 'unlimited' ? 1 : Math.min(1, (descriptors - 500) / 2 / (wanted.idle + wanted.trickling))
  return { idle: Math.floor(wanted.idle * share), trickling: Math.floor(wanted.trickling * share) }
}

const halfHead = 'GET /livez HTTP/1.1\r\nHost: a\r\nX-One: '
const halfBody = post('Content-Length: 10000\r\n', '{"email":"')

describe.each(adapters)('slow clients on %s', (adapter) => {
  let app: TestApp
  let token: string
  const open = new Set<Socket>()
  let dripping: NodeJS.Timeout

  const hold = (first: string) =>
    new Promise<Socket>((resolve, reject) => {
      const socket = connect(Number(new URL(app.url).port), '127.0.0.1')
      socket.once('error', reject).once('close', () => open.delete(socket))
      socket.once('connect', () => {
        open.add(socket)
        socket.on('error', () => {})
        socket.write(first, () => resolve(socket))
      })
    })

  beforeAll(async () => {
    app = await startApp({ adapter })
    token = (await register(app)).accessToken
  })
  afterAll(async () => {
    clearInterval(dripping)
    for (const socket of open) socket.destroy()
    await app.close()
  })

  it('leave everybody else served', { timeout: 180_000 }, async () => {
    const measure = async () => {
      let next = 0
      const times: number[] = []
      const worker = async () => {
        const client = new RawHttp(Number(new URL(app.url).port))
        while (next < ordinaryCalls) {
          const startedAt = performance.now()
          client.send(next++ % 2 ? get('/livez') : get('/api/v1/auth/me', `Authorization: Bearer ${token}\r\n`))
          expect((await client.response())?.status).toBe(200)
          times.push(performance.now() - startedAt)
        }
        client.socket.destroy()
      }
      await Promise.all(Array.from({ length: callsAtOnce }, worker))
      expect(times).toHaveLength(ordinaryCalls)
      return times.sort((a, b) => a - b)[Math.floor(ordinaryCalls * 0.99)]?.toFixed(0)
    }

    const alone = await measure()
    const rssBefore = process.memoryUsage().rss
    const { idle, trickling } = held()
    await Promise.all(Array.from({ length: idle }, () => hold('')))
    const slow = await Promise.all(Array.from({ length: trickling }, (_, i) => hold(i % 2 ? halfHead : halfBody)))
    dripping = setInterval(() => {
      for (const socket of slow) socket.write('x')
    }, 300)
    const among = await measure()
    // All of them were there all the time: none had to go so that the others could be served.
    expect(open.size).toBe(idle + trickling)
    const grownKib = (process.memoryUsage().rss - rssBefore) / 1024
    console.log(
      `${adapter}: p99 ${alone} ms alone, ${among} ms among ${idle} idle and ${trickling} trickling clients; ` +
        `${(grownKib / (idle + trickling)).toFixed(1)} KiB a connection, both ends`,
    )
  })
})
