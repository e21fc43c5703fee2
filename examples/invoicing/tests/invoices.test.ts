import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createClient } from '../../../client-sdk/index.ts'
import { type Account, password, register } from '../../../tests/support/accounts.ts'
import { adapters, startApp, type TestApp } from '../../../tests/support/app.ts'
import { grant } from '../../../tests/support/grants.ts'
import { found, type Tenant } from '../../../tests/support/tenants.ts'

describe.each(adapters)('invoices on %s', (adapter) => {
  let app: TestApp
  let owner: Account
  let tenant: Tenant

  beforeAll(async () => {
    app = await startApp({ adapter, environment: { FLAGS_TTL_SECONDS: '1' } })
    owner = await register(app)
    tenant = await found(app, owner)
    await grant(app, owner, { permissions: ['invoices.manage'], tenant })
  })
  afterAll(() => app.close())

  const send = (method: string, path: string, body?: unknown, more: object = {}) =>
    app.request(method, `/api/v1/invoices${path}`, {
      token: owner.accessToken,
      headers: { 'x-tenant-id': tenant.id, ...more },
      body,
    })
  const create = async (fields: object = {}) => {
    const lines = [{ text: 'Work', quantity: 3, unit_cents: 2_500 }]
    const body = { number: `N-${Math.random()}`, customer: 'Ada', lines, ...fields }
    return (await send('POST', '', body)).body.data
  }
  const codeOf = (reply: { status: number; body: { error?: { code: string } } }) => [
    reply.status,
    reply.body?.error?.code,
  ]

  it('writes an invoice with its lines and adds them up', async () => {
    const made = await create({ number: '2026-1', due_on: '2026-12-31' })
    expect(made).toMatchObject({ number: '2026-1', status: 'draft', due_on: '2026-12-31', total_cents: 7_500 })
    expect((await send('GET', `/${made.id}`)).body.data).toEqual(made)
    for (const day of ['0000-01-01', '2026-02-30']) {
      const nowhere = { number: day, customer: 'Ada', due_on: day }
      expect(codeOf(await send('POST', '', nowhere))).toEqual([400, 'validation'])
    }
    expect(codeOf(await send('POST', '', { number: '2026-1', customer: 'Bob' }))).toEqual([
      409,
      'invoices.number_taken',
    ])
  })

  it('writes one for a key, however often it is asked', async () => {
    const body = { number: 'once', customer: 'Ada' }
    const [first, second] = [
      await send('POST', '', body, { 'idempotency-key': 'k' }),
      await send('POST', '', body, { 'idempotency-key': 'k' }),
    ]
    expect(second.body.data).toEqual(first.body.data)
  })

  it('lists by customer, status and due day, a page at a time', async () => {
    const ids = []
    for (const day of ['2027-01-01', '2027-02-01', '2027-03-01'])
      ids.push((await create({ customer: 'Zoe', due_on: day })).id)
    const list = async (query: string) => (await send('GET', `?${query}`)).body.data
    const first = await list('q=zoe&limit=2&total=true')
    expect([first.items.map(({ id }: { id: string }) => id), first.total]).toEqual([[ids[2], ids[1]], 3])
    const rest = await list(`q=zoe&limit=2&cursor=${first.next_cursor}`)
    expect([rest.items.map(({ id }: { id: string }) => id), rest.next_cursor]).toEqual([[ids[0]], null])
    expect((await list('q=zoe&due_before=2027-02-01')).items).toHaveLength(1)
    expect((await list('q=zoe&status=sent')).items).toEqual([])
    expect(codeOf(await send('GET', `?q=ada&cursor=${first.next_cursor}`))).toEqual([400, 'cursor.invalid'])
  })

  it('delivers what was sent, once, and keeps it as it is', async () => {
    const { id } = await create()
    expect((await send('POST', `/${id}/send`)).body.data.status).toBe('sent')
    expect(codeOf(await send('POST', `/${id}/send`))).toEqual([409, 'invoices.not_a_draft'])
    expect(codeOf(await send('DELETE', `/${id}`))).toEqual([409, 'invoices.not_a_draft'])
    await app.caughtUp()
    await expect
      .poll(
        async () => {
          await app.consumers.look()
          return (await send('GET', `/${id}`)).body.data.delivered_at
        },
        { timeout: 20_000 },
      )
      .not.toBeNull()
    const told = await app.sql('select topic from events where target = $1 order by sequence', [id])
    expect(told.map(({ topic }) => topic)).toEqual(['invoice.created', 'invoice.sent', 'invoice.delivered'])
  })

  it('marks what is overdue, in all tenants', async () => {
    const { id } = await create({ due_on: '2020-01-01' })
    await send('POST', `/${id}/send`)
    // The first look takes note of the duty; its next tick is due when the last one was a year ago.
    await app.duties.look()
    await app.sql("update duties set tick = tick - interval '1 year' where name = 'invoices.markOverdue'")
    await expect
      .poll(
        async () => {
          await app.duties.look()
          return (await send('GET', `/${id}`)).body.data.status
        },
        { timeout: 20_000 },
      )
      .toBe('overdue')
    expect(await app.sql("select 1 from events where target = $1 and topic = 'invoice.overdue'", [id])).toHaveLength(1)
  })

  it('is there for those who may, in their tenant alone', async () => {
    const { id } = await create()
    const stranger = await register(app)
    const ask = (token: string, headers: Record<string, string>) =>
      app.request('GET', `/api/v1/invoices/${id}`, { token, headers })
    expect(codeOf(await ask(stranger.accessToken, { 'x-tenant-id': tenant.id }))).toEqual([403, 'tenant.forbidden'])
    expect(codeOf(await ask(owner.accessToken, {}))).toEqual([403, 'rbac.permission_required'])
    const other = await found(app, owner)
    await grant(app, owner, { permissions: ['invoices.manage'], tenant: other })
    expect(codeOf(await ask(owner.accessToken, { 'x-tenant-id': other.id }))).toEqual([404, 'invoices.not_found'])
    expect(codeOf(await send('DELETE', `/${id}`))).toEqual([204, undefined])
    expect(codeOf(await send('GET', `/${id}`))).toEqual([404, 'invoices.not_found'])
  })

  it('has its place in the navigation and its health', async () => {
    const headers = { 'x-tenant-id': tenant.id }
    const mine = await app.request('GET', '/api/v1/menus/mine', { token: owner.accessToken, headers })
    expect(mine.body.data.map(({ code }: { code: string }) => code)).toContain('invoices')
    const health = async () => (await app.request('GET', '/admin/healthz')).body
    expect((await health()).data.modules).toContainEqual({ name: 'invoices', healthy: true })
    await app.sql(
      "insert into event_dead_letters (consumer, position, attempts, failure) values ('invoices.deliver', 1, 8, 'away')",
    )
    expect((await health()).error.meta.modules).toContainEqual({
      name: 'invoices',
      healthy: false,
      detail: expect.stringContaining('1 invoices were not delivered'),
    })
    await app.sql("delete from event_dead_letters where consumer = 'invoices.deliver'")
  })

  it('cannot be sent while its flag is off', async () => {
    const { id } = await create()
    await app.sql(
      `insert into flags (name, value, rules) values ('invoices.delivery', 'false', '[]')
       on conflict (name) do update set value = excluded.value`,
    )
    await expect.poll(async () => (await send('POST', `/${id}/send`)).status, { timeout: 20_000 }).toBe(404)
    await app.sql("delete from flags where name = 'invoices.delivery'")
  })

  it('belongs to a tenant', async () => {
    await grant(app, owner, { permissions: ['invoices.manage'] })
    const body = { number: 'nobody', customer: 'Ada' }
    const reply = await app.request('POST', '/api/v1/invoices', { token: owner.accessToken, body })
    expect(codeOf(reply)).toEqual([400, 'invoices.tenant_required'])
  })

  it('is typed in the client', async () => {
    const client = createClient({ url: app.url, tenantId: tenant.id })
    await client.auth.login({ email: owner.email, password })
    const made = await client.invoices.create({ number: 'by-client', customer: 'Ada', lines: [] })
    expect(made).toHaveProperty('number', 'by-client')
    // @ts-expect-error: an invoice has no colour
    void made.colour
  })
})
