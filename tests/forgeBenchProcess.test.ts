import { spawn } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { Report } from '../server/cli/bench/report.ts'
import { startApp } from './support/app.ts'
import { listenTo, withoutPowers } from './support/program.ts'

let folder = ''
beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'tsforge-bench-process-'))
  // For the user that PostgreSQL runs under when root runs the tests.
  chmodSync(folder, 0o711)
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** As somebody runs it in a terminal of no width: the output goes into pipes. */
const bench = (...args: string[]) => benchBy([], ...args)

/** Started by another command. */
const benchBy = (starter: readonly string[], ...args: string[]) => {
  const [command = '', ...rest] = [...starter, process.execPath, 'scripts/forge.mjs', 'bench', ...args]
  const child = spawn(command, rest, {
    env: {
      ...{ PATH: process.env.PATH, HOME: process.env.HOME, DATA_DIR: folder, LOG_LEVEL: 'info' },
      ...{ ARGON2_MEMORY_KIB: '1024', ARGON2_ITERATIONS: '1', ARGON2_PARALLELISM: '1', ALLOW_WEAK_HASHING: 'true' },
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  return { ...listenTo(child), kill: () => child.kill('SIGINT') }
}

const reportOf = async (...args: string[]) => {
  const { code, output, errors } = await bench('--json', '--rate', '0', ...args).ended
  expect([code, errors.replace(/^ALLOW_WEAK_HASHING: .*\n/, '')]).toEqual([0, ''])
  return JSON.parse(output) as Report
}

/** Nobody answers there any more. */
const isGone = (url: string) =>
  fetch(url).then(
    () => false,
    () => true,
  )

it('starts a server and a database for the time of the command, and finds its accounts there the next time', {
  timeout: 180_000,
}, async () => {
  const fixtures = path.join(folder, 'accounts.json')
  const first = await reportOf('--scenario', 'register', '--total', '30', '--fixtures', fixtures)
  expect(first.server).toMatchObject({ own: true, argon2: 'm=1024,t=1,p=1' })
  expect(first.measurements[0]?.full_speed.statuses).toEqual({ 201: 30 })
  expect(await isGone(first.server.url)).toBe(true)

  const second = await reportOf('--scenario', 'me', '--total', '30', '--fixtures', fixtures)
  expect(second.measurements[0]?.full_speed.statuses).toEqual({ 200: 30 })
  expect(await isGone(second.server.url)).toBe(true)
})

it('makes the accounts that it lacks, past what the limits would let through', { timeout: 180_000 }, async () => {
  const { measurements } = await reportOf('--total', '150')
  expect(measurements.map(({ scenario, full_speed }) => [scenario, full_speed.statuses])).toEqual([
    ['healthz', { 200: 150 }],
    ['register', { 201: 150 }],
    ['login', { 200: 150 }],
    ['login-refresh', { 200: 150 }],
    ['me', { 200: 150 }],
  ])
})

it('says that it was interrupted, and writes nothing', { timeout: 120_000 }, async () => {
  const app = await startApp()
  try {
    const out = path.join(folder, 'interrupted')
    const running = bench(
      '--url',
      app.url,
      '--scenario',
      'healthz',
      '--total',
      '500000',
      '--concurrency',
      '2',
      '--out',
      out,
    )
    const count = () => app.logged.filter((line) => line.includes('"/healthz"')).length
    while (count() < 10) await new Promise((resolve) => setImmediate(resolve))
    running.kill()
    const { code, output, errors } = await running.ended
    expect([code, output, errors]).toEqual([1, '', 'Interrupted: nothing was written.\n'])
    expect(readdirSync(out)).toEqual([])
  } finally {
    await app.close()
  }
})

it('leaves no database running when it is interrupted while its server starts', { timeout: 180_000 }, async () => {
  const postmaster = path.join(folder, 'bench/postgres/data/postmaster.pid')
  const running = bench('--scenario', 'healthz', '--total', '500000')
  let isOver = false
  void running.ended.finally(() => {
    isOver = true
  })
  while (!existsSync(postmaster) && !isOver) await new Promise((resolve) => setImmediate(resolve))
  running.kill()
  const { code, output, errors } = await running.ended
  expect([code, output, errors]).toEqual([1, '', expect.stringMatching(/Interrupted: nothing was written\.\n$/)])
  expect(existsSync(postmaster)).toBe(false)
})

it('says before it measures that its report cannot be written, or that it asks for too many connections', {
  timeout: 60_000,
}, async () => {
  const out = path.join(folder, 'closed')
  mkdirSync(out, { mode: 0o500 })
  const asOrdinary = process.getuid?.() === 0 ? withoutPowers : []
  const unwritable = await benchBy(asOrdinary, '--url', 'http://127.0.0.1:1', '--out', out).ended
  expect([unwritable.code, unwritable.errors]).toEqual([2, expect.stringContaining('name another folder with --out')])
  if (process.platform !== 'linux') return
  const fewFiles = ['sh', '-c', 'ulimit -n 300; exec "$0" "$@"']
  const crowded = await benchBy(fewFiles, '--url', 'http://127.0.0.1:1', '--concurrency', '201').ended
  expect([crowded.code, crowded.errors]).toEqual([2, expect.stringContaining('lower --concurrency to 200')])
})
