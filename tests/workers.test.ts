import { createServer } from 'node:net'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { createDatabase, type TestDatabase } from './support/database.ts'
import { type Program, startProgram } from './support/program.ts'

/** A port that was free a moment ago: workers cannot share one that each of them picks. */
const freePort = async (): Promise<number> => {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  await new Promise((resolve) => server.close(resolve))
  return port
}

describe.each(['uws', 'node'])('CLUSTER_WORKERS on %s', (adapter) => {
  let database: TestDatabase
  let program: Program
  beforeAll(async () => {
    database = await createDatabase()
  })
  afterEach(async () => {
    program.kill('SIGKILL')
    await program.ended
  })
  afterAll(() => database.drop())

  const start = (more: Record<string, string>) => {
    program = startProgram({
      environment: {
        NODE_ENV: 'test',
        HTTP_ADAPTER: adapter,
        JWT_SECRET: 'a signing secret for tests of 32 bytes or more',
        DATABASE_URL: database.appUrl,
        DATABASE_GATE_URL: database.gateUrl,
        DATABASE_MIGRATE_URL: database.ownerUrl,
        CLUSTER_WORKERS: '2',
        ...more,
      },
    })
    return program
  }

  it('serves from several processes, replaces one that dies, and ends all at SIGTERM with 0', async () => {
    start({ PORT: String(await freePort()) })
    const url = await program.ready
    expect(program.output()).toContain('(2 workers)')
    const workers = program.children()
    expect(workers).toHaveLength(2)
    process.kill(workers[0] as number, 'SIGKILL')
    await program.says(/a worker died and is replaced/)
    expect((await fetch(`${url}/readyz`)).status).toBe(200)
    program.kill('SIGTERM')
    const { code, output } = await program.ended
    expect([code, output.includes('draining the workers')]).toEqual([0, true])
    expect(program.children()).toEqual([])
  })

  it('refuses a port of its own choosing for each', async () => {
    start({ PORT: '0' })
    const { code, errors } = await program.ended
    expect([code, errors]).toEqual([1, expect.stringContaining('CLUSTER_WORKERS')])
  })

  it('ends with 1 when the workers cannot start', async () => {
    const port = await freePort()
    const taken = createServer()
    await new Promise<void>((resolve) => taken.listen({ port, host: '127.0.0.1' }, resolve))
    start({ PORT: String(port) })
    const { code, errors } = await program.ended
    await new Promise((resolve) => taken.close(resolve))
    expect([code, errors]).toEqual([1, expect.stringContaining('The port is in use')])
  })
})
