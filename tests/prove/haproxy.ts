import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePort } from '../../db/embedded/freePort.ts'

const example = join(import.meta.dirname, '../../deploy/haproxy.cfg')
const repeating = /^\s*(?:retries|retry-on|option redispatch|http-request disable-l7-retry)\b/
const pollMs = 20
const patienceMs = 60_000

export interface Haproxy {
  readonly url: string
  /** Resolves once haproxy sends requests to an instance; rejects when it does not for a minute. */
  readonly takes: (instance: Instance) => Promise<void>
  /** What it has counted so far, over both instances. */
  readonly counts: () => Promise<HaproxyCounts>
  /** Why it took an instance for down, and how often, in its words. */
  readonly downs: ReadonlyMap<string, number>
  readonly stop: () => Promise<void>
}

export interface HaproxyCounts {
  /** Attempts that were made again. */
  readonly repeated: number
  /** Connections to the servers, and requests that went over one that was there. */
  readonly opened: number
  readonly reused: number
}

export const instances = ['first', 'second'] as const
export type Instance = (typeof instances)[number]

export interface HaproxyOptions {
  readonly ports: Readonly<Record<Instance, number>>
  /** False takes every line of the example away that lets haproxy send something again. */
  readonly mayRepeat: boolean
}

/** Which haproxy there is; undefined when none. */
export function haproxyVersion(): string | undefined {
  try {
    return /version (\S+)/i.exec(execFileSync('haproxy', ['-v'], { encoding: 'utf8' }))?.[1]
  } catch {
    return undefined
  }
}

/** haproxy with `deploy/haproxy.cfg`, to which nothing is added but a socket to ask. */
export async function startHaproxy({ ports, mayRepeat }: HaproxyOptions): Promise<Haproxy> {
  const folder = mkdtempSync(join(tmpdir(), 'tsforge-prove-haproxy-'))
  const socket = join(folder, 'socket')
  const lines = readFileSync(example, 'utf8').split('\n')
  const kept = mayRepeat ? lines : [...lines.filter((line) => !repeating.test(line)), '  retries 0']
  writeFileSync(join(folder, 'haproxy.cfg'), `${kept.join('\n')}\n`)
  writeFileSync(join(folder, 'socket.cfg'), `global\n  stats socket ${socket} mode 600 level admin\n`)
  const port = await freePort()
  const child = spawn('haproxy', ['-db', '-f', join(folder, 'haproxy.cfg'), '-f', join(folder, 'socket.cfg')], {
    env: {
      PATH: process.env.PATH,
      TSFORGE_BIND: `127.0.0.1:${port}`,
      TSFORGE_FIRST: `127.0.0.1:${ports.first}`,
      TSFORGE_SECOND: `127.0.0.1:${ports.second}`,
    },
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  const downs = new Map<string, number>()
  createInterface(child.stderr).on('line', (line) => {
    const reason = /Server \S+ is DOWN, reason: (.*?), check duration/.exec(line)?.[1]
    if (reason !== undefined) downs.set(reason, (downs.get(reason) ?? 0) + 1)
  })
  // A proof that runs out of time does not come to its end.
  process.once('exit', () => child.kill())
  const rows = () => statistics(socket)
  return {
    url: `http://127.0.0.1:${port}`,
    downs,
    async takes(instance) {
      await until(`haproxy takes the ${instance} instance`, child, async () =>
        (await rows()).some((row) => row.svname === instance && row.status === 'UP' && row.check_status === 'L7OK'),
      )
    },
    async counts() {
      const servers = (await rows()).filter(({ svname }) => instances.some((name) => name === svname))
      const sum = (name: string) => servers.reduce((total, row) => total + Number(row[name]), 0)
      return { repeated: sum('wretr') + sum('wredis'), opened: sum('connect'), reused: sum('reuse') }
    },
    async stop() {
      const gone = new Promise((resolve) => child.once('exit', resolve))
      if (child.exitCode === null && child.kill()) await gone
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

async function until(what: string, child: ChildProcess, isSo: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + patienceMs
  while (!(await isSo().catch(() => false))) {
    if (child.exitCode !== null) throw new Error(`haproxy ended with ${child.exitCode}`)
    if (performance.now() > deadline) throw new Error(`not within ${patienceMs} ms: ${what}`)
    await sleep(pollMs)
  }
}

type Row = Readonly<Record<string, string>>

/** The answer to `show stat`: a line of names behind `# `, then a row for each of frontends, backends and servers. */
async function statistics(path: string): Promise<Row[]> {
  const [names = '', ...rows] = (await ask(path, 'show stat\n')).replace(/^# /, '').trim().split('\n')
  const keys = names.split(',')
  return rows.map((row) => Object.fromEntries(row.split(',').map((value, index) => [keys[index] ?? '', value])))
}

function ask(path: string, question: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let answer = ''
    const client = connect(path, () => client.write(question))
    client.on('data', (part) => {
      answer += part
    })
    client.once('error', reject)
    client.once('end', () => resolve(answer))
  })
}
