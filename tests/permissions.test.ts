import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { permissions as named } from '../contract/vocabulary.ts'
import { register, registerAdmin } from './support/accounts.ts'
import { adapters, startApp, type TestApp } from './support/app.ts'
import { type Caller, callerOf, said, walk } from './support/caller.ts'
import { grant } from './support/grants.ts'
import { found } from './support/tenants.ts'

const unknown = randomUUID()
const newCode = () => `thing.${randomUUID()}`

describe.each(adapters)('permissions on %s', (adapter) => {
  let app: TestApp
  let call: Caller
  beforeAll(async () => {
    app = await startApp({ adapter })
    call = callerOf(app, await registerAdmin(app))
  })
  afterAll(() => app.close())

  const create = (fields: object = {}) =>
    call('POST', '/permissions', { code: newCode(), resource: 'thing', action: 'use', ...fields })

  it('are made with codes in lower case, and found', async () => {
    const code = newCode()
    const made = await create({ code: code.toUpperCase(), resource: ' Thing ', description: 'Use things.' })
    expect(made.status).toBe(201)
    expect(made.data).toMatchObject({ code, resource: 'Thing', action: 'use', description: 'Use things.' })
    expect(Object.keys(made.data)).toEqual([
      'id',
      'code',
      'resource',
      'action',
      'description',
      'created_at',
      'updated_at',
    ])
    expect((await call('GET', `/permissions/${made.data.id}`)).data).toEqual(made.data)
    expect((await call('GET', `/permissions/${made.data.id.toUpperCase()}`)).data).toEqual(made.data)
  })

  it('have codes of their own, also when two are made at once', async () => {
    const code = newCode()
    const replies = await Promise.all([create({ code }), create({ code }), create({ code: code.toUpperCase() })])
    expect(replies.map(said).sort()).toEqual([
      '201',
      '409 rbac.permission_code_taken',
      '409 rbac.permission_code_taken',
    ])
  })

  it('are held by the administrators as soon as they are made', async () => {
    const { data } = await create()
    expect((await call('GET', '/me/access')).data.permissions).toContain(data.code)
    await call('DELETE', `/permissions/${data.id}`)
    expect((await call('GET', '/me/access')).data.permissions).not.toContain(data.code)
  })

  it('keep the fields that a change leaves out', async () => {
    const { data } = await create({ description: 'First.' })
    const changed = await call('PATCH', `/permissions/${data.id}`, { action: 'see' })
    expect(changed.data).toMatchObject({ ...data, action: 'see', updated_at: expect.any(String) })
    expect(changed.data.updated_at >= data.updated_at).toBe(true)
    const emptied = await call('PATCH', `/permissions/${data.id}`, { description: '', resource: 'other', code: 'x.y' })
    expect(emptied.data).toMatchObject({ code: data.code, resource: 'other', action: 'see', description: '' })
  })

  it('can be deleted and made again, and roles lose them', async () => {
    const { data } = await create()
    const account = await register(app)
    await grant(app, account, { permissions: [data.code] })
    const mine = async () => (await callerOf(app, account)('GET', '/me/access')).data.permissions
    expect(await mine()).toEqual([data.code])
    expect(said(await call('DELETE', `/permissions/${data.id}`))).toBe('204')
    expect(await mine()).toEqual([])
    expect(said(await create({ code: data.code }))).toBe('201')
    expect(await mine()).toEqual([])
  })

  it('stay as long as an entry asks for them', async () => {
    for (const code of Object.keys(named)) {
      const [{ id } = { id: '' }] = await app.sql('select id from permissions where code = $1', [code])
      expect(said(await call('DELETE', `/permissions/${id}`))).toBe('403 rbac.permission_is_system')
      expect(said(await call('GET', `/permissions/${id}`))).toBe('200')
    }
  })

  it('answer alike for an unknown id, whatever is asked', async () => {
    const path = `/permissions/${unknown}`
    const replies = [
      await call('GET', path),
      await call('PATCH', path, { action: 'x' }),
      await call('DELETE', path),
      await call('PATCH', path, {}),
    ]
    expect(replies.map(said)).toEqual(Array(4).fill('404 rbac.permission_not_found'))
    expect(said(await call('GET', '/permissions/18f6b0e'))).toBe('400 validation')
  })

  it('are settled between a change and a deletion at once', async () => {
    for (let round = 0; round < 5; round += 1) {
      const path = `/permissions/${(await create()).data.id}`
      const [changed, deleted] = await Promise.all([call('PATCH', path, { action: 'x' }), call('DELETE', path)])
      expect(said(deleted)).toBe('204')
      expect(['200', '404 rbac.permission_not_found']).toContain(said(changed))
    }
  })

  it.each([
    ['code', ''],
    ['code', 'x'],
    ['code', 'x'.repeat(101)],
    ['code', 'two words'],
    ['code', 'ümlaut'],
    ['code', 7],
    ['code', null],
    ['resource', ' '],
    ['resource', 'x'.repeat(65)],
    ['action', '   '],
    ['action', 'x'.repeat(33)],
    ['description', 'x'.repeat(501)],
  ])('refuse a bad %s (%j)', async (field, value) => {
    const reply = await create({ [field]: value })
    expect(said(reply)).toBe('400 validation')
    expect(Object.keys(reply.meta.fields)).toEqual([field])
  })

  it('are listed by resource and code, in pages', async () => {
    const resource = `r-${randomUUID()}`
    const codes = ['c', 'a', 'e', 'b', 'd'].map((name) => `${resource}.${name}`)
    for (const code of codes) await create({ code, resource })
    const pages = await walk(call, `/permissions?resource=${resource}`, 2)
    expect(pages.map((items) => items.map(({ code }) => code.at(-1)).join(''))).toEqual(['ab', 'cd', 'e'])
    const all = (await walk(call, '/permissions', 200)).flat().map(({ resource, code }) => [resource, code])
    expect(all).toEqual([...all].sort(([a, b], [c, d]) => (a < c || (a === c && b < d) ? -1 : 1)))
    expect(all.map(([, code]) => code)).toEqual(expect.arrayContaining(Object.keys(named)))
  })

  it('are found by resource and by a piece of code or description, taken as it is', async () => {
    const mark = randomUUID().slice(0, 8)
    await create({ code: `${mark}.plain`, description: 'nothing' })
    await create({ code: `${mark}.under_line`, description: 'nothing' })
    await create({ code: newCode(), description: `100% of ${mark} \\ all` })
    const found = async (query: string) => {
      const { data } = await call('GET', `/permissions?${new URLSearchParams({ q: query, total: 'true' })}`)
      expect(data.total).toBe(data.items.length)
      return data.items.length
    }
    expect(await found(mark)).toBe(3)
    expect(await found(`${mark}.PLAIN`)).toBe(1)
    expect(await found(`${mark}_plain`)).toBe(0)
    expect(await found(`${mark}.under_line`)).toBe(1)
    expect(await found(`0% of ${mark}`)).toBe(1)
    expect(await found(`0%${mark}`)).toBe(0)
    expect(await found(`${mark} \\ all`)).toBe(1)
    expect(await found(`${mark} \\\\ all`)).toBe(0)
    const everything = (await call('GET', '/permissions?q=&resource=&total=true')).data.total
    expect(everything).toBe((await call('GET', '/permissions?total=true')).data.total)
    expect((await call('GET', '/permissions?resource=thin')).data.items).toEqual([])
  })

  it('keep their place while others are made', async () => {
    const resource = `r-${randomUUID()}`
    for (const name of ['b', 'd', 'f']) await create({ code: `${resource}.${name}`, resource })
    const first = await call('GET', `/permissions?resource=${resource}&limit=2&total=true`)
    expect([first.data.items.length, first.data.total]).toEqual([2, 3])
    for (const name of ['a', 'c', 'e']) await create({ code: `${resource}.${name}`, resource })
    const next = await call('GET', `/permissions?resource=${resource}&limit=9&cursor=${first.data.next_cursor}`)
    expect(next.data.items.map(({ code }: { code: string }) => code.at(-1)).join('')).toBe('ef')
    expect(next.data).toMatchObject({ next_cursor: null })
    expect(next.data).not.toHaveProperty('total')
  })

  it('take only cursors of the same list, unchanged', async () => {
    for (const code of [newCode(), newCode()]) await create({ code, resource: 'cursors' })
    const { next_cursor: cursor } = (await call('GET', '/permissions?resource=cursors&limit=1')).data
    const other = (await call('GET', '/roles?limit=1')).data.next_cursor ?? 'AAAA'
    const edited = `${cursor.slice(0, -2)}${cursor.endsWith('AA') ? 'BB' : 'AA'}`
    const asked = (query: string) => call('GET', `/permissions?${query}`)
    const replies = [
      await asked(`resource=cursors&cursor=${edited}`),
      await asked(`resource=cursors&cursor=${other}`),
      await asked(`resource=others&cursor=${cursor}`),
      await asked(`cursor=${cursor}`),
      await asked(`resource=cursors&q=x&cursor=${cursor}`),
      await asked('cursor=1'),
    ]
    expect(replies.map(said)).toEqual(Array(6).fill('400 cursor.invalid'))
    expect(said(await asked(`resource=cursors&cursor=${'A'.repeat(2_049)}`))).toBe('400 validation')
    expect(said(await asked(`resource=cursors&cursor=${cursor}`))).toBe('200')
  })

  it('give cursors that the list takes back, however long the names', async () => {
    const resource = '\u{1f600}'.repeat(64)
    for (const name of ['a', 'b']) await create({ code: name + 'x'.repeat(99), resource })
    const query = new URLSearchParams({ resource, limit: '1' })
    const { next_cursor: cursor } = (await call('GET', `/permissions?${query}`)).data
    const next = await call('GET', `/permissions?${query}&cursor=${cursor}`)
    expect(next.data.items).toMatchObject([{ code: `b${'x'.repeat(99)}` }])
  })

  it.each(['0', '-1', '201', '1e9', '1000000000', 'many', '1.5', ''])('refuse a limit of %j', async (limit) => {
    const reply = await call('GET', `/permissions?limit=${limit}`)
    expect(said(reply)).toBe('400 validation')
    expect(Object.keys(reply.meta.fields)).toEqual(['limit'])
  })

  it('are read, and never changed, by those who manage a tenant', async () => {
    const owner = await register(app)
    const tenant = await found(app, owner)
    await grant(app, owner, { permissions: ['rbac.manage'], tenant })
    const inTenant = callerOf(app, owner, tenant)
    const { data } = await create()
    expect(said(await inTenant('GET', '/permissions'))).toBe('200')
    expect(said(await inTenant('GET', `/permissions/${data.id}`))).toBe('200')
    const replies = [
      await inTenant('POST', '/permissions', { code: newCode(), resource: 'x', action: 'x' }),
      await inTenant('PATCH', `/permissions/${data.id}`, { action: 'x' }),
      await inTenant('DELETE', `/permissions/${data.id}`),
      await callerOf(app, owner)('GET', '/permissions'),
    ]
    expect(replies.map(said)).toEqual(Array(4).fill('403 rbac.permission_required'))
  })

  it('are made once when the same wish is sent again', async () => {
    const body = { code: newCode(), resource: 'thing', action: 'use' }
    const key = { 'idempotency-key': randomUUID() }
    const first = await call('POST', '/permissions', body, key)
    const second = await call('POST', '/permissions', body, key)
    expect([first.status, second.status, second.data]).toEqual([201, 201, first.data])
    expect(second.headers.get('idempotent-replay')).toBe('true')
  })
})
