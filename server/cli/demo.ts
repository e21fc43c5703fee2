import type { Database } from '../../db/database.ts'
import type { PasswordHasher } from '../platform/hashing/index.ts'
import { createAdmin } from './createAdmin.ts'
import { ForgeError } from './forgeError.ts'
import type { CallEntry, Caller } from './liveApp.ts'

/** What the demonstration consists of; everything is found again by e-mail, slug or code. */
const administrator = { email: 'olivia@demo.example.org', name: 'Olivia Hale' }
const owner = { email: 'tomas@demo.example.org', name: 'Tomas Brandt' }
const members = [
  { email: 'mira@demo.example.org', name: 'Mira Osei', role: 'editor' },
  { email: 'noah@demo.example.org', name: 'Noah Lind', role: 'reader' },
]
const company = { name: 'Demo Company', slug: 'demo-company' }
const roles = [
  { code: 'editor', name: 'Editor', permissions: ['menu.manage', 'users.read'] },
  { code: 'reader', name: 'Reader', permissions: ['users.read'] },
]
const menus = [
  { code: 'demo.home', label: 'Home', path: '/', sort_order: 1 },
  { code: 'demo.people', label: 'People', path: '/people', sort_order: 2, required_permission_code: 'users.read' },
  {
    code: 'demo.navigation',
    label: 'Navigation',
    path: '/navigation',
    sort_order: 3,
    required_permission_code: 'menu.manage',
  },
]

export interface Demo {
  /** Of what was made now; empty when all of it was there. */
  readonly made: readonly string[]
  readonly people: readonly { readonly email: string; readonly role: string }[]
  readonly tenant: { readonly id: string; readonly slug: string }
  /** Whether the password opens an account that was made now; those that were there keep theirs. */
  readonly opened: boolean
}

interface Parts {
  readonly call: CallEntry
  readonly database: Database
  readonly passwords: Pick<PasswordHasher, 'hash'>
}

/** Makes a tenant with people, roles and menus through the entries that everybody uses; what is there stays as it is. */
export const seedDemo = async ({ call, database, passwords }: Parts, password: string): Promise<Demo> => {
  const made: string[] = []
  const opened = await openAccounts({ call, database, passwords }, password, made)
  const tenant = await foundTenant(call, made)
  const inTenant = { as: administrator.email, tenant: tenant.id }
  const roleIds = await makeRoles(call, inTenant, made)
  for (const { email, role } of members) await join(call, { email, tenant, roleId: roleIds.get(role) ?? '' }, made)
  for (const menu of menus)
    await once(made, {
      what: `menu ${menu.code}`,
      taken: 'menu.code_taken',
      make: () => call('menus.create', menu, inTenant),
    })
  const people = [
    { email: administrator.email, role: 'administrator' },
    { email: owner.email, role: `owner of ${company.slug}` },
    ...members.map(({ email, role }) => ({ email, role: `${role} in ${company.slug}` })),
  ]
  return { made, people, tenant: { id: tenant.id, slug: tenant.slug }, opened }
}

const openAccounts = async (
  { call, database, passwords }: Parts,
  password: string,
  made: string[],
): Promise<boolean> => {
  const { created } = await createAdmin({ database, passwords }, { ...administrator, password, promote: true })
  if (created) made.push(`account ${administrator.email}`)
  for (const { email, name } of [owner, ...members]) {
    await once(made, {
      what: `account ${email}`,
      taken: 'user.email_taken',
      make: () => call('auth.register', { email, name, password }),
    })
  }
  return made.length > 0
}

/** Something to be made, and the code that says that it is there already, which is as good. */
interface Wanted {
  readonly what: string
  readonly taken: string
  readonly make: () => Promise<unknown>
}

const once = async (made: string[], { what, taken, make }: Wanted): Promise<void> => {
  try {
    await make()
    made.push(what)
  } catch (error) {
    if ((error as { code?: string }).code !== taken) throw error
  }
}

interface Page<T> {
  readonly items: readonly T[]
}

interface Named {
  readonly id: string
  readonly code: string
}

const foundTenant = async (call: CallEntry, made: string[]) => {
  const as = owner.email
  const what = `tenant ${company.slug}`
  await once(made, { what, taken: 'tenant.slug_taken', make: () => call('tenants.create', company, { as }) })
  const { items } = (await call('tenants.list', { limit: 200 }, { as })) as Page<{ id: string; slug: string }>
  const tenant = items.find(({ slug }) => slug === company.slug)
  if (!tenant)
    throw new ForgeError(`The tenant ${company.slug} belongs to somebody else: no demonstration fits beside it.`)
  return tenant
}

const makeRoles = async (call: CallEntry, caller: Caller, made: string[]): Promise<ReadonlyMap<string, string>> => {
  const permissions = (await call('permissions.list', { limit: 200 }, caller)) as Page<Named>
  const fresh: string[] = []
  for (const { code, name } of roles) {
    const make = () => call('roles.create', { code, name }, caller)
    await once(fresh, { what: code, taken: 'rbac.role_code_taken', make })
  }
  made.push(...fresh.map((code) => `role ${code}`))
  const { items } = (await call('roles.list', { limit: 200 }, caller)) as Page<Named & { tenant_id: string | null }>
  const ids = new Map(items.filter((role) => role.tenant_id !== null).map(({ code, id }) => [code, id]))
  for (const { code, permissions: wanted } of roles.filter((role) => fresh.includes(role.code))) {
    const permission_ids = permissions.items
      .filter((permission) => wanted.includes(permission.code))
      .map(({ id }) => id)
    await call('roles.setPermissions', { id: ids.get(code), permission_ids }, caller)
  }
  return ids
}

interface Joining {
  readonly email: string
  readonly tenant: { readonly id: string }
  readonly roleId: string
}

/** Somebody who is a member already keeps the roles they have. */
const join = (call: CallEntry, { email, tenant, roleId }: Joining, made: string[]): Promise<void> => {
  const make = async () => {
    const member = await call('tenants.addMember', { id: tenant.id, email }, { as: owner.email })
    const { user_id: id } = member as { user_id: string }
    await call('users.setRoles', { id, role_ids: [roleId] }, { as: administrator.email, tenant: tenant.id })
  }
  return once(made, { what: `member ${email}`, taken: 'tenant.already_member', make })
}
