/**
 * What /me/access and /menus/mine cost a caller whose own set stays the same while the tables around it grow: server
 * CPU a request with 10 and with 10,000 roles and menu entries of others, in turns, the median of the rounds.
 */
import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { Agent, get } from 'node:http'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { Client } from 'pg'
import { startEmbedded } from '../db/embedded/startEmbedded.ts'

const isQuick = process.argv.includes('--quick')
const rounds = isQuick ? 3 : 5
const callsARound = isQuick ? 500 : 3_000
const atOnce = 16
const sizes = [10, 10_000]
const paths = ['/api/v1/me/access', '/api/v1/menus/mine']
/** Kernel ticks of /proc/<pid>/stat, proc(5). */
const microsecondsATick = 10_000

const root = path.resolve(import.meta.dirname, '..')
const folder = mkdtempSync(path.join(tmpdir(), 'tsforge-bench-'))
chmodSync(folder, 0o711)
const agent = new Agent({ keepAlive: true, maxSockets: atOnce })

const cpuOf = (pid: number): number => {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) * microsecondsATick
}

const call = (url: string, token: string): Promise<string> =>
  new Promise((resolve, reject) => {
    get(url, { agent, headers: { authorization: `Bearer ${token}` } }, (reply) => {
      let text = ''
      reply.on('data', (chunk) => {
        text += chunk
      })
      reply.on('end', () =>
        reply.statusCode === 200 ? resolve(text) : reject(new Error(`${reply.statusCode} ${text}`)),
      )
    }).on('error', reject)
  })

interface SignedIn {
  readonly data: { readonly user: { readonly id: string }; readonly tokens: { readonly access_token: string } }
}

const post = async (url: string, body: object): Promise<SignedIn> => {
  const headers = { 'content-type': 'application/json' }
  const reply = await fetch(url, { method: 'POST', headers, body: JSON.stringify(body) })
  return (await reply.json()) as SignedIn
}

/** One server on a database of its own with so many roles and menu entries, and a caller who sees two of each. */
const start = async (size: number) => {
  const dataDir = path.join(folder, String(size))
  const database = await startEmbedded({ dataDir })
  const server = spawn(process.execPath, ['dist/main.js'], {
    cwd: root,
    env: { ...process.env, DATA_DIR: dataDir, PORT: '0', RATE_LIMIT_PER_MINUTE: '0', LOG_LEVEL: 'info' },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const url = await new Promise<string>((resolve) => {
    let text = ''
    server.stdout.on('data', (chunk) => {
      text += chunk
      const found = /ready on (http:\/\/[\d.:]+)/.exec(text)?.[1]
      if (found) resolve(found)
      if (text.length > 10_000) text = ''
    })
  })
  const account = { email: `${randomUUID()}@example.org`, password: 'correct horse battery', name: 'Ada' }
  const { data } = await post(`${url}/api/v1/auth/register`, account)
  await fill(database.ownerUrl, data.user.id, size)
  const stop = async () => {
    server.kill('SIGTERM')
    await new Promise((resolve) => server.once('exit', resolve))
    await database.stop()
  }
  return { size, url, pid: server.pid ?? 0, token: data.tokens.access_token, stop }
}

const fill = async (ownerUrl: string, userId: string, size: number): Promise<void> => {
  const client = new Client({ connectionString: ownerUrl })
  await client.connect()
  await client.query(
    `insert into permissions (id, code, resource, action) values (gen_random_uuid(), 'own.thing', 'own', 'thing'), (gen_random_uuid(), 'foreign.thing', 'foreign', 'thing')`,
  )
  await client.query(
    `insert into roles (id, code, name) select gen_random_uuid(), 'role-' || n, 'Role ' || n from generate_series(1, $1::int) n`,
    [size],
  )
  await client.query(
    `insert into role_permissions (role_id, permission_id) select roles.id, permissions.id from roles, permissions
     where roles.code like 'role-%' and permissions.code = case when roles.code in ('role-1', 'role-2') then 'own.thing' else 'foreign.thing' end`,
  )
  await client.query(
    `insert into user_roles (user_id, role_id) select $1, id from roles where code in ('role-1', 'role-2')`,
    [userId],
  )
  await client.query(
    `insert into menus (id, code, label, required_permission_code) select gen_random_uuid(), 'entry-' || n, 'Entry ' || n,
     case when n <= 2 then 'own.thing' else 'foreign.thing' end from generate_series(1, $1::int) n`,
    [size],
  )
  await client.query('analyze')
  await client.end()
}

const measure = async ({ url, pid, token }: Awaited<ReturnType<typeof start>>, where: string): Promise<number> => {
  const before = cpuOf(pid)
  const each = async () => {
    for (let index = 0; index < callsARound / atOnce; index += 1) await call(url + where, token)
  }
  await Promise.all(Array.from({ length: atOnce }, each))
  return (cpuOf(pid) - before) / callsARound
}

const median = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0

const servers = await Promise.all(sizes.map(start))
try {
  const figures = new Map<string, number[]>()
  for (let round = 0; round <= rounds; round += 1) {
    for (const where of paths) {
      for (const server of servers) {
        const cost = await measure(server, where)
        // The first round warms up.
        if (round > 0) figures.set(`${where} ${server.size}`, [...(figures.get(`${where} ${server.size}`) ?? []), cost])
      }
    }
  }
  console.log('| path | CPU a request with 10 others | with 10,000 | ratio |\n|---|--:|--:|--:|')
  let isOver = false
  for (const where of paths) {
    const [few = 0, many = 0] = sizes.map((size) => median(figures.get(`${where} ${size}`) ?? []))
    isOver ||= many > few * 1.5
    console.log(`| ${where} | ${few.toFixed(0)} us | ${many.toFixed(0)} us | ${(many / few).toFixed(2)} |`)
  }
  process.exitCode = isOver ? 1 : 0
} finally {
  for (const server of servers) await server.stop()
  agent.destroy()
  rmSync(folder, { recursive: true, force: true })
}
