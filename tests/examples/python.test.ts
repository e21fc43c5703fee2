import { execFileSync } from 'node:child_process'
import { createServer } from 'node:http'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { freePort } from '../../db/embedded/freePort.ts'
import { startApp, type TestApp } from '../support/app.ts'
import { copyExample, type Example, hasExample } from '../support/example.ts'
import { type FaultProxy, startFaultProxy } from '../support/faultProxy.ts'

const hasPython = () => {
  try {
    return execFileSync('python3', ['-c', 'import sys; print(sys.version_info >= (3, 9))'], { encoding: 'utf8' })
  } catch {
    return ''
  }
}
const canRun = hasPython().startsWith('True')
if (!canRun) console.warn('skipped: there is no python3, or it is older than 3.9')

describe.runIf(hasExample('python') && canRun)('examples/python', () => {
  let example: Example
  let app: TestApp
  let road: FaultProxy
  beforeAll(async () => {
    example = await copyExample('python')
  })
  beforeEach(async () => {
    app = await startApp()
    road = await startFaultProxy(app.url)
  })
  afterEach(async () => {
    await road.close()
    await app.close()
  })
  afterAll(() => example?.remove())

  const walk = (url: string) => example.start('python3', ['tour.py', url]).ended
  const count = async (topic: string) =>
    (await app.sql('select count(*)::int as count from events where topic = $1', [topic]))[0]?.count

  it('walks to the end, a second time too', async () => {
    const first = await walk(app.url)
    expect([first.code, first.errors]).toEqual([0, ''])
    expect(first.output.split('\n')).toEqual([
      'What a refusal looks like:',
      expect.stringMatching(/^ {2}Some fields are not valid; .*'email': 'must be a valid email'/),
      'Signed in as tour@example.org',
      '3 sessions, read two at a time',
      'Sent twice under one key: one tenant',
      'Renewed, and still tour@example.org',
      'Signed out, here and on 2 other devices',
      '',
    ])
    const second = await walk(app.url)
    expect([second.code, second.output, second.errors]).toEqual([0, first.output, ''])
    expect(await app.sql('select 1 from sessions where revoked_at is null')).toEqual([])
  })

  it('does each thing once when answers get lost', async () => {
    const lost: string[] = []
    /** Breaks the connection when the server has done what is asked for, and its answer is on the way. */
    const lose = async (request: string, answer: string) => {
      await road.when('toDatabase', request)
      await road.when('toServer', answer, () => {
        lost.push(request)
        road.reset()
      })
    }
    const losing = [
      lose('POST /api/v1/auth/register', '"tokens"'),
      lose('POST /api/v1/tenants', '"slug"'),
      lose('POST /api/v1/auth/refresh', '"refresh_token"'),
    ]
    const { code, output, errors } = await walk(road.reroute(app.url))
    expect([code, errors]).toEqual([0, ''])
    expect(output).toContain('Signed out')
    await Promise.all(losing)
    expect(lost).toEqual(['POST /api/v1/auth/register', 'POST /api/v1/tenants', 'POST /api/v1/auth/refresh'])
    const topics = ['user.registered', 'tenant.created', 'session.refreshed']
    expect(await Promise.all(topics.map(count))).toEqual([1, 1, 1])
  })

  it('says that a refusal broke off', async () => {
    const port = await freePort()
    const breaking = createServer((_request, reply) => {
      reply.writeHead(503, { 'content-type': 'application/json', 'content-length': '100' })
      reply.write('{"success":', () => reply.destroy())
    }).listen(port, '127.0.0.1')
    const { code, errors } = await walk(`http://127.0.0.1:${port}`)
    breaking.close()
    expect([code, errors]).toEqual([1, expect.stringMatching(/^http:.* does not answer: .*\(unreachable\)\n$/)])
  })

  it('says that there is no server', async () => {
    const { code, errors } = await walk(`http://127.0.0.1:${await freePort()}`)
    expect([code, errors]).toEqual([1, expect.stringMatching(/^http:.* does not answer: .*\(unreachable\)\n$/)])
  })
})
