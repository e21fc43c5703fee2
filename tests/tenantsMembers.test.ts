import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Account, register } from './support/accounts.ts'
import { adapters, startApp, type TestApp } from './support/app.ts'
import { found, joined, type Tenant } from './support/tenants.ts'

const instant = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/
const unknown = '018f6b0e-0000-7000-8000-000000000000'

describe.each(adapters)('members of a tenant on %s', (adapter) => {
  let app: TestApp
  let owner: Account
  let tenant: Tenant
  let member: Account
  let stranger: Account
  beforeAll(async () => {
    app = await startApp({ adapter })
    owner = await register(app)
    tenant = await found(app, owner)
    member = await joined(app, tenant)
    stranger = await register(app)
  })
  afterAll(() => app.close())

  const send = async (method: string, path: string, by: Account, body?: unknown) => {
    const reply = await app.request(method, `/api/v1/tenants/${path}`, { token: by.accessToken, body })
    return { ...reply, code: reply.body?.error?.code as string | undefined }
  }
  const membersOf = async (id: string) => {
    const rows = await app.sql('select user_id, is_owner from members where tenant_id = $1', [id])
    return Object.fromEntries(rows.map(({ user_id, is_owner }) => [user_id, is_owner ? 'owner' : 'member']))
  }
  /** A tenant with an owner and further people of its own. */
  const setUp = async () => {
    const founder = await register(app)
    const own = await found(app, founder)
    return { founder, own, plain: await joined(app, own), second: await joined(app, own, { isOwner: true }) }
  }
  const grant = (userId: string, tenantId: string | null) =>
    app.sql(
      "insert into user_roles (user_id, role_id, tenant_id) select $1, id, $2 from roles where code = 'admin' and is_system",
      [userId, tenantId],
    )
  const grantsOf = async (userId: string) =>
    (await app.sql('select tenant_id from user_roles where user_id = $1', [userId])).map(({ tenant_id }) => tenant_id)

  const forMembers = [
    ['GET', ''],
    ['GET', '/members'],
    ['POST', '/leave'],
  ] as const
  const forOwners = [
    ['PATCH', '', { name: 'Taken over' }],
    ['DELETE', ''],
    ['POST', '/transfer', { user_id: unknown }],
    ['POST', '/members', { email: 'nobody@example.org' }],
    ['DELETE', `/members/${unknown}`],
  ] as const

  it.each([...forMembers, ...forOwners])(
    '%s /tenants/{id}%s: a stranger is answered as for an unknown id',
    async (...[method, path, body]) => {
      const [theirs, none] = [
        await send(method, tenant.id + path, stranger, body),
        await send(method, unknown + path, stranger, body),
      ]
      expect([theirs.status, theirs.code]).toEqual([404, 'tenant.not_found'])
      expect({ ...theirs.body, request_id: '' }).toEqual({ ...none.body, request_id: '' })
    },
  )

  it.each(forOwners)('%s /tenants/{id}%s: a member who is no owner gets 403', async (...[method, path, body]) => {
    const reply = await send(method, tenant.id + path, member, body)
    expect([reply.status, reply.code]).toEqual([403, 'tenant.forbidden'])
  })

  it.each([...forMembers, ...forOwners])(
    '%s /tenants/{id}%s: a global administrator is no member by that',
    async (...[method, path, body]) => {
      const admin = await register(app)
      await grant(admin.id, null)
      const reply = await send(method, tenant.id + path, admin, body)
      expect([reply.status, reply.code]).toEqual([404, 'tenant.not_found'])
    },
  )

  it.each([...forMembers, ...forOwners])(
    '%s /tenants/{id}%s: refuses an id that is none',
    async (...[method, path, body]) => {
      const reply = await send(method, `nonsense${path}`, owner, body)
      expect([reply.status, reply.body.error.meta.fields]).toMatchObject([400, { id: 'must be a valid uuid' }])
    },
  )

  it('takes ids of any version and case', async () => {
    const id = '11111111-1111-1111-1111-111111111111'
    await app.sql("insert into tenants (id, slug, name) values ($1, 'ones', 'Ones')", [id])
    await app.sql('insert into members (tenant_id, user_id) values ($1, $2)', [id, owner.id])
    expect((await send('GET', id, owner)).status).toBe(200)
    expect((await send('GET', tenant.id.toUpperCase(), owner)).body.data.id).toBe(tenant.id)
  })

  describe('members', () => {
    it('shows every member those who joined first, page by page, also while people join', async () => {
      const { founder, own, plain, second } = await setUp()
      const first = (await send('GET', `${own.id}/members?limit=2&total=true`, plain)).body.data
      expect(first.total).toBe(3)
      expect(first.items[0]).toEqual({
        user_id: founder.id,
        email: founder.email,
        name: 'Ada',
        is_owner: true,
        joined_at: expect.stringMatching(instant),
      })
      const late = await joined(app, own)
      const rest = (await send('GET', `${own.id}/members?limit=2&cursor=${first.next_cursor}`, plain)).body.data
      const ids = [...first.items, ...rest.items].map(({ user_id }: { user_id: string }) => user_id)
      expect(ids).toEqual([founder.id, plain.id, second.id, late.id])
      expect(rest.next_cursor).toBeNull()
    })

    it('tells those apart who joined in the same moment', async () => {
      const { own, plain } = await setUp()
      await app.sql("update members set joined_at = '2020-01-01' where tenant_id = $1", [own.id])
      const seen: string[] = []
      for (let cursor = ''; cursor !== 'null'; ) {
        const { items, next_cursor } = (await send('GET', `${own.id}/members?limit=1${cursor}`, plain)).body.data
        seen.push(items[0].user_id)
        cursor = next_cursor === null ? 'null' : `&cursor=${next_cursor}`
      }
      expect(seen).toEqual(Object.keys(await membersOf(own.id)).sort())
    })

    it('refuses the cursor of another tenant', async () => {
      const { founder, own } = await setUp()
      const other = await found(app, founder)
      await joined(app, other)
      const { next_cursor } = (await send('GET', `${other.id}/members?limit=1`, founder)).body.data
      const reply = await send('GET', `${own.id}/members?cursor=${next_cursor}`, founder)
      expect([reply.status, reply.code]).toEqual([400, 'cursor.invalid'])
    })
  })

  describe('addMember', () => {
    it('adds a person by e-mail, whatever its case, as a plain member', async () => {
      const { founder, own } = await setUp()
      const person = await register(app)
      const reply = await send('POST', `${own.id}/members`, founder, { email: ` ${person.email.toUpperCase()}` })
      expect([reply.status, reply.body.data]).toEqual([
        201,
        {
          user_id: person.id,
          email: person.email,
          name: 'Ada',
          is_owner: false,
          joined_at: expect.stringMatching(instant),
        },
      ])
      expect((await send('GET', own.id, person)).status).toBe(200)
    })

    it('answers 404 for an e-mail without an account and 409 for a member, the owner too', async () => {
      const { founder, own, plain } = await setUp()
      const codes = ['nobody@example.org', plain.email, founder.email].map(
        async (email) => (await send('POST', `${own.id}/members`, founder, { email })).code,
      )
      expect(await Promise.all(codes)).toEqual(['user.not_found', 'tenant.already_member', 'tenant.already_member'])
    })

    it('adds once when it is asked twice at the same time', async () => {
      const { founder, own } = await setUp()
      const { email } = await register(app)
      const add = () => send('POST', `${own.id}/members`, founder, { email })
      expect((await Promise.all([add(), add()])).map(({ status }) => status).sort()).toEqual([201, 409])
    })
  })

  describe('removeMember', () => {
    it('removes a member with the grants held there, and no others', async () => {
      const { founder, own, plain } = await setUp()
      const other = await found(app, founder)
      await app.sql('insert into members (tenant_id, user_id) values ($1, $2)', [other.id, plain.id])
      for (const place of [own.id, other.id, null]) await grant(plain.id, place)
      await grant(founder.id, own.id)
      expect((await send('DELETE', `${own.id}/members/${plain.id}`, founder)).status).toBe(204)
      expect((await grantsOf(plain.id)).sort()).toEqual([null, other.id].sort())
      expect(await grantsOf(founder.id)).toEqual([own.id])
      expect(await membersOf(own.id)).not.toHaveProperty(plain.id)
      expect((await send('GET', own.id, plain)).code).toBe('tenant.not_found')
      expect((await send('GET', other.id, plain)).status).toBe(200)
    })

    it('answers 404 for those who are not in it: unknown, or members elsewhere', async () => {
      const { founder, own } = await setUp()
      for (const id of [unknown, member.id]) {
        const reply = await send('DELETE', `${own.id}/members/${id}`, founder)
        expect([reply.status, reply.code]).toEqual([404, 'user.not_found'])
      }
      expect(await membersOf(tenant.id)).toHaveProperty(member.id)
    })

    it('removes another owner, and never the last one', async () => {
      const { founder, own, second } = await setUp()
      expect((await send('DELETE', `${own.id}/members/${second.id}`, founder)).status).toBe(204)
      const reply = await send('DELETE', `${own.id}/members/${founder.id}`, founder)
      expect([reply.status, reply.code]).toEqual([409, 'tenant.last_owner'])
    })

    it('leaves no grant behind that is made meanwhile', async () => {
      for (let round = 0; round < 20; round++) {
        const { founder, own, plain } = await setUp()
        await grant(founder.id, own.id)
        const role = randomUUID()
        await app.sql("insert into roles (id, tenant_id, code, name) values ($1, $2, 'clerk', 'Clerk')", [role, own.id])
        const granting = app.request('PUT', `/api/v1/users/${plain.id}/roles`, {
          token: founder.accessToken,
          headers: { 'x-tenant-id': own.id },
          body: { role_ids: [role] },
        })
        const leaving =
          round % 2 === 0
            ? send('DELETE', `${own.id}/members/${plain.id}`, founder)
            : send('POST', `${own.id}/leave`, plain)
        const [granted, left] = await Promise.all([granting, leaving])
        expect([200, 404]).toContain(granted.status)
        expect(left.status).toBe(204)
        expect(await grantsOf(plain.id)).toEqual([])
      }
    })

    it('lets one of two owners who remove each other stay', async () => {
      for (let round = 0; round < 10; round++) {
        const { founder, own, second } = await setUp()
        const replies = await Promise.all([
          send('DELETE', `${own.id}/members/${second.id}`, founder),
          send('DELETE', `${own.id}/members/${founder.id}`, second),
        ])
        expect(replies.map(({ status }) => status).sort()).toEqual([204, 404])
        expect(Object.values(await membersOf(own.id)).filter((rank) => rank === 'owner')).toHaveLength(1)
      }
    })
  })

  describe('leave', () => {
    it('ends the membership and the grants held there, and no others', async () => {
      const { own, plain } = await setUp()
      for (const place of [own.id, null]) await grant(plain.id, place)
      expect((await send('POST', `${own.id}/leave`, plain)).status).toBe(204)
      expect(await grantsOf(plain.id)).toEqual([null])
      expect((await send('POST', `${own.id}/leave`, plain)).code).toBe('tenant.not_found')
    })

    it('is answered again by its key', async () => {
      const { own, plain } = await setUp()
      const headers = { 'idempotency-key': randomUUID() }
      const leave = () => app.request('POST', `/api/v1/tenants/${own.id}/leave`, { token: plain.accessToken, headers })
      expect([(await leave()).status, (await leave()).status]).toEqual([204, 204])
    })

    it('is refused to the last owner', async () => {
      const { founder, own, second } = await setUp()
      expect((await send('POST', `${own.id}/leave`, second)).status).toBe(204)
      const reply = await send('POST', `${own.id}/leave`, founder)
      expect([reply.status, reply.code]).toEqual([409, 'tenant.last_owner'])
      expect(await membersOf(own.id)).toMatchObject({ [founder.id]: 'owner' })
    })

    it('keeps one of the last two owners who leave at once', async () => {
      for (let round = 0; round < 20; round++) {
        const { founder, own, second } = await setUp()
        const replies = await Promise.all([founder, second].map((by) => send('POST', `${own.id}/leave`, by)))
        expect(replies.map(({ status }) => status).sort()).toEqual([204, 409])
        expect(Object.values(await membersOf(own.id)).filter((rank) => rank === 'owner')).toHaveLength(1)
      }
    })
  })

  describe('transfer', () => {
    it('makes a member the owner and the caller a plain member', async () => {
      const founder = await register(app)
      const own = await found(app, founder)
      const heir = await joined(app, own)
      expect((await send('POST', `${own.id}/transfer`, founder, { user_id: heir.id })).status).toBe(204)
      expect(await membersOf(own.id)).toEqual({ [founder.id]: 'member', [heir.id]: 'owner' })
      expect((await send('PATCH', own.id, founder, { name: 'Mine' })).code).toBe('tenant.forbidden')
      expect((await send('PATCH', own.id, heir, { name: 'Mine' })).status).toBe(200)
    })

    it('leaves an owner who names themselves where they are', async () => {
      const { founder, own } = await setUp()
      expect((await send('POST', `${own.id}/transfer`, founder, { user_id: founder.id })).status).toBe(204)
      expect(await membersOf(own.id)).toMatchObject({ [founder.id]: 'owner' })
    })

    it('answers 404 for those who are no members', async () => {
      const { founder, own } = await setUp()
      for (const user_id of [unknown, stranger.id]) {
        const reply = await send('POST', `${own.id}/transfer`, founder, { user_id })
        expect([reply.status, reply.code]).toEqual([404, 'user.not_found'])
      }
      expect(await membersOf(own.id)).toMatchObject({ [founder.id]: 'owner' })
    })

    it('never ends without an owner while the heir leaves or is removed', async () => {
      for (let round = 0; round < 10; round++) {
        const founder = await register(app)
        const own = await found(app, founder)
        const heir = await joined(app, own)
        await Promise.all([
          send('POST', `${own.id}/transfer`, founder, { user_id: heir.id }),
          round % 2 === 0
            ? send('POST', `${own.id}/leave`, heir)
            : send('DELETE', `${own.id}/members/${heir.id}`, founder),
        ])
        expect(Object.values(await membersOf(own.id)).filter((rank) => rank === 'owner')).toHaveLength(1)
      }
    })
  })

  it('settles a deletion against everything else that happens in the tenant', async () => {
    for (let round = 0; round < 10; round++) {
      const { founder, own, plain, second } = await setUp()
      const replies = await Promise.all([
        send('DELETE', own.id, founder),
        send('PATCH', own.id, second, { name: 'New' }),
        send('POST', `${own.id}/leave`, plain),
        send('POST', `${own.id}/members`, second, { email: stranger.email }),
      ])
      expect(replies[0]?.status).toBe(204)
      expect(replies.every(({ status }) => [200, 201, 204, 404].includes(status))).toBe(true)
      expect(await membersOf(own.id)).toEqual({})
    }
  })
})
