import { contract } from '../contract/index.ts'
import { access, permissions, roles } from './features/access/module.ts'
import { apiKeys } from './features/apiKeys/module.ts'
import { auth } from './features/auth/module.ts'
import { events } from './features/events/module.ts'
import { flags } from './features/flags/module.ts'
import { menus } from './features/menus/module.ts'
import { sessions } from './features/sessions/module.ts'
import { tenants } from './features/tenants/module.ts'
import { users } from './features/users/module.ts'
import { listModules } from './rpc/modules.ts'

/** What the server is made of: a line for each feature, the built-in ones first. */
export const modules = listModules(contract)(
  auth,
  sessions,
  menus,
  tenants,
  apiKeys,
  access,
  permissions,
  roles,
  users,
  events,
  flags,
)
