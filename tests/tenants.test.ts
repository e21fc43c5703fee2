import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Account, register } from './support/accounts.ts'
import { adapters, startApp, type TestApp } from './support/app.ts'
import { found, joined } from './support/tenants.ts'

const uuidv7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/
const instant = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/
const newSlug = () => `t-${randomUUID()}`

describe.each(adapters)('tenants on %s', (adapter) => {
  let app: TestApp
  beforeAll(async () => {
    app = await startApp({ adapter })
  })
  afterAll(() => app.close())

  const send = async (method: string, path: string, by: Account, body?: unknown) => {
    const reply = await app.request(method, `/api/v1/tenants${path}`, { token: by.accessToken, body })
    return { ...reply, code: reply.body?.error?.code as string | undefined }
  }
  const create = (by: Account, body: object) => send('POST', '', by, body)

  describe('create', () => {
    it('answers 201 with the tenant, and its creator owns it', async () => {
      const ada = await register(app)
      const slug = newSlug()
      const reply = await create(ada, { name: '  Acme & Söhne ', slug: slug.toUpperCase() })
      expect(reply.status).toBe(201)
      expect(reply.body.data).toEqual({
        id: expect.stringMatching(uuidv7),
        slug,
        name: 'Acme & Söhne',
        created_at: expect.stringMatching(instant),
        updated_at: expect.stringMatching(instant),
      })
      const { id } = reply.body.data
      expect((await send('GET', `/${id}`, ada)).body.data).toEqual(reply.body.data)
      expect((await send('GET', `/${id}/members`, ada)).body.data.items).toMatchObject([
        { user_id: ada.id, email: ada.email, is_owner: true },
      ])
    })

    it('refuses a slug that is taken, by the caller or by a stranger whose tenant is out of sight', async () => {
      const [ada, bob] = [await register(app), await register(app)]
      const { slug } = await found(app, ada)
      for (const by of [ada, bob]) {
        const reply = await create(by, { name: 'Other', slug })
        expect([reply.status, reply.code]).toEqual([409, 'tenant.slug_taken'])
      }
      expect((await send('GET', '', bob)).body.data.items).toEqual([])
    })

    it('gives one of two at once the slug', async () => {
      const [ada, bob] = [await register(app), await register(app)]
      const slug = newSlug()
      const replies = await Promise.all([ada, bob].map((by) => create(by, { name: 'Both', slug })))
      expect(replies.map(({ status }) => status).sort()).toEqual([201, 409])
      const owners = 'select from members join tenants on tenants.id = tenant_id where slug = $1'
      expect(await app.sql(owners, [slug])).toHaveLength(1)
    })

    it.each([
      [{ name: '   ' }, { name: 'is required' }],
      [{ name: 'x'.repeat(129) }, { name: 'must be at most 128' }],
      [{ slug: 'a' }, { slug: 'must be at least 2' }],
      [{ slug: 'a'.repeat(64) }, { slug: 'must be at most 63' }],
      [{ slug: '-ab' }, { slug: 'must hold letters, digits and hyphens, not at the ends' }],
      [{ slug: 'a b' }, { slug: 'must hold letters, digits and hyphens, not at the ends' }],
      [{ slug: 7 }, { slug: 'must be a string' }],
      [{ slug: null }, { slug: 'must be a string' }],
    ])('refuses %j', async (part, fields) => {
      const reply = await create(await register(app), { name: 'Acme', slug: newSlug(), ...part })
      expect([reply.status, reply.code, reply.body.error.meta]).toEqual([400, 'validation', { fields }])
    })

    it('takes a name of one character', async () => {
      expect((await create(await register(app), { name: '木', slug: newSlug() })).status).toBe(201)
    })

    it('has one effect with one key', async () => {
      const ada = await register(app)
      const body = { name: 'Acme', slug: newSlug() }
      const headers = { 'idempotency-key': randomUUID() }
      const once = () => app.request('POST', '/api/v1/tenants', { token: ada.accessToken, body, headers })
      const [first, second] = [await once(), await once()]
      expect([second.status, second.body.data]).toEqual([201, first.body.data])
      expect((await send('GET', '', ada)).body.data.items).toHaveLength(1)
    })
  })

  describe('list', () => {
    it('shows the tenants of the caller by slug, page by page, and no others', async () => {
      const [ada, bob] = [await register(app), await register(app)]
      const own = [await found(app, ada), await found(app, ada), await found(app, ada)]
      await found(app, bob)
      const slugs = own.map(({ slug }) => slug).sort()
      const first = (await send('GET', '?limit=2&total=true', ada)).body.data
      expect([first.items.map(({ slug }: { slug: string }) => slug), first.total]).toEqual([slugs.slice(0, 2), 3])
      const second = (await send('GET', `?limit=2&cursor=${first.next_cursor}`, ada)).body.data
      expect(second.items.map(({ slug }: { slug: string }) => slug)).toEqual(slugs.slice(2))
      expect(second.next_cursor).toBeNull()
    })

    it('shows those one was added to', async () => {
      const tenant = await found(app, await register(app))
      const member = await joined(app, tenant)
      expect((await send('GET', '', member)).body.data.items).toMatchObject([{ id: tenant.id }])
    })

    it('refuses a cursor that it did not issue: edited, of another person, of another list', async () => {
      const [ada, bob] = [await register(app), await register(app)]
      const tenants = [await found(app, ada), await found(app, ada)]
      await joined(app, tenants[0] as (typeof tenants)[0])
      const own = (await send('GET', '?limit=1', ada)).body.data.next_cursor as string
      const members = (await send('GET', `/${tenants[0]?.id}/members?limit=1`, ada)).body.data.next_cursor as string
      const edited = own.slice(0, -1) + (own.endsWith('A') ? 'B' : 'A')
      for (const [by, cursor] of [
        [ada, edited],
        [bob, own],
        [ada, members],
        [ada, 'x'],
      ] as const) {
        const reply = await send('GET', `?cursor=${cursor}`, by)
        expect([reply.status, reply.code]).toEqual([400, 'cursor.invalid'])
      }
    })

    it.each(['0', '-1', '201', '1000000000', 'ten', '1.5'])('refuses a limit of %s', async (limit) => {
      const reply = await send('GET', `?limit=${limit}`, await register(app))
      expect([reply.status, reply.code]).toEqual([400, 'validation'])
    })
  })

  describe('update', () => {
    it('changes what is named and leaves the rest', async () => {
      const ada = await register(app)
      const tenant = await found(app, ada)
      const renamed = await send('PATCH', `/${tenant.id}`, ada, { name: 'New' })
      expect(renamed.body.data).toMatchObject({ id: tenant.id, name: 'New', slug: tenant.slug })
      const slug = newSlug()
      const moved = await send('PATCH', `/${tenant.id}`, ada, { slug })
      expect(moved.body.data).toMatchObject({ name: 'New', slug })
      const unchanged = await send('PATCH', `/${tenant.id}`, ada, {})
      expect([unchanged.status, unchanged.body.data]).toMatchObject([200, { name: 'New', slug }])
    })

    it('refuses the slug of another tenant and stays as it was', async () => {
      const ada = await register(app)
      const [tenant, other] = [await found(app, ada), await found(app, await register(app))]
      const reply = await send('PATCH', `/${tenant.id}`, ada, { name: 'New', slug: other.slug })
      expect([reply.status, reply.code]).toEqual([409, 'tenant.slug_taken'])
      expect((await send('GET', `/${tenant.id}`, ada)).body.data).toMatchObject({ name: 'Acme', slug: tenant.slug })
      expect((await send('PATCH', `/${tenant.id}`, ada, { slug: tenant.slug })).status).toBe(200)
    })
  })

  describe('delete', () => {
    /** A role with a permission and a grant, and menus with a child, as the tenant of somebody. */
    const furnish = async (tenantId: string, userId: string) => {
      const [roleId, menuId] = [randomUUID(), randomUUID()]
      await app.sql("insert into roles (id, tenant_id, code, name) values ($1, $2, 'clerk', 'Clerk')", [
        roleId,
        tenantId,
      ])
      await app.sql('insert into role_permissions select $1, id from permissions limit 1', [roleId])
      await app.sql('insert into user_roles (user_id, role_id, tenant_id) values ($1, $2, $3)', [
        userId,
        roleId,
        tenantId,
      ])
      await app.sql(
        "insert into menus (id, tenant_id, parent_id, code, label) values ($1, $2, null, 'up', 'Up'), ($3, $2, $1, 'low', 'Low')",
        [menuId, tenantId, randomUUID()],
      )
    }
    const rowsOf = async (tenantId: string) => {
      const counts = await app.sql(
        `select (select count(*)::int from tenants where id = $1) tenants, (select count(*)::int from members where tenant_id = $1) members,
          (select count(*)::int from roles where tenant_id = $1) roles, (select count(*)::int from menus where tenant_id = $1) menus,
          (select count(*)::int from user_roles where tenant_id = $1) grants,
          (select count(*)::int from role_permissions join roles on roles.id = role_id where tenant_id = $1) held`,
        [tenantId],
      )
      return Object.values(counts[0] ?? {})
    }

    it('takes everything of the tenant with it, and nothing of another one', async () => {
      const ada = await register(app)
      const [tenant, other] = [await found(app, ada), await found(app, ada)]
      for (const { id } of [tenant, other]) await furnish(id, ada.id)
      expect((await send('DELETE', `/${tenant.id}`, ada)).status).toBe(204)
      expect(await rowsOf(tenant.id)).toEqual([0, 0, 0, 0, 0, 0])
      expect(await rowsOf(other.id)).toEqual([1, 1, 1, 2, 1, 1])
      const again = await send('DELETE', `/${tenant.id}`, ada)
      expect([again.status, again.code]).toEqual([404, 'tenant.not_found'])
    })

    it('is answered again by its key when the tenant is gone', async () => {
      const ada = await register(app)
      const { id } = await found(app, ada)
      const headers = { 'idempotency-key': randomUUID() }
      const once = () => app.request('DELETE', `/api/v1/tenants/${id}`, { token: ada.accessToken, headers })
      expect([(await once()).status, (await once()).status]).toEqual([204, 204])
    })

    it('ends the work of its members at the next call', async () => {
      const ada = await register(app)
      const { id } = await found(app, ada)
      const headers = { 'x-tenant-id': id }
      const me = () => app.request('GET', '/api/v1/auth/me', { token: ada.accessToken, headers })
      expect((await me()).status).toBe(200)
      await send('DELETE', `/${id}`, ada)
      const after = await me()
      expect([after.status, after.body.error.code]).toEqual([403, 'tenant.forbidden'])
    })

    it('frees the slug', async () => {
      const ada = await register(app)
      const { id, slug } = await found(app, ada)
      await send('DELETE', `/${id}`, ada)
      expect((await create(ada, { name: 'Next', slug })).status).toBe(201)
    })
  })
})
