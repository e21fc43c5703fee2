import { spawn } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePort } from '../../db/embedded/freePort.ts'
import { provingEnvironment, type ServerProcess, type ServerStart } from '../support/serverProcess.ts'

const pollMs = 50
const patienceMs = 60_000

/**
 * A server that writes no line for a request, where reading them would take the time of the client. It does not say
 * when it is ready either, so it is asked.
 */
export async function startQuietServer(start: ServerStart): Promise<Pick<ServerProcess, 'url' | 'pid' | 'stop'>> {
  const port = await freePort()
  const child = spawn(process.execPath, [start.program], {
    env: { PATH: process.env.PATH, ...provingEnvironment, PORT: String(port), LOG_LEVEL: 'warn', ...start.environment },
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  const kill = () => void child.kill('SIGKILL')
  process.once('exit', kill)
  const exited = new Promise<number | null>((resolve) => child.once('exit', resolve))
  const stop = () => {
    child.kill('SIGTERM')
    return exited.finally(() => process.off('exit', kill))
  }
  const url = `http://127.0.0.1:${port}`
  const deadline = performance.now() + patienceMs
  while (!(await isUp(url))) {
    if (child.exitCode !== null || performance.now() > deadline) throw new Error('the server did not start')
    await sleep(pollMs)
  }
  return { url, pid: child.pid ?? 0, stop }
}

const isUp = (url: string): Promise<boolean> =>
  fetch(`${url}/livez`).then(
    ({ ok }) => ok,
    () => false,
  )
