import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { join } from 'node:path'
import { type ProgramName, programAt } from './programs.ts'

export interface Program {
  /** Resolves to the address in the ready line; rejects with what was said when the program ends before. */
  readonly ready: Promise<string>
  /** Resolves when it has ended, with all that it said. */
  readonly ended: Promise<Ending>
  /** Standard output so far. */
  readonly output: () => string
  /** Resolves when a line of the output matches. */
  readonly says: (pattern: RegExp) => Promise<void>
  readonly kill: (signal: NodeJS.Signals) => void
  /** The processes of the server that it has started itself. */
  readonly children: () => number[]
}

export interface Ending {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly output: string
  readonly errors: string
}

export interface ProgramOptions {
  /** `main`, which is the server, unless it says otherwise. */
  readonly program?: ProgramName
  readonly environment: Readonly<Record<string, string>>
  /** Root keeps its own files and loses its powers over those that it may not write, as an ordinary user has none. */
  readonly isPowerless?: boolean
}

const folder = join(import.meta.dirname, '../..')

/** Of the environment of the tests only what a program needs to run at all. */
const inherited = ({ PATH = '', HOME = '', TMPDIR = '/tmp' }: NodeJS.ProcessEnv) => ({ PATH, HOME, TMPDIR })

/** Of util-linux; a command goes behind it. */
export const withoutPowers = ['setpriv', '--bounding-set=-all', '--inh-caps=-all']

/** What a process says, and how it ends. `find` rejects with all of it when the process ends before. */
export const listenTo = (child: ChildProcess) => {
  let output = ''
  let errors = ''
  const listeners = new Set<() => void>()
  child.stdout?.on('data', (chunk) => {
    output += chunk
    for (const listener of listeners) listener()
  })
  child.stderr?.on('data', (chunk) => {
    errors += chunk
  })
  const ended = new Promise<Ending>((resolve) => {
    child.once('close', (code, signal) => resolve({ code, signal, output, errors }))
  })
  const find = (pattern: RegExp) =>
    new Promise<RegExpExecArray>((resolve, reject) => {
      const look = () => {
        const found = pattern.exec(output)
        if (!found) return
        listeners.delete(look)
        resolve(found)
      }
      listeners.add(look)
      void ended.then(() => reject(new Error(`it ended without saying ${pattern}: ${output}${errors}`)))
      look()
    })
  return { ended, find, output: () => output }
}

/** The server as a process of its own, as an operator starts it. */
export const startProgram = ({ program = 'main', environment, isPowerless }: ProgramOptions): Program => {
  const file = programAt(program)
  const [command, ...rest] = [...(isPowerless ? withoutPowers : []), process.execPath, file]
  const child: ChildProcess = spawn(command ?? '', rest, {
    cwd: folder,
    env: { ...inherited(process.env), PORT: '0', HASH_CONCURRENCY: '1', ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const { ended, find, output } = listenTo(child)
  const ready = find(/ready on (http:\/\/[\w.:[\]]+)/).then(([, url = '']) => url)
  // Most programs are asked for their end, some for nothing but that.
  ready.catch(() => {})
  const children = () =>
    execFileSync('ps', ['-A', '-o', 'pid=,ppid=,args='], { encoding: 'utf8' })
      .split('\n')
      .map((line) => line.trim().split(/\s+/))
      .filter(([, parent, ...args]) => Number(parent) === child.pid && args.includes(file))
      .map(([pid]) => Number(pid))
  return {
    children,
    ready,
    ended,
    output,
    says: async (pattern) => void (await find(pattern)),
    kill: (signal) => void child.kill(signal),
  }
}
