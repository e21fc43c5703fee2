import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { adapters, startApp, type TestApp } from './support/app.ts'
import { get, hostileRequests, post, smuggled, untilClosed } from './support/h1.ts'

/** The parsers' own timers take 12 to 15 seconds, so this file runs for TEST_FULL=1 only. All of it at once. */
const closesWithinMs = 15_500
const aSecond = 1_000

interface Patience {
  readonly name: string
  readonly first: string
  /** Sent every second from then on. */
  readonly drip?: string
  readonly statuses: readonly number[]
}

const patience = (adapter: 'uws' | 'node'): readonly Patience[] => {
  const waiting = hostileRequests.filter(({ addon }) => adapter === 'uws' && addon === 'waits')
  const own = adapter === 'uws' ? [] : [408]
  return [
    ...waiting.map(({ name, bytes }) => ({ name, first: bytes + smuggled, statuses: [] })),
    { name: 'a silent connection', first: '', statuses: own },
    { name: 'an idle one after a request', first: get('/livez'), statuses: [200] },
    { name: 'half a head', first: 'GET /livez HTTP/1.1\r\nHost: a\r\n', statuses: own },
    { name: 'a head at a byte a second', first: 'GET /livez HTTP/1.1\r\nX-One: ', drip: 'x', statuses: own },
    { name: 'a body at a byte a second', first: post('Content-Length: 400\r\n'), drip: ' ', statuses: [400] },
    { name: 'chunks of a byte', first: post('Transfer-Encoding: chunked\r\n'), drip: '1\r\n \r\n', statuses: [400] },
  ]
}

describe.runIf(process.env.TEST_FULL === '1').each(adapters)('patience on %s', (adapter) => {
  let app: TestApp
  beforeAll(async () => {
    app = await startApp({ adapter })
  })
  afterAll(() => app.close())

  it.concurrent.each(patience(adapter))('$name', async ({ first, drip, statuses }) => {
    const port = Number(new URL(app.url).port)
    const closing = await untilClosed(port, first, closesWithinMs, drip && { bytes: drip, everyMs: aSecond })
    expect(closing.statuses).toEqual(statuses)
    expect(app.logged.some((line) => line.includes('"request_id":"smuggled"'))).toBe(false)
  })
})
