// Starts a server as a program of its own, for programs that try a whole project.
import { spawn } from 'node:child_process'
import { once } from 'node:events'

/**
 * Resolves, when it is ready, to the address that it prints. `stop` ends it with all its processes, since npm does not pass
 * SIGTERM on, and resolves to its exit code.
 */
export const startServer = async (cwd, command, ...args) => {
  const server = spawn(command, args, {
    cwd,
    env: { ...process.env, PORT: '0', LOG_LEVEL: 'info' },
    detached: true,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const exited = once(server, 'exit')
  const url = await new Promise((resolve, reject) => {
    let said = ''
    const listen = (chunk) => {
      said += chunk
      const address = /ready on (http:\/\/\S+)/.exec(said)?.[1]
      if (address === undefined) return
      server.stdout.off('data', listen).resume()
      resolve(address)
    }
    server.stdout.on('data', listen)
    exited.then(([code]) => reject(new Error(`the server ended with ${code} before it was ready: ${said}`)), reject)
  })
  const stop = async () => {
    if (server.exitCode === null) process.kill(-server.pid, 'SIGTERM')
    const [code] = await exited
    return code
  }
  return { url, stop }
}
