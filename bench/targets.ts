import { type ChildProcess, spawn } from 'node:child_process'
import { connect, createServer } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

/** A server that runs, in a process of its own. */
export interface Target {
  readonly name: string
  readonly url: string
  readonly pid: number
  /** The process of its database; undefined when it has none. */
  readonly postmaster: number | undefined
  readonly stop: () => Promise<void>
}

export interface TargetStart {
  readonly name: string
  readonly program: string
  readonly environment: Readonly<Record<string, string>>
  readonly postmaster?: number
  /** Options of node itself, such as --cpu-prof. */
  readonly nodeOptions?: readonly string[]
}

const patienceMs = 30_000
const pollMs = 20

/** Starts a server, its log going nowhere; resolves once it takes connections. */
export const startTarget = async (start: TargetStart): Promise<Target> => {
  const port = await freePort()
  const child = spawn(process.execPath, [...(start.nodeOptions ?? []), start.program], {
    env: { PATH: process.env.PATH, NODE_ENV: 'production', PORT: `${port}`, ...start.environment },
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let words = ''
  child.stderr?.on('data', (chunk) => {
    words += chunk
  })
  const deadline = Date.now() + patienceMs
  while (!(await accepts(port))) {
    if (child.exitCode !== null || Date.now() > deadline) {
      child.kill('SIGKILL')
      throw new Error(`${start.name} does not start: ${words}`)
    }
    await sleep(pollMs)
  }
  return {
    name: start.name,
    url: `http://127.0.0.1:${port}`,
    pid: child.pid ?? 0,
    postmaster: start.postmaster,
    stop: () => stopChild(child),
  }
}

const stopChild = async (child: ChildProcess): Promise<void> => {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = new Promise((resolve) => child.once('exit', resolve))
  child.kill('SIGTERM')
  const timer = setTimeout(() => child.kill('SIGKILL'), 10_000)
  await ended
  clearTimeout(timer)
}

const accepts = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })

/** A port that was free a moment ago. */
const freePort = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const probe = createServer()
    probe.once('error', reject)
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address()
      probe.close(() => resolve(typeof address === 'object' && address ? address.port : 0))
    })
  })
