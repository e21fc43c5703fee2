import { access, permissions, roles } from './access.ts'
import { apiKeys } from './apiKeys.ts'
import { auth } from './auth.ts'
import type { ContractModule } from './define.ts'
import { events } from './events.ts'
import { flags } from './flagRules.ts'
import { menus } from './menus.ts'
import { modules } from './modules.ts'
import { sessions } from './sessions.ts'
import { tenants } from './tenants.ts'
import { users } from './users.ts'

const builtIn = { auth, sessions, menus, tenants, apiKeys, access, permissions, roles, users, events, flags }

type Added = {
  readonly [Name in keyof typeof modules]: (typeof modules)[Name] extends { entries: infer E } ? E : never
}
const added = Object.fromEntries(
  Object.entries<ContractModule>(modules).map(([name, { entries }]) => [name, entries]),
) as Added

/** The whole API as one value: the built-in features, and the modules that `modules.ts` lists. */
export const contract = { ...builtIn, ...added }
