import { closeSync, openSync, readFileSync, rmSync, statSync, writeSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { codeOf } from '../causes.ts'
import { cannotStart } from './errors.ts'
import { describeProcess, isRunning } from './processes.ts'

const retryMs = 20
const giveUpMs = 90_000
/** Breaking a lock takes microseconds; a marker this old was left by a process that was killed while breaking. */
const abandonedMs = 5_000

/**
 * Runs `work` while no other process does so with the same `path`. A lock whose holder is dead is taken over. Throws
 * DatabaseStartError when the holder lives and does not finish in 90 seconds.
 */
export async function withFileLock<T>(path: string, work: () => Promise<T>): Promise<T> {
  const deadline = Date.now() + giveUpMs
  while (!take(path)) {
    breakAbandoned(path)
    if (Date.now() > deadline) {
      throw cannotStart(`Another process has held ${path} for ${giveUpMs / 1000} seconds`, 'end that process')
    }
    await sleep(retryMs)
  }
  try {
    return await work()
  } finally {
    rmSync(path, { force: true })
  }
}

function take(path: string): boolean {
  let file: number
  try {
    file = openSync(path, 'wx', 0o600)
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false
    throw error
  }
  writeSync(file, describeProcess(process.pid))
  closeSync(file)
  return true
}

/** Of two that want to break the same lock one gets the marker; it looks again before it removes anything. */
function breakAbandoned(path: string): void {
  if (!isAbandoned(path)) return
  const marker = `${path}.break`
  if (!take(marker)) {
    if (ageMs(marker) > abandonedMs) rmSync(marker, { force: true })
    return
  }
  if (isAbandoned(path)) rmSync(path, { force: true })
  rmSync(marker, { force: true })
}

/** An empty file is a lock that was taken this instant, until it is too old for that. */
function isAbandoned(path: string): boolean {
  try {
    const holder = readFileSync(path, 'utf8')
    return holder === '' ? ageMs(path) > abandonedMs : !isRunning(holder)
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return false
    throw error
  }
}

function ageMs(path: string): number {
  const stats = statSync(path, { throwIfNoEntry: false })
  return stats ? Date.now() - stats.mtimeMs : 0
}
