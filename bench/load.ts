import { execFile } from 'node:child_process'
import path from 'node:path'
import { promisify } from 'node:util'
import { cpuMicroseconds, postgresMicroseconds } from '../server/cli/bench/processes.ts'
import type { Server } from './servers.ts'

const run = promisify(execFile)
const script = path.join(import.meta.dirname, 'requests.lua')
/** Two cores: one for the server, one for whoever asks. */
const threads = 1

/** What is asked, of whomever. */
export interface Load {
  readonly method: 'GET' | 'POST'
  readonly path: string
  readonly connections: number
  /** A file for requests.lua; undefined for a request without headers of its own. */
  readonly feed?: string
}

/** What a load came to. CPU is in microseconds a request; the machine's other work is in none of it. */
export interface Figures {
  readonly requests: number
  readonly perSecond: number
  readonly serverCpu: number
  readonly postgresCpu: number
  readonly p50Ms: number
  readonly p99Ms: number
}

interface Summary {
  readonly requests: number
  readonly microseconds: number
  readonly failed: number
  readonly p50Ms: number
  readonly p99Ms: number
}

/** Ends what runs now, for a benchmark that is given up. */
const running = new AbortController()
export const abandonLoads = (): void => running.abort()

const attempts = 3

/**
 * Loads a server with wrk. A single answer that is no success ends the attempt, since a refusal is cheaper than an
 * answer; a server that the machine holds up may refuse some, so there are three. Throws after the last.
 */
export const applyLoad = async (server: Server, load: Load, seconds: number): Promise<Figures> => {
  for (let attempt = 1; ; attempt += 1) {
    const { figures, failed } = await tryLoad(server, load, seconds)
    if (failed === 0 && figures.requests > 0) return figures
    const what = `${server.name}: ${failed} of ${figures.requests} calls of ${load.path} failed`
    if (attempt === attempts || running.signal.aborted) throw new Error(what)
    console.error(`${what}; once more`)
  }
}

const tryLoad = async (server: Server, load: Load, seconds: number) => {
  const { pid, postmaster } = server
  const before = { own: cpuMicroseconds(pid), postgres: postgresMicroseconds(postmaster) }
  const { requests, failed, microseconds, p50Ms, p99Ms } = await callWrk(server, load, seconds)
  const own = cpuMicroseconds(pid) - before.own
  const postgres = postgresMicroseconds(postmaster) - before.postgres
  const figures: Figures = {
    requests,
    perSecond: (requests * 1e6) / microseconds,
    serverCpu: own / requests,
    postgresCpu: postgres / requests,
    p50Ms,
    p99Ms,
  }
  return { figures, failed }
}

/** What a server calls the path of a load. */
export const pathAt = ({ paths }: Server, { path: asked }: Load): string => paths?.[asked] ?? asked

const callWrk = async (server: Server, load: Load, seconds: number): Promise<Summary> => {
  const options = [
    '-t',
    `${threads}`,
    '-c',
    `${load.connections}`,
    '-d',
    `${seconds}s`,
    '--timeout',
    '10s',
    '-s',
    script,
  ]
  const { stdout } = await run(
    'wrk',
    [...options, server.url, '--', load.method, pathAt(server, load), load.feed ?? '-'],
    {
      timeout: (seconds + 30) * 1000,
      signal: running.signal,
    },
  )
  const line = /^RESULT (.*)$/m.exec(stdout)?.[1]
  if (line === undefined) throw new Error(`wrk said nothing of its result:\n${stdout}`)
  return JSON.parse(line)
}

/** Whether wrk is installed. Without arguments it prints how it is used, and fails. */
export const hasWrk = async (): Promise<boolean> => {
  const answer = await run('wrk', ['-v']).catch((error: { code?: unknown }) => error)
  return !('code' in answer && answer.code === 'ENOENT')
}
