import { execFileSync, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { freePort } from '../../db/embedded/freePort.ts'

export interface RedisServer {
  readonly url: string
  readonly signal: (signal: 'SIGSTOP' | 'SIGCONT') => void
  /** Ends it without a goodbye; what it held is gone. */
  readonly kill: () => Promise<void>
  /** Starts an empty one on the same port. */
  readonly startAgain: () => Promise<void>
  readonly stop: () => Promise<void>
}

/** Whether a Redis can be started here. */
export function hasRedis(): boolean {
  try {
    execFileSync('redis-server', ['--version'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

/** A Redis of one's own on a free port, which keeps nothing on disk. */
export async function startRedis(): Promise<RedisServer> {
  const folder = mkdtempSync(join(tmpdir(), 'tsforge-redis-'))
  const port = await freePort()
  let running = await launch(port, folder)
  const kill = async () => {
    running.child.kill('SIGKILL')
    await running.ended
  }
  return {
    url: `redis://127.0.0.1:${port}`,
    signal: (signal) => void running.child.kill(signal),
    kill,
    async startAgain() {
      running = await launch(port, folder)
    },
    async stop() {
      await kill()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** Resolves once it takes connections. */
async function launch(port: number, folder: string) {
  const settings = ['--port', String(port), '--bind', '127.0.0.1', '--dir', folder, '--save', '', '--appendonly', 'no']
  const child = spawn('redis-server', settings, { stdio: ['ignore', 'pipe', 'inherit'] })
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  await new Promise<void>((resolve, reject) => {
    const said: string[] = []
    createInterface(child.stdout).on('line', (line) => {
      said.push(line)
      if (line.includes('Ready to accept connections')) resolve()
    })
    child.once('error', reject)
    child.once('exit', () => reject(new Error(`Redis does not start:\n${said.join('\n')}`)))
  })
  return { child, ended }
}
