import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Account, register, registerAdmin } from './support/accounts.ts'
import { adapters, startApp, type TestApp } from './support/app.ts'
import { type Caller, callerOf, said } from './support/caller.ts'
import { grant, withdraw } from './support/grants.ts'
import { found, joined } from './support/tenants.ts'

const idOf = ({ id }: { id: string }) => id

/** Each race is begun by holding a row that its calls need, until all of them wait for it. */
describe.each(adapters)('races about access on %s', (adapter) => {
  let app: TestApp
  let admin: Account
  let call: Caller
  beforeAll(async () => {
    app = await startApp({ adapter })
    admin = await registerAdmin(app)
    call = callerOf(app, admin)
  })
  afterAll(() => app.close())

  const makeRole = async (): Promise<string> =>
    (await call('POST', '/roles', { code: `role-${randomUUID()}`, name: 'Role' })).data.id
  const makePermission = async (): Promise<string> =>
    (await call('POST', '/permissions', { code: `p.${randomUUID()}`, resource: 'p', action: 'use' })).data.id
  const holdRole = (id: string) => app.hold('select from roles where id = $1 for update', [id])
  const holdUser = (id: string) => app.hold('select from users where id = $1 for update', [id])
  const setPermissions = (id: string, ...permission_ids: string[]) =>
    call('PUT', `/roles/${id}/permissions`, { permission_ids })
  const setRoles = (id: string, ...role_ids: string[]) => call('PUT', `/users/${id}/roles`, { role_ids })

  it('two administrators replace the permissions of one role: one of the two sets stands', async () => {
    const role = await makeRole()
    const [a, b, c, d] = [
      await makePermission(),
      await makePermission(),
      await makePermission(),
      await makePermission(),
    ]
    await setPermissions(role, a, c)
    const release = await holdRole(role)
    const replies = [setPermissions(role, a, b), setPermissions(role, c, d)]
    await app.untilBlocked(2)
    await release()
    expect((await Promise.all(replies)).map(said)).toEqual(['200', '200'])
    const stands = (await call('GET', `/roles/${role}/permissions`)).data.map(idOf).sort()
    expect([[a, b].sort(), [c, d].sort()]).toContainEqual(stands)
  })

  it('two administrators replace the roles of one person: one of the two sets stands', async () => {
    const { id } = await register(app)
    const [a, b, c] = [await makeRole(), await makeRole(), await makeRole()]
    await setRoles(id, a, c)
    const release = await holdUser(id)
    const replies = [setRoles(id, a, b), setRoles(id, c)]
    await app.untilBlocked(2)
    await release()
    expect((await Promise.all(replies)).map(said)).toEqual(['200', '200'])
    const stands = (await call('GET', `/users/${id}/roles`)).data.map(idOf).sort()
    expect([[a, b].sort(), [c]]).toContainEqual(stands)
  })

  it('a role is deleted while it is granted: it is gone, and so is the grant', async () => {
    const { id } = await register(app)
    const role = await makeRole()
    // The grant has found the role and waits to refer to it, while the owner of the schema deletes it.
    const release = await app.hold('delete from roles where id = $1', [role])
    const granting = setRoles(id, role)
    await app.untilBlocked(1)
    await release()
    expect(said(await granting)).toBe('404 rbac.role_not_found')
    expect((await call('GET', `/users/${id}/roles`)).data).toEqual([])
  })

  it('a role is deleted and granted at once: it is gone, and so is the grant', async () => {
    for (let round = 0; round < 5; round += 1) {
      const { id } = await register(app)
      const role = await makeRole()
      const [granted, deleted] = await Promise.all([setRoles(id, role), call('DELETE', `/roles/${role}`)])
      expect(said(deleted)).toBe('204')
      expect(['200', '404 rbac.role_not_found']).toContain(said(granted))
      expect(await app.sql('select from user_roles where user_id = $1', [id])).toEqual([])
    }
  })

  it('a permission is deleted while a role gets it: the role gets nothing', async () => {
    const role = await makeRole()
    const permission = await makePermission()
    const release = await app.hold('delete from permissions where id = $1', [permission])
    const setting = setPermissions(role, permission)
    await app.untilBlocked(1)
    await release()
    expect(said(await setting)).toBe('404 rbac.permission_not_found')
    expect((await call('GET', `/roles/${role}/permissions`)).data).toEqual([])
  })

  it('a role is deleted and changed at once: the change comes first or finds nothing', async () => {
    for (let round = 0; round < 5; round += 1) {
      const role = await makeRole()
      const release = await holdRole(role)
      const replies = [
        call('DELETE', `/roles/${role}`),
        call('PATCH', `/roles/${role}`, { name: 'x' }),
        setPermissions(role),
      ]
      await app.untilBlocked(3)
      await release()
      const [deleted, ...changed] = (await Promise.all(replies)).map(said)
      expect(deleted).toBe('204')
      for (const outcome of changed) expect(['200', '404 rbac.role_not_found']).toContain(outcome)
    }
  })

  it('a membership ends while its person is granted a role: no grant is left', async () => {
    const owner = await register(app)
    const tenant = await found(app, owner)
    await grant(app, owner, { permissions: ['rbac.manage'], tenant })
    const member = await joined(app, tenant)
    const inTenant = callerOf(app, owner, tenant)
    const { data: role } = await inTenant('POST', '/roles', { code: 'mine', name: 'Mine' })
    const release = await app.hold('delete from members where user_id = $1', [member.id])
    const granting = inTenant('PUT', `/users/${member.id}/roles`, { role_ids: [role.id] })
    await app.untilBlocked(1)
    await release()
    expect(said(await granting)).toBe('404 user.not_found')
    expect(await app.sql('select from user_roles where user_id = $1', [member.id])).toEqual([])
  })

  it('a person is granted a role while their membership ends: no grant is left', async () => {
    const owner = await register(app)
    const tenant = await found(app, owner)
    await grant(app, owner, { permissions: ['rbac.manage'], tenant })
    const member = await joined(app, tenant)
    const inTenant = callerOf(app, owner, tenant)
    const { data: role } = await inTenant('POST', '/roles', { code: 'mine', name: 'Mine' })
    const release = await holdRole(role.id)
    // Holds the membership, and waits for the role.
    const granting = inTenant('PUT', `/users/${member.id}/roles`, { role_ids: [role.id] })
    await app.untilBlocked(1)
    const removing = inTenant('DELETE', `/tenants/${tenant.id}/members/${member.id}`)
    await app.untilBlocked(2)
    await release()
    expect([await granting, await removing].map(said)).toEqual(['200', '204'])
    expect(await app.sql('select from user_roles where user_id = $1', [member.id])).toEqual([])
  })

  it('a tenant is deleted while a role is made in it: the caller has no standing there any more', async () => {
    const owner = await register(app)
    const tenant = await found(app, owner)
    await grant(app, owner, { permissions: ['rbac.manage'], tenant })
    const release = await app.hold('delete from tenants where id = $1', [tenant.id])
    const making = callerOf(app, owner, tenant)('POST', '/roles', { code: 'late', name: 'Late' })
    await app.untilBlocked(1)
    await release()
    expect(said(await making)).toBe('403 tenant.forbidden')
  })

  it('a grant is withdrawn while a call of its holder runs: that call ends, the next one is refused', async () => {
    const holder = await register(app)
    const grantId = await grant(app, holder, { permissions: ['rbac.manage'] })
    const theirs = callerOf(app, holder)
    const role = await makeRole()
    const release = await holdRole(role)
    const running = theirs('PATCH', `/roles/${role}`, { name: 'Renamed' })
    await app.untilBlocked(1)
    await withdraw(app, holder, grantId)
    await release()
    expect(said(await running)).toBe('200')
    expect(said(await theirs('PATCH', `/roles/${role}`, { name: 'Again' }))).toBe('403 rbac.permission_required')
  })

  describe('the last two administrators', () => {
    const two = async () => {
      const own = await startApp({ adapter })
      const pair = [await registerAdmin(own), await registerAdmin(own)] as const
      const left = async () =>
        (
          await own.sql(`select users.id from users join user_roles on user_id = users.id
            join roles on roles.id = role_id and is_system where disabled_at is null`)
        ).length
      const release = await own.hold('select from roles where is_system for update')
      return { own, pair, left, release }
    }
    const remove = (call: Caller, { id }: Account) => call('PUT', `/users/${id}/roles`, { role_ids: [] })
    const disable = (call: Caller, { id }: Account) => call('POST', `/users/${id}/disable`)

    it.each([
      ['remove each other', remove, remove],
      ['disable each other', disable, disable],
      ['remove and disable each other', remove, disable],
    ])('%s at once: one is left', async (_what, first, second) => {
      const { own, pair, left, release } = await two()
      const [ada, ben] = pair
      const replies = [first(callerOf(own, ada), ben), second(callerOf(own, ben), ada)]
      await own.untilBlocked(2)
      await release()
      expect((await Promise.all(replies)).map(said).sort()).toEqual(['200', '409 user.last_admin'])
      expect(await left()).toBe(1)
      await own.close()
    })

    it('leave by themselves at once: one is left', async () => {
      const { own, pair, left, release } = await two()
      const replies = pair.map((one) => remove(callerOf(own, one), one))
      await own.untilBlocked(2)
      await release()
      expect((await Promise.all(replies)).map(said).sort()).toEqual(['200', '409 user.last_admin'])
      expect(await left()).toBe(1)
      await own.close()
    })
  })
})
