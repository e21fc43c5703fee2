import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createServer, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { barChart } from '../server/cli/bench/barChart.ts'
import { lineCharts } from '../server/cli/bench/lineChart.ts'
import type { Report } from '../server/cli/bench/report.ts'
import { runForge } from '../server/cli/forge.ts'
import { loadConfig, loadSettings } from '../server/config.ts'
import { startApp, type TestApp } from './support/app.ts'
import { forge } from './support/forge.ts'

let folder = ''
let app: TestApp
beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'tsforge-bench-test-'))
  app = await startApp()
})
afterAll(async () => {
  await app.close()
  rmSync(folder, { recursive: true })
})

const environment = () => ({ NODE_ENV: 'test', DATA_DIR: folder })
const bench = (...args: string[]) => forge(['bench', ...args], environment())
const at = (url: string, ...args: string[]) => bench('--url', url, '--rate', '0', '--json', ...args)
const reportOf = async (run: ReturnType<typeof bench>) => {
  const { code, out, err } = await run
  return { code, err, report: JSON.parse(out) as Report & { readonly files: readonly string[] } }
}
const fileOf = (name: string) => path.join(folder, name)

interface Line {
  readonly method: string
  readonly route: string
  readonly status: number
  readonly user_id?: string
}

/** The requests that the server has logged since, of one route. */
const since = (mark: number, method: string, route: string) =>
  app.logged
    .slice(mark)
    .map((line) => JSON.parse(line) as Line)
    .filter((line) => line.method === method && line.route === route)

const routes = {
  register: ['POST', '/api/v1/auth/register', 201],
  login: ['POST', '/api/v1/auth/login', 200],
  'login-refresh': ['POST', '/api/v1/auth/login', 200],
  me: ['GET', '/api/v1/auth/me', 200],
} as const

describe('the scenarios', () => {
  it('makes exactly the requests that it counts, each with a payload of its own', async () => {
    const fixtures = fileOf('accounts.json')
    const people = async () => (await app.sql(`select count(*)::int as count from users where email like 'own-%'`))[0]
    for (const [scenario, [method, route, status]] of Object.entries(routes)) {
      const mark = app.logged.length
      const options = ['--scenario', scenario, '--total', '12', '--concurrency', '4', '--fixtures', fixtures]
      const { code, err, report } = await reportOf(at(app.url, ...options, '--prefix', 'own'))
      expect([scenario, code, err]).toEqual([scenario, 0, ''])
      const [{ full_speed, concurrency } = fail()] = report.measurements
      expect([concurrency, full_speed.requests, full_speed.statuses]).toEqual([4, 12, { [status]: 12 }])
      const seen = since(mark, method, route)
      expect(seen.map((line) => line.status)).toEqual(Array(12).fill(status))
      if (scenario === 'me') expect(new Set(seen.map((line) => line.user_id)).size).toBe(12)
    }
    expect(await people()).toEqual({ count: 12 })
    const accounts = JSON.parse(readFileSync(fixtures, 'utf8')) as { Email: string }[]
    expect(new Set(accounts.map(({ Email }) => Email)).size).toBe(12)
    expect(statSync(fixtures).mode & 0o077).toBe(0)
  })

  it('asks for health as often as it says', async () => {
    const before = await requestsOf('/healthz')
    const { report } = await reportOf(at(app.url, '--scenario', 'healthz', '--total', '300'))
    expect(report.measurements[0]?.full_speed.statuses).toEqual({ 200: 300 })
    // One more looks whether anybody answers.
    expect((await requestsOf('/healthz')) - before).toBe(301)
  })

  it('keeps new tokens in the fixtures, where login leaves them alone', async () => {
    const fixtures = fileOf('refreshed.json')
    const tokens = () => (JSON.parse(readFileSync(fixtures, 'utf8')) as { Token: string }[]).map(({ Token }) => Token)
    const run = (scenario: string) => at(app.url, '--scenario', scenario, '--total', '3', '--fixtures', fixtures)
    await run('register')
    const first = tokens()
    await run('login')
    expect(tokens()).toEqual(first)
    await run('login-refresh')
    const renewed = tokens()
    expect(renewed).toHaveLength(3)
    expect(renewed.filter((token) => first.includes(token))).toEqual([])
  })

  it('does all of them one after the other with the accounts that it registers', async () => {
    const { code, report } = await reportOf(at(app.url, '--total', '5'))
    expect(code).toBe(0)
    expect(report.measurements.map(({ scenario, full_speed }) => [scenario, full_speed.requests])).toEqual([
      ['healthz', 5],
      ['register', 5],
      ['login', 5],
      ['login-refresh', 5],
      ['me', 5],
    ])
  })

  it('shows what server, database and client took of this machine', async () => {
    const { report } = await reportOf(at(app.url, '--scenario', 'healthz', '--total', '50'))
    const [{ server, database, client } = fail()] = report.measurements
    expect(client.resident_mib.after).toBeGreaterThan(10)
    if (process.platform !== 'linux') return
    expect(server?.resident_mib.after).toBeGreaterThan(10)
    expect(database?.resident_mib.after).toBeGreaterThan(1)
  })
})

const fail = (): never => {
  throw new Error('nothing was measured')
}

/** As the server has counted them. */
const requestsOf = async (route: string): Promise<number> => {
  const { text } = await app.request('GET', '/admin/metrics')
  const series = text
    .split('\n')
    .filter((line) => line.startsWith('http_server_request_duration_seconds_count') && line.includes(`"${route}"`))
  return series.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0)
}

describe('the schedule', () => {
  it('counts from when a request was due, so that a server that stands still is late for everybody', async () => {
    const standMs = 400
    // One looks whether anybody answers, and 40 are asked for at full speed, before those of the schedule.
    const server = await serve(async (response, number) => {
      if (number === 42) await sleep(standMs)
      response.end(healthy)
    })
    const options = ['--scenario', 'healthz', '--total', '40', '--concurrency', '1', '--rate', '200']
    const run = bench('--url', server.url, '--json', ...options)
    const { report } = await reportOf(run)
    const [{ full_speed, scheduled } = fail()] = report.measurements
    expect([full_speed.requests, scheduled?.requests, scheduled?.rate]).toEqual([40, 40, 200])
    // All of them fell due within 200 ms, and none was answered before 400.
    expect(scheduled?.latencies_ms.p50).toBeGreaterThan(standMs - 200)
    expect(scheduled?.latencies_ms.max).toBeGreaterThanOrEqual(standMs - 1)
  })

  it('says when the server did not keep up', async () => {
    const server = await serve(async (response) => {
      await sleep(20)
      response.end(healthy)
    })
    const folder = fileOf('late')
    const options = ['--scenario', 'healthz', '--total', '40', '--concurrency', '1', '--out', folder]
    const { out, code } = await bench('--url', server.url, ...options, '--rate', '10000')
    expect(code).toBe(0)
    for (const text of [out, readFileSync(path.join(folder, 'bench.md'), 'utf8')])
      expect(text).toMatch(/On the schedule only [\d.]+ of 10,000 a second were answered/)
  })
})

describe('failures', () => {
  it('explains refusals for want of budget, shows their number, and ends with 1', async () => {
    const limited = await startApp({ environment: { RATE_LIMIT_PER_MINUTE: '1' } })
    try {
      const options = ['--scenario', 'register', '--total', '6', '--concurrency', '1']
      const { code, err, report } = await reportOf(at(limited.url, ...options))
      const [{ full_speed } = fail()] = report.measurements
      expect(full_speed.requests).toBe(6)
      expect(full_speed.statuses[429]).toBeGreaterThan(0)
      expect(code).toBe(1)
      expect(err).toContain(`register: ${full_speed.statuses[429]} × 429.`)
      expect(err).toContain('RATE_LIMIT_PER_MINUTE=0')
    } finally {
      await limited.close()
    }
  })

  it.each([
    ['me', 'Token', 'not a token', 401, '--scenario login-refresh'],
    ['login', 'Email', 'nobody@bench.test', 401, '--scenario register'],
  ])('explains %s with accounts of another server', async (scenario, field, value, status, advice) => {
    const fixtures = fileOf(`strange-${scenario}.json`)
    const account = { Email: 'a@bench.test', Password: 'supersecretpassword', Token: 'x', [field]: value }
    writeFileSync(fixtures, JSON.stringify([account]))
    const { code, err } = await at(app.url, '--scenario', scenario, '--total', '1', '--fixtures', fixtures)
    expect([code, err]).toEqual([1, expect.stringContaining(`${scenario}: 1 × ${status}.`)])
    expect(err).toContain(advice)
  })

  it('explains e-mails that are taken', async () => {
    const options = ['--scenario', 'register', '--total', '2', '--prefix', 'twice']
    expect((await at(app.url, ...options)).code).toBe(0)
    const { code, err } = await at(app.url, ...options)
    expect([code, err]).toEqual([1, expect.stringMatching(/register: 2 × 409\. .*--prefix/)])
  })

  it('keeps the accounts of before when nobody could be registered', async () => {
    const fixtures = fileOf('kept.json')
    const options = ['--scenario', 'register', '--total', '2', '--prefix', 'kept', '--fixtures', fixtures]
    expect((await at(app.url, ...options)).code).toBe(0)
    const before = readFileSync(fixtures, 'utf8')
    expect((await at(app.url, ...options)).code).toBe(1)
    expect(readFileSync(fixtures, 'utf8')).toBe(before)
  })

  it('counts answers that say something else, those that break off, and those that never come', async () => {
    const server = await serve(async (response, number) => {
      if (number === 1) return void response.end(healthy)
      if (number === 2) return void response.end('{"success":false}')
      if (number === 3) return void response.socket?.destroy()
      if (number === 4) return
      // Chunked, and on a connection that ends with it.
      response.setHeader('connection', 'close')
      response.write(healthy.slice(0, 10))
      response.end(healthy.slice(10))
    })
    const options = ['--scenario', 'healthz', '--total', '6', '--concurrency', '1', '--timeout', '300ms']
    const { code, err, report } = await reportOf(at(server.url, ...options))
    const [{ full_speed } = fail()] = report.measurements
    expect(full_speed).toMatchObject({ requests: 6, statuses: { 200: 4 }, wrong_answers: 1 })
    expect(full_speed.transport_errors).toEqual({ ECONNRESET: 1, ETIMEDOUT: 1 })
    expect(code).toBe(1)
    expect(err).toMatch(/1 × 200 that said something else.*\n?/)
    expect(err).toMatch(/1 without an answer \(ECONNRESET\)/)
  })

  it('says what to do about a server that is not there', async () => {
    const { code, out, err } = await at('http://127.0.0.1:1', '--scenario', 'healthz')
    expect([code, out]).toEqual([1, ''])
    expect(err).toBe(
      'At http://127.0.0.1:1 nothing answers: start the server with RATE_LIMIT_PER_MINUTE=0 npm start, or leave --url out.\n',
    )
  })
})

it('says what to do where no database can be started for it', async () => {
  const dataDir = fileOf('broken')
  mkdirSync(path.join(dataDir, 'bench'), { recursive: true })
  writeFileSync(path.join(dataDir, 'bench', 'postgres'), 'no folder')
  const { code, err } = await forge(['bench', '--scenario', 'healthz'], { ...environment(), DATA_DIR: dataDir })
  expect([code, err]).toEqual([1, expect.stringContaining('measure one that runs with --url')])
})

describe('what it leaves', () => {
  it('writes Markdown, JSON and charts, and prints the same as text', async () => {
    const out = fileOf('report')
    const options = ['--scenario', 'healthz', '--total', '20', '--rate', '100', '--out', out]
    const run = await bench('--url', app.url, ...options)
    expect(run.code).toBe(0)
    expect(run.out).toMatch(/^status +200 × 20$/m)
    expect(run.out).toMatch(/^latency in ms +p50 +p90 +p95 +p99 +max$/m)
    const { measurements } = JSON.parse(readFileSync(path.join(out, 'bench.json'), 'utf8')) as Report
    expect(measurements[0]?.full_speed.statuses).toEqual({ 200: 20 })
    const markdown = readFileSync(path.join(out, 'bench.md'), 'utf8')
    expect(markdown).toContain('| GET /healthz | 20 | 256 |')
    for (const row of markdown.matchAll(/^\|.*\|$/gm)) expect(row[0].split('|').length).toBeGreaterThan(6)
    for (const [, file = ''] of markdown.matchAll(/!\[[^\]]+\]\(([^)]+)\)/g))
      expect(unclosed(readFileSync(path.join(out, file), 'utf8'))).toEqual([])
  })

  it('shows its progress where there is a terminal', async () => {
    const shown: string[] = []
    const code = await runForge(['bench', '--url', app.url, '--scenario', 'healthz', '--total', '50', '--json'], {
      input: Readable.from([]),
      print: () => {},
      complain: () => {},
      progress: (text) => void shown.push(text),
      loadConfig: () => loadConfig(environment(), '/nowhere'),
      loadSettings: () => loadSettings(environment(), '/nowhere'),
    })
    expect(code).toBe(0)
    expect(shown[0]).toMatch(/^healthz, as fast as it goes: \d+ of 50, \d+ a second$/)
    expect(shown.at(-1)).toBe('')
  })
})

it('draws charts that an XML reader understands, whatever is named in them', () => {
  const name = 'a <b> & c'
  const bars = barChart(name, [{ title: name, bars: [{ label: name, value: 1, colour: '#000' }] }])
  const line = { label: name, colour: '#000', points: [[0, 0] as const, [4, 2] as const] }
  const lines = lineCharts(name, [
    {
      title: name,
      marks: [
        [0, name],
        [4, name],
      ],
      lines: [line],
    },
  ])
  for (const [chart, count] of [
    [bars, 3],
    [lines, 5],
  ] as const) {
    expect(chart.split('>a &lt;b&gt; &amp; c<')).toHaveLength(count + 1)
    expect(unclosed(chart)).toEqual([])
  }
  const [, fromX, fromY, toX, toY] = (/points="([\d.]+),([\d.]+) ([\d.]+),([\d.]+)"/.exec(lines) ?? []).map(Number)
  const rises = [Number(toX) > Number(fromX), Number(toY) < Number(fromY)]
  expect(rises).toEqual([true, true])
})

/** Elements that an XML reader would miss the end of. */
const unclosed = (xml: string): readonly string[] => {
  const open: string[] = []
  for (const [, slash, name = '', alone] of xml.matchAll(/<(\/?)(\w+)(?:\s+[\w:-]+="[^"<]*")*\s*(\/?)>/g)) {
    if (slash && open.at(-1) === name) open.pop()
    else if (!alone) open.push(name)
  }
  return open
}

describe('misuse', () => {
  it.each([
    [['--scenario', 'checkout'], /Allowed choices are healthz, register, login, login-refresh, me, all/],
    [['--total', '500001'], /a whole number from 1 to 500000/],
    [['--total', '0'], /a whole number from 1 to 500000/],
    [['--total', '1e3'], /a whole number from 1 to 500000/],
    [['--concurrency', 'many'], /a whole number from 1 to 10000/],
    [['--rate', '-1'], /a number from 0 to 1000000/],
    [['--timeout', '30'], /a duration like 500ms, 30s or 2m/],
    [['--prefix', 'a@b'], /letters, digits and inner hyphens/],
    [['--url', 'localhost:8080'], /--url is an address like/],
    [['--url', 'http://127.0.0.1:1', '--scenario', 'me'], /make them with bench --scenario register .*--fixtures/],
    [['--url', 'http://127.0.0.1:1', '--out', '/dev/null/report'], /name another folder with --out/],
    [
      ['--url', 'http://127.0.0.1:1', '--scenario', 'register', '--fixtures', '/dev/null/x'],
      /name another file with --fixtures/,
    ],
  ])('is misused with %j', async (args, sentence) => {
    const { code, out, err } = await bench(...args)
    expect([code, out]).toEqual([2, ''])
    expect(err).toMatch(sentence)
  })

  it('says that the fixtures are too few, or none at all', async () => {
    const fixtures = fileOf('few.json')
    writeFileSync(fixtures, JSON.stringify([{ Email: 'a@bench.test', Password: 'x', Token: 'x' }]))
    const few = await at(app.url, '--scenario', 'me', '--total', '2', '--fixtures', fixtures)
    expect([few.code, few.err]).toEqual([2, expect.stringContaining('holds 1 accounts: lower --total')])
    const none = await at(app.url, '--scenario', 'me', '--fixtures', fileOf('none.json'))
    expect([none.code, none.err]).toEqual([1, expect.stringContaining('is not there: make it with bench --scenario')])
  })
})

const healthy = JSON.stringify({ success: true, data: { status: 'ok' } })
const strangers: Server[] = []
afterEach(async () => {
  for (const server of strangers.splice(0)) {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  }
})

/** A server that misbehaves as it is told; `number` counts its requests from one. */
const serve = async (respond: (response: ServerResponse, number: number) => Promise<void>) => {
  let number = 0
  const server = createServer((_request, response) => {
    number += 1
    void respond(response, number)
  })
  strangers.push(server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }
}
