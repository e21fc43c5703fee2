import { execFileSync, spawn } from 'node:child_process'
import { closeSync, constants, existsSync, mkdtempSync, openSync, read, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { freePort } from '../db/embedded/freePort.ts'
import { writeLines } from '../server/platform/logLines.ts'
import { createDatabase, type TestDatabase } from './support/database.ts'
import { listenTo } from './support/program.ts'
import { programAt } from './support/programs.ts'

const fullDisk = '/dev/full'

describe.skipIf(!existsSync(fullDisk))('a server whose log cannot be written', () => {
  let database: TestDatabase
  beforeAll(async () => {
    database = await createDatabase()
  })
  afterAll(() => database.drop())

  it('goes on, says so once on standard error, and ends well', async () => {
    const port = await freePort()
    const file = openSync(fullDisk, 'w')
    const server = spawn(process.execPath, [programAt('main')], {
      cwd: join(import.meta.dirname, '..'),
      env: {
        ...process.env,
        NODE_ENV: 'test',
        PORT: String(port),
        JWT_SECRET: 'a signing secret for tests of 32 bytes or more',
        DATABASE_URL: database.appUrl,
        DATABASE_GATE_URL: database.gateUrl,
        DATABASE_MIGRATE_URL: database.ownerUrl,
      },
      stdio: ['ignore', file, 'pipe'],
    })
    closeSync(file)
    onTestFinished(() => void server.kill('SIGKILL'))
    const { ended } = listenTo(server)
    const status = (path: string) =>
      fetch(`http://127.0.0.1:${port}${path}`).then(
        (reply) => reply.status,
        () => 0,
      )
    await expect.poll(() => status('/livez'), { timeout: 30_000 }).toBe(200)
    for (let call = 0; call < 50; call += 1) expect(await status('/api/v1/auth/me')).toBe(401)
    server.kill('SIGTERM')
    const { code, errors } = await ended
    expect([code, errors]).toEqual([0, expect.stringMatching(/^\S+ cannot write its log: ENOSPC[^\n]*\n$/)])
  }, 60_000)
})

describe('lines for a reader that stands still', () => {
  const folder = mkdtempSync(join(tmpdir(), 'tsforge-lines-'))
  afterAll(() => rmSync(folder, { recursive: true }))

  it('are held up to a number of bytes, and those that were dropped are told when it reads on', async () => {
    const pipe = join(folder, 'pipe')
    execFileSync('mkfifo', [pipe])
    const file = openSync(pipe, constants.O_RDWR)
    const lines = 1_000
    const log = writeLines({ base: null }, { file, heldBytes: 100_000 })
    // More than the pipe and the bytes that are held have room for together.
    for (let line = 0; line < lines; line += 1) log.info({ line, text: 'x'.repeat(1_000) })
    let text = ''
    while (!/"dropped":\d+/.test(text)) {
      const { bytesRead, buffer } = await promisify(read)(file, Buffer.alloc(65_536), 0, 65_536, null)
      text += buffer.toString('utf8', 0, bytesRead)
    }
    closeSync(file)
    const whole = text.split('\n').filter((line) => line.includes('"line"'))
    expect(Number(/"dropped":(\d+)/.exec(text)?.[1])).toBe(lines - whole.length)
    expect(text.length).toBeLessThan(lines * 500)
  })
})

it('lines that wait to go out together are written when the process ends at once', () => {
  const program = `
    import { writeLines } from './server/platform/logLines.ts'
    const log = writeLines({ base: null }, { file: 1 })
    log.info('the last but one')
    log.info('the last')
    process.exit(0)`
  const root = join(import.meta.dirname, '..')
  const node = ['--import', 'tsx', '--input-type=module', '--eval', program]
  const lines = execFileSync(process.execPath, node, { cwd: root, encoding: 'utf8' }).trim().split('\n')
  expect(lines.map((line) => JSON.parse(line).msg)).toEqual(['the last but one', 'the last'])
})
