// Clones the repository into an empty folder and runs the README's own commands there, as a newcomer would.
import { execFileSync, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'

const folder = mkdtempSync(path.join(tmpdir(), 'tsforge-fresh-'))
const run = (command, ...args) => execFileSync(command, args, { cwd: folder, stdio: 'inherit' })
const environment = { ...process.env, PORT: '0', LOG_LEVEL: 'info' }

/** Resolves to the address in the line that a ready server prints, and the milliseconds until then. */
const start = () => {
  const startedAt = performance.now()
  const server = spawn('npm', ['start'], {
    cwd: folder,
    env: environment,
    detached: true,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const ready = new Promise((resolve, reject) => {
    let text = ''
    server.stdout.on('data', (chunk) => {
      text += chunk
      const url = /ready on (http:\/\/\S+)/.exec(text)?.[1]
      if (url) resolve({ url, readyMs: Math.round(performance.now() - startedAt) })
    })
    server.on('exit', (code) => reject(new Error(`the server ended with ${code} before it was ready`)))
  })
  return { server, ready }
}

const stop = (server) =>
  new Promise((resolve) => {
    server.removeAllListeners('exit')
    server.on('exit', resolve)
    process.kill(-server.pid, 'SIGTERM')
  })

/** Starts, asks for the health, opens an account where there is none, and stops. */
const visit = async (label, body) => {
  const { server, ready } = start()
  const { url, readyMs } = await ready
  const answer = await fetch(`${url}/api/v1/auth/${body.name ? 'register' : 'login'}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  await stop(server)
  if (!answer.ok) throw new Error(`${label}: ${answer.status} ${await answer.text()}`)
  console.log(`${label}: ready after ${readyMs} ms, then ${answer.status}`)
}

try {
  run('git', 'clone', '--quiet', path.resolve(import.meta.dirname, '..'), '.')
  run('npm', 'ci')
  const account = { email: 'ada@example.org', password: 'correct horse battery' }
  await visit('first start', { ...account, name: 'Ada' })
  await visit('second start', account)
  if (!process.argv.includes('--quick')) run('npm', 'test')
} finally {
  rmSync(folder, { recursive: true, force: true })
}
