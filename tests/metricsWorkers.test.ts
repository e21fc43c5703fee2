import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { freePort } from '../db/embedded/freePort.ts'
import { createGathering } from '../server/platform/metrics/gathering.ts'
import { createMetrics, type Metrics } from '../server/platform/metrics/metrics.ts'
import { createRequestCounter } from '../server/platform/metrics/requests.ts'
import { adapters } from './support/app.ts'
import { createDatabase, type TestDatabase } from './support/database.ts'
import { type Program, startProgram } from './support/program.ts'
import { readScrape, requests, type Scrape, total } from './support/scrape.ts'

/** On a connection of its own, which any of the workers may take. */
const get = (url: string) => fetch(url, { headers: { connection: 'close' } })

describe.each(adapters)('a scrape of two workers on %s', (adapter) => {
  let database: TestDatabase
  let program: Program
  beforeAll(async () => {
    database = await createDatabase()
  })
  afterEach(async () => {
    program.kill('SIGKILL')
    await program.ended
  })
  afterAll(() => database.drop())

  it('speaks for both, whichever is asked, and forgets nothing of one that dies', async () => {
    program = startProgram({
      environment: {
        NODE_ENV: 'test',
        HTTP_ADAPTER: adapter,
        JWT_SECRET: 'a signing secret for tests of 32 bytes or more',
        DATABASE_URL: database.appUrl,
        DATABASE_GATE_URL: database.gateUrl,
        DATABASE_MIGRATE_URL: database.ownerUrl,
        CLUSTER_WORKERS: '2',
        PORT: String(await freePort()),
      },
    })
    const url = await program.ready
    const scrape = async () => {
      const reply = await get(`${url}/admin/metrics`)
      expect(reply.status).toBe(200)
      return readScrape(await reply.text())
    }
    const counted = (from: Scrape) => requests(from, 'GET', '/livez', 200)
    await Promise.all(Array.from({ length: 40 }, () => get(`${url}/livez`)))
    for (let scrapes = 0; scrapes < 10; scrapes += 1) {
      const one = await scrape()
      expect([counted(one), total(one, 'tsforge_processes'), total(one, 'tsforge_build_info')]).toEqual([40, 2, 1])
    }

    process.kill(program.children()[0] as number, 'SIGKILL')
    await program.says(/a worker died and is replaced/)
    const after = await scrape()
    expect(counted(after)).toBe(40)
    let both = after
    while (total(both, 'tsforge_processes') < 2) both = await scrape()
    expect(counted(both)).toBe(40)
    // Three programs start, each compiled anew.
  }, 90_000)
})

describe('gathering', () => {
  const countReplays = (metrics: Metrics, times: number) => {
    for (let call = 0; call < times; call += 1) metrics.count('tsforge_idempotent_replays_total')
  }
  const peer = (id: number, metrics: Metrics) => ({ id, ask: metrics.snapshot })
  const silent = (id: number) => ({ id, ask: () => new Promise<undefined>(() => {}) })
  const replays = async (text: Promise<string>) => total(readScrape(await text), 'tsforge_idempotent_replays_total')

  it('keeps the totals of a worker that is late, once, but not what it held', async () => {
    const { gather } = createGathering({ waitMs: 50 })
    const [one, two] = [createMetrics(), createMetrics()]
    countReplays(one, 3)
    countReplays(two, 4)
    two.watch('tsforge_hashing_running', () => 5)
    expect(await replays(gather(() => [peer(1, one), peer(2, two)]))).toBe(7)
    const late = gather(() => [peer(1, one), silent(2)])
    expect(await replays(late)).toBe(7)
    expect(total(readScrape(await late), 'tsforge_hashing_running')).toBe(0)
    countReplays(two, 1)
    expect(await replays(gather(() => [peer(1, one), peer(2, two)]))).toBe(8)
  })

  it('counts a worker once that answers and is gone before a slower one has answered', async () => {
    const { gather, forget } = createGathering({ waitMs: 10_000 })
    const [one, two] = [createMetrics(), createMetrics()]
    countReplays(one, 3)
    countReplays(two, 4)
    const goes = async () => {
      // By then the other answer is there.
      await new Promise(setImmediate)
      forget(1)
      return two.snapshot()
    }
    expect(await replays(gather(() => [peer(1, one), { id: 2, ask: goes }]))).toBe(7)
    expect(await replays(gather(() => [peer(2, two)]))).toBe(7)
  })

  it('takes the largest lag of a consumer, and adds up what its workers counted', async () => {
    const { gather } = createGathering({ waitMs: 1_000 })
    const consumer = 'some.consumer'
    const peers = [30, 5, 0].map((lag, id) => {
      const worker = createMetrics()
      worker.watch('tsforge_consumer_lag_seconds', () => lag, { consumer })
      worker.watch('tsforge_feed_lag_seconds', () => lag / 10)
      worker.count('tsforge_consumer_tries_total', { consumer, outcome: 'handled' })
      worker.count('tsforge_dead_letters_total', { consumer })
      return peer(id, worker)
    })
    const scrape = readScrape(await gather(() => peers))
    expect(scrape.get(`tsforge_consumer_lag_seconds{consumer="${consumer}"}`)).toBe(30)
    expect(scrape.get('tsforge_feed_lag_seconds')).toBe(3)
    expect(scrape.get(`tsforge_consumer_tries_total{consumer="${consumer}",outcome="handled"}`)).toBe(3)
    expect(scrape.get(`tsforge_dead_letters_total{consumer="${consumer}"}`)).toBe(3)
  })

  it('adds up those that are gone, however many', async () => {
    const { gather, forget } = createGathering({ waitMs: 1_000 })
    for (let id = 1; id <= 5; id += 1) {
      const worker = createMetrics()
      countReplays(worker, id)
      await gather(() => [peer(id, worker)])
      forget(id)
    }
    const text = gather(() => [peer(6, createMetrics())])
    expect(await replays(text)).toBe(15)
    expect(total(readScrape(await text), 'http_server_request_duration_seconds_count')).toBe(0)
  })

  it('lets one answer serve all who ask at the same time', async () => {
    const { gather } = createGathering({ waitMs: 1_000 })
    let asked = 0
    const ask = () => {
      asked += 1
      return createMetrics().snapshot()
    }
    const peers = () => [{ id: 1, ask }]
    await Promise.all([gather(peers), gather(peers), gather(peers)])
    expect(asked).toBe(1)
  })
})

/** Figures to look at: what they should be depends on the machine. */
describe('what a scrape of 200 routes with three statuses each costs', () => {
  const busy = () => {
    const metrics = createMetrics()
    const countRequest = createRequestCounter(metrics)
    for (let route = 0; route < 200; route += 1)
      for (const status of [200, 401, 503]) countRequest('GET', `/api/v1/things/${route}/{id}`, status, 12.5)
    return metrics
  }
  /** CPU, the middle of many. */
  const millisecondsOf = async (work: () => Promise<unknown>) => {
    const taken: number[] = []
    for (let round = 0; round < 31; round += 1) {
      const start = process.cpuUsage()
      await work()
      const { user, system } = process.cpuUsage(start)
      taken.push((user + system) / 1000)
    }
    return taken.toSorted((a, b) => a - b)[15] ?? 0
  }
  const print = (what: string, ms: number) => console.info(`${what}: ${ms.toFixed(1)} ms of CPU`)

  it('is printed', async () => {
    const metrics = busy()
    const snapshot = JSON.stringify(await metrics.snapshot())
    print('one process', await millisecondsOf(metrics.text))
    print('a worker tells its own', await millisecondsOf(async () => JSON.stringify(await metrics.snapshot())))
    const { gather } = createGathering({ waitMs: 1_000 })
    const peers = [1, 2].map((id) => ({ id, ask: async () => JSON.parse(snapshot) }))
    print('the supervisor adds up two', await millisecondsOf(() => gather(() => peers)))
    expect(requests(readScrape(await gather(() => peers)), 'GET', '/api/v1/things/7/{id}', 503)).toBe(2)
    console.info(`${snapshot.length} bytes from each worker`)
  })
})
