import { contract } from '../../../contract/index.ts'
import {
  permissions as permissionTable,
  rolePermissions,
  roles as roleTable,
  userRoles,
} from '../../../db/schema/index.ts'
import { defineModule } from '../../rpc/module.ts'
import { permissions as permissionHandlers } from './permissionProcedures.ts'
import { access as accessHandlers } from './procedures.ts'
import { roles as roleHandlers } from './roleProcedures.ts'

export const access = defineModule({
  name: 'access',
  contract: contract.access,
  handlers: accessHandlers,
  tables: [userRoles],
})

export const permissions = defineModule({
  name: 'permissions',
  contract: contract.permissions,
  handlers: permissionHandlers,
  tables: [permissionTable],
})

export const roles = defineModule({
  name: 'roles',
  contract: contract.roles,
  handlers: roleHandlers,
  tables: [roleTable, rolePermissions],
})
