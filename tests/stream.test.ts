import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { withConnection } from '../db/oneConnection.ts'
import { type Account, login, register, registerAdmin } from './support/accounts.ts'
import { adapters, startApp, type TestApp } from './support/app.ts'
import { createDatabase } from './support/database.ts'
import { grant, withdraw } from './support/grants.ts'
import { type Frame, type OpenStream, openSse } from './support/sse.ts'

describe.each(adapters)('the stream over %s', (adapter) => {
  let app: TestApp
  let admin: Account
  const open: OpenStream[] = []

  beforeAll(async () => {
    app = await startApp({ adapter })
    admin = await registerAdmin(app)
  })
  afterAll(async () => {
    for (const stream of open) stream.close()
    await app.close()
  })

  const follow = async (account: Account, { query = '', headers = {} } = {}): Promise<OpenStream> => {
    // Else it may begin with what was done right before.
    await app.caughtUp()
    const stream = await openSse(`${app.url}/api/v1/stream${query}`, {
      authorization: `Bearer ${account.accessToken}`,
      ...headers,
    })
    open.push(stream)
    return stream
  }
  const createMenu = (code: string, headers = {}) =>
    app.request('POST', '/api/v1/menus', { token: admin.accessToken, body: { code, label: code }, headers })
  const isMenu = (code: string) => (frame: Frame) => frame.data.payload?.code === code
  const topicsOf = (frames: readonly Frame[]) => frames.map(({ event }) => event)

  it('tells a change as it is made, with who, what and in which call', async () => {
    const stream = await follow(admin)
    expect(stream.status).toBe(200)
    expect(stream.headers.get('content-type')).toBe('text/event-stream; charset=utf-8')
    const { body } = await createMenu('told', { 'x-request-id': 'told-1' })
    const frame = await stream.next()
    expect(frame).toMatchObject({
      event: 'menu.created',
      data: {
        topic: 'menu.created',
        target: body.data.id,
        tenant_id: null,
        actor_id: admin.id,
        request_id: 'told-1',
        payload: { code: 'told', label: 'told' },
      },
    })
    expect(frame?.id).toBe(frame?.data.id)
    expect(stream.text()).toMatch(/^retry: 1000\nid: [0-9a-f]{8}\.\d+\n\n/)
  })

  it('goes on behind the event that a reader names, in order and without one twice', async () => {
    const first = await follow(admin)
    await createMenu('resume-0')
    const [start] = await first.until(isMenu('resume-0'))
    first.close()
    for (let n = 1; n <= 5; n++) await createMenu(`resume-${n}`)
    for (const place of [{ headers: { 'last-event-id': start?.id ?? '' } }, { query: `?last_event_id=${start?.id}` }]) {
      const again = await follow(admin, place)
      const seen = await again.until(isMenu('resume-5'))
      expect(seen.map(({ data }) => data.payload.code)).toEqual([1, 2, 3, 4, 5].map((n) => `resume-${n}`))
    }
  })

  it.each(['nonsense', '00000000.5', 'ffffffff.999999999'])('answers the unknown id %s with a gap', async (id) => {
    const stream = await follow(admin, { headers: { 'last-event-id': id } })
    const gap = await stream.next()
    expect(gap).toMatchObject({ event: 'gap', data: { topic: 'gap', from: id } })
    expect(gap?.data.to).toBe(gap?.id)
    await createMenu(`after-${id}`)
    expect(await stream.next()).toMatchObject({ event: 'menu.created' })
  })

  it('answers with a gap what has been trimmed, and goes on with what is left', async () => {
    const account = await register(app)
    const first = await follow(account)
    await app.request('POST', '/api/v1/stream/ticket', { token: account.accessToken })
    const before = await first.next()
    first.close()
    await login(app, account.email)
    await app.caughtUp()
    await app.sql("update events set occurred_at = now() - interval '2 days' where position is not null")
    await app.sql("select trim_events(now() - interval '1 day', 100000)")
    await login(app, account.email)
    const again = await follow(account, { headers: { 'last-event-id': before?.id ?? '' } })
    const [gap, next] = [await again.next(), await again.next()]
    expect(gap).toMatchObject({ event: 'gap', data: { from: before?.id } })
    expect(next?.event).toBe('session.started')
  })

  it('takes topics as a list, and refuses those that do not exist', async () => {
    const stream = await follow(admin, { query: '?topics=role.created,menu.deleted' })
    const { body } = await createMenu('filtered')
    await app.request('DELETE', `/api/v1/menus/${body.data.id}`, { token: admin.accessToken })
    expect(topicsOf([(await stream.next()) as Frame])).toEqual(['menu.deleted'])
    const refused = await app.request('GET', '/api/v1/stream?topics=menu.nothing', { token: admin.accessToken })
    expect([refused.status, refused.body.error.code]).toEqual([400, 'validation'])
  })

  it('shows a person their own events and nobody else’s', async () => {
    const [ada, eve] = [await register(app), await register(app)]
    await app.caughtUp()
    const stream = await follow(ada)
    await login(app, eve.email)
    await createMenu('not for ada')
    await login(app, ada.email)
    const frame = await stream.next()
    expect(frame).toMatchObject({ event: 'session.started', data: { actor_id: null } })
    await app.request('POST', `/api/v1/users/${ada.id}/enable`, { token: admin.accessToken })
    expect(await stream.next()).toMatchObject({ event: 'user.enabled', data: { actor_id: admin.id } })
  })

  it('shows the events of a tenant to members with events.read, also replayed, until they lose it', async () => {
    const owner = await register(app)
    const member = await register(app)
    const created = await app.request('POST', '/api/v1/tenants', {
      token: owner.accessToken,
      body: { slug: `t-${owner.id.slice(-8)}`, name: 'T' },
    })
    const tenant = created.body.data
    const inTenant = { headers: { 'x-tenant-id': tenant.id } }
    await app.request('POST', `/api/v1/tenants/${tenant.id}/members`, {
      token: owner.accessToken,
      body: { email: member.email },
    })
    const role = await grant(app, member, { permissions: ['events.read'], tenant })
    const stream = await follow(member, inTenant)
    await app.request('PATCH', `/api/v1/tenants/${tenant.id}`, { token: owner.accessToken, body: { name: 'T2' } })
    const seen = await stream.until(({ event }) => event === 'tenant.updated')
    expect(seen.at(-1)?.data).toMatchObject({ tenant_id: tenant.id, payload: { name: 'T2' } })

    await withdraw(app, member, role)
    const replayed = await follow(member, {
      headers: { ...inTenant.headers, 'last-event-id': `${seen[0]?.id?.split('.')[0]}.0` },
    })
    await login(app, member.email)
    const shown = await replayed.until(({ event }) => event === 'session.started')
    expect(topicsOf(shown)).not.toContain('tenant.updated')

    await app.request('DELETE', `/api/v1/tenants/${tenant.id}/members/${member.id}`, { token: owner.accessToken })
    const rest: Frame[] = []
    for (let frame = await stream.next(); frame; frame = await stream.next()) rest.push(frame)
    expect(topicsOf(rest)).not.toContain('tenant.member_removed')
  })

  it('keeps tenants apart, also when all of the log is replayed', async () => {
    const side = async (letter: string) => {
      const owner = await register(app)
      const body = { slug: `${letter}-${owner.id.slice(-8)}`, name: letter }
      const tenant = (await app.request('POST', '/api/v1/tenants', { token: owner.accessToken, body })).body.data
      await grant(app, owner, { permissions: ['events.read', 'menu.manage'], tenant })
      const headers = { 'x-tenant-id': tenant.id }
      const menu = { token: owner.accessToken, headers, body: { code: `menu-${letter}`, label: letter } }
      await app.request('POST', '/api/v1/menus', menu)
      return { owner, tenant, headers }
    }
    const [b, a] = [await side('b'), await side('a')]
    await app.caughtUp()
    const [log] = await app.sql('select epoch from event_log')
    const replay = await follow(a.owner, { headers: { ...a.headers, 'last-event-id': `${log?.epoch}.0` } })
    const seen = await replay.until(({ event, data }) => event === 'menu.created' && data.tenant_id === a.tenant.id)
    expect(seen.filter(({ data }) => data.tenant_id === b.tenant.id || data.actor_id === b.owner.id)).toEqual([])
    const refused = await app.request('GET', '/api/v1/stream', { token: a.owner.accessToken, headers: b.headers })
    expect([refused.status, refused.body.error.code]).toEqual([403, 'tenant.forbidden'])
  })

  it.each([
    [
      'the session ends',
      (account: Account) => app.request('POST', '/api/v1/auth/logout', { token: account.accessToken }),
    ],
    [
      'the person is disabled',
      ({ id }: Account) => app.request('POST', `/api/v1/users/${id}/disable`, { token: admin.accessToken }),
    ],
    [
      'the session expires in the database',
      ({ id }: Account) => app.sql('update sessions set expires_at = now() where user_id = $1', [id]),
    ],
  ])('closes when %s', async (_, end) => {
    const account = await register(app)
    const stream = await follow(account)
    await end(account)
    for (let frame = await stream.next(); frame; frame = await stream.next());
    const again = await openSse(`${app.url}/api/v1/stream`, { authorization: `Bearer ${account.accessToken}` })
    expect(again.status).toBe(401)
  })

  it('closes when the API key is revoked', async () => {
    const account = await register(app)
    const { body } = await app.request('POST', '/api/v1/api-keys', {
      token: account.accessToken,
      body: { name: 'k', scopes: ['*'] },
    })
    const stream = await openSse(`${app.url}/api/v1/stream`, { authorization: `Bearer ${body.data.plaintext}` })
    expect(stream.status).toBe(200)
    await app.request('DELETE', `/api/v1/api-keys/${body.data.id}`, { token: account.accessToken })
    for (let frame = await stream.next(); frame; frame = await stream.next())
      expect(frame.event).not.toBe('apikey.revoked')
  })

  it('opens with a ticket, once, in the tenant it was issued for', async () => {
    const account = await register(app)
    const issued = await app.request('POST', '/api/v1/stream/ticket', { token: account.accessToken })
    expect(issued.status).toBe(201)
    const url = `${app.url}/api/v1/stream?ticket=${issued.body.data.ticket}`
    const [one, other] = await Promise.all([openSse(url), openSse(url)])
    expect([one.status, other.status].sort()).toEqual([200, 401])
    one.close()
    other.close()
    const refused = await app.request('GET', `/api/v1/stream?ticket=${issued.body.data.ticket}`)
    expect(refused.body.error.code).toBe('stream.ticket_invalid')
    const late = await app.request('POST', '/api/v1/stream/ticket', { token: account.accessToken })
    await app.sql('update stream_tickets set expires_at = now()')
    const tooLate = await app.request('GET', `/api/v1/stream?ticket=${late.body.data.ticket}`)
    expect(tooLate.body.error.code).toBe('stream.ticket_invalid')
  })

  it('refuses the eleventh stream of a person', async () => {
    const account = await register(app)
    const streams = await Promise.all(Array.from({ length: 10 }, () => follow(account)))
    const eleventh = await app.request('GET', '/api/v1/stream', { token: account.accessToken })
    expect([eleventh.status, eleventh.body.error.code]).toEqual([429, 'rate_limited'])
    for (const stream of streams) stream.close()
  })

  it('answers HEAD without a stream', async () => {
    const reply = await app.request('HEAD', '/api/v1/stream', { token: admin.accessToken })
    expect([reply.status, reply.headers.get('content-type')]).toEqual([200, 'text/event-stream; charset=utf-8'])
  })
})

it('ends its streams when the server stops, and counts none as a running call', async () => {
  const app = await startApp()
  const account = await register(app)
  const stream = await openSse(`${app.url}/api/v1/stream`, { authorization: `Bearer ${account.accessToken}` })
  const closing = app.close()
  for (let frame = await stream.next(); frame; frame = await stream.next());
  await closing
})

it('ends a stream after its lifetime', async () => {
  const app = await startApp({ environment: { STREAM_LIFETIME_SECONDS: '1' } })
  const account = await register(app)
  const stream = await openSse(`${app.url}/api/v1/stream`, { authorization: `Bearer ${account.accessToken}` })
  // What it is told before is none of this test's business.
  for (let frame = await stream.next(); frame; frame = await stream.next());
  await app.close()
})

it('refuses streams beyond what the instance may hold', async () => {
  const app = await startApp({ environment: { STREAMS_MAX: '0' } })
  const account = await register(app)
  const refused = await app.request('GET', '/api/v1/stream', { token: account.accessToken })
  expect([refused.status, refused.body.error.code]).toEqual([503, 'overloaded'])
  await app.close()
})

it('closes on every instance when the session ends on another, and tells there what happened here', async () => {
  const database = await createDatabase()
  const [here, there] = await Promise.all([startApp({ database }), startApp({ database })])
  const account = await register(here)
  const stream = await openSse(`${there.url}/api/v1/stream`, { authorization: `Bearer ${account.accessToken}` })
  await login(here, account.email)
  await stream.until(({ event }) => event === 'session.started')
  await here.request('POST', '/api/v1/auth/logout', { token: account.accessToken })
  for (let frame = await stream.next(); frame; frame = await stream.next());
  await Promise.all([here.close(), there.close()])
  await database.drop()
})

it('goes on when the connection that listens is lost, and listens again', async () => {
  const database = await createDatabase()
  const app = await startApp({ database })
  const account = await register(app)
  const stream = await openSse(`${app.url}/api/v1/stream`, { authorization: `Bearer ${account.accessToken}` })
  const listeners = `select pid from pg_stat_activity where datname = current_database() and application_name like '% events'`
  const pidOf = async () => (await app.sql(listeners))[0]?.pid
  let first = await pidOf()
  while (first === undefined) first = await pidOf()
  // A role may end its own connections.
  await withConnection(database.appUrl, (client) => client.query('select pg_terminate_backend($1)', [first]))
  await login(app, account.email)
  await stream.until(({ event }) => event === 'session.started')
  let next = await pidOf()
  while (next === undefined || next === first) next = await pidOf()
  stream.close()
  await app.close()
  await database.drop()
})
