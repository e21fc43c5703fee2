import { execFile, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { cp, mkdir, mkdtemp, readFile, realpath, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'
import { packClient } from '../../scripts/packClient.ts'
import { repository } from './compile.ts'
import { type Ending, listenTo } from './program.ts'

const run = promisify(execFile)

export interface Example {
  readonly folder: string
  /** Runs a command there to its end. Rejects with what it said when it ends with anything but 0. */
  readonly run: (command: string, args: readonly string[], variables?: Variables) => Promise<string>
  /** Starts a command there that goes on. */
  readonly start: (command: string, args: readonly string[], variables?: Variables) => ExampleProgram
  /** Puts an end to what still runs there, and removes the copy. */
  readonly remove: () => Promise<void>
}

export interface ExampleProgram {
  readonly output: () => string
  /** Resolves when a line of the output matches; rejects when the program ends before. */
  readonly says: (pattern: RegExp) => Promise<void>
  readonly ended: Promise<Ending>
  readonly kill: (signal: NodeJS.Signals) => void
}

type Variables = Readonly<Record<string, string>>

/**
 * Vitest's own NODE_ENV would make a page of React's development build. Programs write in colours where CI is set, and
 * `says` looks for plain words.
 */
const inherited = { ...process.env, NODE_ENV: undefined, FORCE_COLOR: undefined, NO_COLOR: '1' }

/** Whether this project has the example, which one that was made from it has not; then it says that its tests are skipped. */
export const hasExample = (name: string): boolean => {
  const isThere = existsSync(path.join(repository, 'examples', name))
  if (!isThere) console.warn(`skipped: there is no examples/${name}`)
  return isThere
}

/** A folder of examples/ as Git has it, copied out of the repository: nothing but its own packages is in its reach. */
export const copyExample = async (name: string): Promise<Example> => {
  const folder = await realpath(await mkdtemp(path.join(tmpdir(), `tsforge-example-${name}-`)))
  const source = path.join(repository, 'examples', name)
  const { stdout } = await run('git', ['ls-files', '-co', '--exclude-standard'], { cwd: source })
  for (const file of stdout.trim().split('\n')) {
    await mkdir(path.dirname(path.join(folder, file)), { recursive: true })
    await cp(path.join(source, file), path.join(folder, file))
  }
  const programs = new Set<ExampleProgram>()
  return {
    folder,
    async run(command, args, variables = {}) {
      const options = { cwd: folder, env: { ...inherited, ...variables }, maxBuffer: 1e7 }
      const failed = ({ stdout, stderr }: { stdout: string; stderr: string }) => {
        throw new Error(`${command} ${args.join(' ')} failed: ${stdout}${stderr}`)
      }
      return (await run(command, args, options).catch(failed)).stdout
    },
    start(command, args, variables = {}) {
      const env = { ...inherited, ...variables }
      const child = spawn(command, args, { cwd: folder, env, stdio: ['ignore', 'pipe', 'pipe'] })
      const { ended, find, output } = listenTo(child)
      const program: ExampleProgram = {
        ended,
        output,
        says: async (pattern) => void (await find(pattern)),
        kill: (signal) => void child.kill(signal),
      }
      programs.add(program)
      void ended.then(() => programs.delete(program))
      return program
    },
    async remove() {
      const running = [...programs]
      for (const { kill } of running) kill('SIGKILL')
      await Promise.all(running.map(({ ended }) => ended))
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/** Makes the tarball of the client that the example names, as its README says, and installs what its lock names. */
export const installWithClient = async (example: Example): Promise<void> => {
  const packed = path.join(example.folder, '.client')
  await packClient(packed)
  const [tarball] = JSON.parse(await example.run('npm', ['pack', packed, '--json', '--loglevel', 'error']))
  await rm(packed, { recursive: true })
  const { dependencies } = JSON.parse(await readFile(path.join(example.folder, 'package.json'), 'utf8'))
  if (dependencies['tsforge-client'] !== `file:${tarball.filename}`)
    throw new Error(`the example asks for ${dependencies['tsforge-client']}, and the client is ${tarball.filename}`)
  await example.run('npm', ['ci', '--ignore-scripts', '--prefer-offline', '--no-audit', '--no-fund'])
}
