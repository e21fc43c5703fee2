import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { text } from 'node:stream/consumers'
import { build } from 'esbuild'
import { freePort } from '../../db/embedded/freePort.ts'
import { repository } from './compile.ts'

/** Somebody at a terminal in the repository, whose data, ports and variables are their own. */
export interface Newcomer {
  /** Starts a server by a command that does not end; resolves to what it said until it was ready. */
  readonly serve: (command: string) => Promise<string>
  /** Runs lines of a shell and resolves to their standard output. Variables stay for later lines and programs. */
  readonly type: (lines: string) => Promise<string>
  /** Runs a program as if its file lay beside package.json; resolves to its standard output. */
  readonly run: (program: string) => Promise<string>
  readonly leave: () => Promise<void>
}

/** What the pages call port 8080 is a free port here, both in what is sent and in what is said. */
const pagePort = 8080

/** Begins with no database and no variable but those that programs need; `project` is where they have it. */
export const createNewcomer = async (project = repository): Promise<Newcomer> => {
  const folder = await mkdtemp(path.join(tmpdir(), 'tsforge-newcomer-'))
  // For the user that PostgreSQL runs under when root runs the tests.
  await chmod(folder, 0o711)
  const port = await freePort()
  const variables = path.join(folder, 'variables.sh')
  await writeFile(variables, '')
  const { PATH = '', HOME = '' } = process.env
  // A machine that is busy with other tests is slow, and nothing is refused for it.
  const patience = { MAX_LOOP_DELAY_MILLISECONDS: '60000', REQUEST_TIMEOUT_SECONDS: '60' }
  const env = { PATH, HOME, DATA_DIR: path.join(folder, 'data'), PORT: String(port), ...patience }
  const servers: Server[] = []
  const here = (lines: string) => lines.replaceAll(`localhost:${pagePort}`, `localhost:${port}`)
  const there = (output: string) => output.replaceAll(`:${port}`, `:${pagePort}`).replaceAll('\r\n', '\n')

  const bash = async (lines: string) => {
    const child = spawn('bash', ['-euo', 'pipefail', '-c', lines], {
      cwd: project,
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const ended = new Promise<number | null>((resolve) => child.once('close', resolve))
    const [output, complaint, code] = await Promise.all([text(child.stdout), text(child.stderr), ended])
    if (code !== 0) throw new Error(`ended with ${code}: ${lines}\n${output}${complaint}`)
    return there(output)
  }

  /** All that is set is exported, so the variables file hands it on. */
  const type = (lines: string) =>
    bash(`set -a; source '${variables}'; set +u\n${here(lines)}\nexport -p > '${variables}'`)

  return {
    type,
    async run(program) {
      const file = path.join(folder, 'program.mjs')
      const { outputFiles } = await build({
        stdin: { contents: here(program), resolveDir: project, loader: 'ts' },
        bundle: true,
        write: false,
        format: 'esm',
        platform: 'node',
        logLevel: 'silent',
      })
      await writeFile(file, outputFiles[0]?.contents ?? '')
      return type(`node '${file}'`)
    },
    async serve(command) {
      // A second one beside the first takes a free port and joins its database.
      const own = servers.length === 0 ? env : { ...env, PORT: '0' }
      const child = spawn('bash', ['-c', `exec ${command}`], {
        cwd: project,
        env: own,
        detached: true,
        stdio: ['ignore', 'pipe', 'pipe'],
      })
      if (child.pid !== undefined) servers.push({ group: child.pid, closed: once(child, 'close') })
      return there(await untilReady(child))
    },
    async leave() {
      // The one that was started first keeps the database, and npm hands no signal on: the group is told.
      for (const server of servers.reverse()) await endGroup(server)
      await rm(folder, { recursive: true, force: true })
    },
  }
}

const untilReady = (child: ChildProcess) =>
  new Promise<string>((resolve, reject) => {
    let said = ''
    const listen = (chunk: Buffer) => {
      said += chunk
      if (/ready on http\S+.*\n/.test(said)) resolve(said)
    }
    child.stdout?.on('data', listen)
    child.stderr?.on('data', listen)
    child.once('exit', () => reject(new Error(`it ended before it was ready: ${said}`)))
  })

interface Server {
  /** The id of the process group, which is that of its first process. */
  readonly group: number
  /** npm may end before its server does, which holds the output open until then. */
  readonly closed: Promise<unknown>
}

const endGroup = async ({ group, closed }: Server) => {
  try {
    process.kill(-group, 'SIGTERM')
  } catch (error) {
    // All of it has ended already.
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
  await closed
}
