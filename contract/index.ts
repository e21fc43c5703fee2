import { access, permissions, roles } from './access.ts'
import { apiKeys } from './apiKeys.ts'
import { auth } from './auth.ts'
import { events } from './events.ts'
import { menus } from './menus.ts'
import { sessions } from './sessions.ts'
import { tenants } from './tenants.ts'
import { users } from './users.ts'

/** The whole API as one value: a line for each feature. */
export const contract = { auth, sessions, menus, tenants, apiKeys, access, permissions, roles, users, events }
