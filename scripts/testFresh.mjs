// Clones the repository into an empty folder and runs the README's own commands there, as a newcomer would.
// Usage: node scripts/testFresh.mjs [--quick]
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { startServer } from './startServer.mjs'

const folder = mkdtempSync(path.join(tmpdir(), 'tsforge-fresh-'))
const run = (command, ...args) => execFileSync(command, args, { cwd: folder, stdio: 'inherit' })

/** Starts, opens an account or signs in to it, and stops. */
const visit = async (label, body) => {
  const startedAt = performance.now()
  const { url, stop } = await startServer(folder, 'npm', 'start')
  const readyMs = Math.round(performance.now() - startedAt)
  try {
    const answer = await fetch(`${url}/api/v1/auth/${body.name ? 'register' : 'login'}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
    if (!answer.ok) throw new Error(`${label}: ${answer.status} ${await answer.text()}`)
    console.log(`${label}: ready after ${readyMs} ms, then ${answer.status}`)
  } finally {
    await stop()
  }
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
