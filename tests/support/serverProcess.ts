import { type ChildProcess, spawn } from 'node:child_process'
import { cpSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { type BuildOptions, build } from 'esbuild'

const root = join(import.meta.dirname, '../..')
const { bundling } = (await import(join(root, 'scripts/build.mjs'))) as { bundling: BuildOptions }

/** Programs as `npm run build` makes them, in a folder of their own, so that they stay what they are while a proof runs. */
export interface Bundle {
  readonly folder: string
  readonly pathOf: (name: string) => string
  /** Bundles them as their sources are by now. */
  readonly again: () => Promise<void>
  readonly remove: () => void
}

/** Bundles programs, named by their path from the root of the project. */
export async function bundlePrograms(programs: Readonly<Record<string, string>>): Promise<Bundle> {
  const folder = mkdtempSync(join(tmpdir(), 'tsforge-programs-'))
  const dist = join(folder, 'dist')
  const entryPoints = { ...programs, hashWorker: 'server/platform/hashing/hashWorker.js' }
  const again = async () => void (await build({ ...bundling, absWorkingDir: root, entryPoints, outdir: dist }))
  await again()
  cpSync(join(root, 'db/migrations'), join(folder, 'db/migrations'), { recursive: true })
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'))
  return {
    folder,
    pathOf: (name) => join(dist, `${name}.js`),
    again,
    remove: () => rmSync(folder, { recursive: true, force: true }),
  }
}

export interface ServerProcess {
  readonly url: string
  readonly pid: number
  /** How it ended; undefined while it runs. */
  readonly ended: () => string | undefined
  /** Resolves to it. */
  readonly whenEnded: Promise<string>
  /** The last lines that are no request's. */
  readonly lines: readonly string[]
  /** Sends a message to an entry of the proof's own and resolves to its answer. */
  readonly ask: (message: string) => Promise<unknown>
  /** SIGTERM, then SIGKILL when that takes longer than ten seconds. Resolves to the exit code. */
  readonly stop: () => Promise<number | null>
}

export interface ServerStart {
  readonly program: string
  readonly arguments?: readonly string[]
  readonly nodeOptions?: readonly string[]
  /** Whether the program is one that answers messages. */
  readonly hasChannel?: boolean
  readonly environment: Readonly<Record<string, string>>
}

/** A server whose database is away says so for each request. */
const linesKept = 2_000

/** What every server under proof is told: a free port, no limits, the cheapest hash. */
export const provingEnvironment = {
  NODE_ENV: 'test',
  PORT: '0',
  RATE_LIMIT_PER_MINUTE: '0',
  ARGON2_MEMORY_KIB: '256',
  ARGON2_ITERATIONS: '1',
  ARGON2_PARALLELISM: '1',
  HASH_QUEUE_LENGTH: '10000',
  JWT_SECRET: 'a signing secret for proofs, 32 bytes or more',
}

/** A server in a process of its own; resolves when it says that it is ready. */
export async function startServer(start: ServerStart): Promise<ServerProcess> {
  const { program, nodeOptions = [], hasChannel = false } = start
  const child = spawn(process.execPath, [...nodeOptions, program, ...(start.arguments ?? [])], {
    env: { PATH: process.env.PATH, ...provingEnvironment, ...start.environment },
    stdio: ['ignore', 'pipe', 'pipe', ...(hasChannel ? (['ipc'] as const) : [])],
  })
  // A proof that is given up must not leave servers behind.
  const kill = () => void child.kill('SIGKILL')
  process.once('exit', kill)
  const lines: string[] = []
  let ended: string | undefined
  const exited = new Promise<number | null>((resolve) => {
    child.once('exit', (code, signal) => {
      process.off('exit', kill)
      ended = signal ?? `code ${code}`
      resolve(code)
    })
  })
  const url = await readyUrl(child, (line) => {
    lines.push(line)
    if (lines.length > linesKept) lines.shift()
  })
  if (url === undefined) throw new Error(`the server did not start (${ended}):\n${lines.join('\n')}`)
  const whenEnded = exited.then(() => ended ?? '')
  const ask = (message: string) => askChild(child, message)
  return { url, pid: child.pid ?? 0, ended: () => ended, whenEnded, lines, ask, stop: () => stopChild(child, exited) }
}

function askChild(child: ChildProcess, message: string): Promise<unknown> {
  return new Promise((resolve, reject) => {
    child.once('message', resolve)
    child.send(message, (error) => void (error && reject(error)))
  })
}

/** Undefined when the process ends first. Goes on reading, so that the process never waits for its reader. */
function readyUrl(child: ChildProcess, keep: (line: string) => void): Promise<string | undefined> {
  return new Promise((resolve) => {
    for (const stream of [child.stdout, child.stderr]) {
      if (!stream) continue
      createInterface(stream).on('line', (line) => {
        if (!line.includes('"msg":"request"')) keep(line)
        const ready = /ready on (http:\/\/[^ ]+)/.exec(line)
        if (ready) resolve(ready[1])
      })
    }
    child.once('close', () => resolve(undefined))
  })
}

async function stopChild(child: ChildProcess, exited: Promise<number | null>): Promise<number | null> {
  child.kill('SIGTERM')
  const timer = setTimeout(() => child.kill('SIGKILL'), 10_000)
  const code = await exited
  clearTimeout(timer)
  return code
}
