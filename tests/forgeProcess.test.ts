import { type ChildProcess, spawn } from 'node:child_process'
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, expect, it } from 'vitest'

const password = 'correct horse battery'
let folder = ''
const servers: ChildProcess[] = []

beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'tsforge-forge-'))
  // For the user that PostgreSQL runs under when root runs the tests.
  chmodSync(folder, 0o711)
})
afterAll(async () => {
  await Promise.all(servers.map(stop))
  rmSync(folder, { recursive: true, force: true })
})

/** As a developer would run it: no variable set but where the data is, and a free port. */
const run = (script: string, ...args: string[]) =>
  spawn(process.execPath, [`scripts/${script}.mjs`, ...args], {
    env: { PATH: process.env.PATH, HOME: process.env.HOME, DATA_DIR: folder, PORT: '0' },
    stdio: ['pipe', 'pipe', 'pipe'],
  })

const ended = async (child: ChildProcess): Promise<number | null> => {
  if (child.exitCode !== null) return child.exitCode
  return new Promise((resolve) => child.once('exit', resolve))
}

const stop = (child: ChildProcess) => {
  child.kill('SIGTERM')
  return ended(child)
}

/** Resolves when the server is ready, to its address and what it has said until then. */
const startServer = async () => {
  const child = run('start')
  servers.push(child)
  const complaint = text(child.stderr)
  return new Promise<{ child: ChildProcess; url: string; said: string }>((resolve, reject) => {
    let said = ''
    child.stdout.on('data', (chunk) => {
      said += chunk
      const url = /ready on (http:\/\/[^ ]+)/.exec(said)?.[1]
      if (url) resolve({ child, url, said })
    })
    child.once('exit', async () => reject(new Error(`the server ended: ${said}${await complaint}`)))
  })
}

const forge = async (...args: string[]) => {
  const child = run('forge', ...args)
  child.stdin.end(`${password}\n`)
  const [out, err, code] = await Promise.all([text(child.stdout), text(child.stderr), ended(child)])
  return { code, out, err }
}

const createAdmin = () => forge('admin', 'create', '--email', 'ada@example.org', '--password-stdin')

it('makes the first administrator beside a running server, which asks for one until there is one', {
  timeout: 120_000,
}, async () => {
  const first = await startServer()
  const asked = first.said.split('\n').filter((line) => line.includes('there is no administrator yet'))
  expect(asked).toHaveLength(1)
  expect(asked[0]).toContain('npm run forge -- admin create --email ada@example.org --password-stdin')

  const runs = await Promise.all([createAdmin(), createAdmin()])
  expect(runs.map(({ code }) => code).sort()).toEqual([0, 1])
  expect(runs.map(({ out, err }) => out + err).sort()).toEqual([
    'The account ada@example.org is made, and it is an administrator.\n',
    'ada@example.org is an administrator already: sign in.\n',
  ])
  const reply = await fetch(`${first.url}/api/v1/auth/login`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ email: 'ada@example.org', password }),
  })
  const { data } = (await reply.json()) as { data: { user: { role: string } } }
  expect([reply.status, data.user.role]).toEqual([200, 'admin'])
  expect(await stop(first.child)).toBe(0)

  // Nothing runs now: the database is started for the command and stopped after it.
  expect(await createAdmin()).toEqual({
    code: 1,
    out: '',
    err: 'ada@example.org is an administrator already: sign in.\n',
  })
  const second = await startServer()
  expect(second.said).not.toContain('there is no administrator yet')
  expect(await stop(second.child)).toBe(0)
})
