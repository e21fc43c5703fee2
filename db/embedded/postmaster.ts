import { execFile, spawn } from 'node:child_process'
import { closeSync, openSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { codeOf } from '../causes.ts'
import type { Account } from './account.ts'
import type { Binaries } from './binaries.ts'
import { cannotStart } from './errors.ts'
import { commandOf, exists, folderOf } from './processes.ts'

const run = promisify(execFile)
const pollMs = 10
const patienceMs = 60_000
const logLimitBytes = 10_000_000

/** A server process of a data folder. */
export interface Postmaster {
  readonly pid: number
  readonly port: number
  /** True once it answers queries. */
  readonly ready: boolean
}

export interface Start {
  readonly binaries: Binaries
  readonly data: string
  readonly logFile: string
  readonly port: number
  readonly account: Account | undefined
  readonly durable: boolean
}

/** What PostgreSQL noted in `postmaster.pid` (its miscadmin.h names the lines); undefined when there is no such file. */
function readPidFile(data: string): Postmaster | undefined {
  try {
    const lines = readFileSync(join(data, 'postmaster.pid'), 'utf8').split('\n')
    return { pid: Number(lines[0]), port: Number(lines[3]), ready: lines[7]?.trim() === 'ready' }
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined
    throw cannotStart(`The data folder ${data} cannot be read`, 'make it readable or move it away', error)
  }
}

/**
 * The server that runs on a data folder; undefined when none does. A note left by a dead server stays for PostgreSQL to
 * judge, because it also looks for orphaned children; one whose number is a stranger's or a zombie's is removed, because
 * PostgreSQL takes either for a server.
 */
export function findPostmaster(data: string): Postmaster | undefined {
  const noted = readPidFile(data)
  if (!noted || !exists(noted.pid)) return undefined
  if (process.platform === 'win32' || serves(noted.pid, data)) return noted
  rmSync(join(data, 'postmaster.pid'), { force: true })
  return undefined
}

/** Whether the process is a server on this data folder. A server works in its data folder, wherever that is moved. */
function serves(pid: number, data: string): boolean {
  const command = commandOf(pid)
  if (process.platform === 'linux') return command.includes('postgres') && folderOf(pid) === data
  return command.includes(` -D ${data} `)
}

/** Resolves once the server on a data folder answers; with undefined when it ends before, as one that shuts down does. */
export async function awaitReady(data: string): Promise<Postmaster | undefined> {
  const deadline = Date.now() + patienceMs
  for (let found = findPostmaster(data); found; found = findPostmaster(data)) {
    if (found.ready) return found
    if (Date.now() > deadline) {
      throw cannotStart(`PostgreSQL on ${data} is not ready after ${patienceMs / 1000} seconds`, 'end it')
    }
    await sleep(pollMs)
  }
  return undefined
}

/** Starts a server that outlives this process. Resolves with PostgreSQL's own words when it ends at once. */
export async function startPostmaster(start: Start): Promise<Postmaster | string> {
  const logged = rotateLog(start.logFile)
  const server = launch(start)
  const deadline = Date.now() + patienceMs
  while (server.ended === undefined) {
    const noted = readPidFile(start.data)
    if (noted?.ready && noted.pid === server.pid) return noted
    if (Date.now() > deadline) {
      throw cannotStart(`PostgreSQL does not become ready; ${start.logFile} tells more`, 'move the data folder away')
    }
    await sleep(pollMs)
  }
  if (server.ended instanceof Error) {
    throw cannotStart(
      `PostgreSQL cannot be run here (${server.ended.message})`,
      'use a system with glibc',
      server.ended,
    )
  }
  return reasonSince(start.logFile, logged) ?? server.ended
}

/** `ended` is set once the process is over: why it could not be run, or how it ended. */
function launch(start: Start): { readonly pid: number | undefined; ended: Error | string | undefined } {
  const log = openSync(start.logFile, 'a', 0o600)
  const options = ['-D', start.data, '-p', String(start.port), ...settings(start.durable)]
  const child = spawn(start.binaries.postgres, options, {
    ...start.account,
    cwd: start.data,
    env: environment,
    // A session of its own: Ctrl-C in the terminal is for the server program, which then stops PostgreSQL in order.
    detached: true,
    windowsHide: true,
    stdio: ['ignore', log, log],
  })
  closeSync(log)
  child.unref()
  const server: ReturnType<typeof launch> = { pid: child.pid, ended: undefined }
  child.once('error', (error) => {
    server.ended = error
  })
  child.once('exit', (code, signal) => {
    server.ended ??= `it ended with ${signal ?? `code ${code}`}`
  })
  return server
}

/** Ends a server in order: open transactions are rolled back, everything committed is on disk. */
export async function stopPostmaster(data: string, { pgCtl }: Binaries): Promise<void> {
  const found = findPostmaster(data)
  if (!found) return
  if (process.platform === 'win32') {
    await run(pgCtl, ['stop', '-D', data, '-m', 'fast', '-w'])
    return
  }
  // SIGINT is the fast shutdown (PostgreSQL manual, 18.5).
  process.kill(found.pid, 'SIGINT')
  const deadline = Date.now() + patienceMs
  while (serves(found.pid, data)) {
    if (Date.now() > deadline) throw cannotStart(`PostgreSQL on ${data} does not stop`, 'end it')
    await sleep(pollMs)
  }
}

/** Nothing of ours: PostgreSQL neither needs nor may read the secrets of the server's environment. */
export const environment = { LC_ALL: 'C', TZ: 'UTC' }

function settings(durable: boolean): string[] {
  const lossy = { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off' }
  const all = {
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    max_connections: '200',
    timezone: 'UTC',
    log_timezone: 'UTC',
    ...(durable ? {} : lossy),
  }
  return Object.entries(all).flatMap(([name, value]) => ['-c', `${name}=${value}`])
}

/** The last thing PostgreSQL could not go on after; undefined when it wrote nothing of the kind behind `offset`. */
function reasonSince(logFile: string, offset: number): string | undefined {
  const log = readFileSync(logFile).subarray(offset).toString()
  return [...log.matchAll(/(?:FATAL: +|PANIC: +|^postgres: )(.*)/gm)].at(-1)?.[1]
}

/** Returns the size of the log in bytes, after a large one was put aside. */
function rotateLog(file: string): number {
  const size = statSync(file, { throwIfNoEntry: false })?.size ?? 0
  if (size <= logLimitBytes) return size
  renameSync(file, `${file}.old`)
  return 0
}
