import { contract } from '../../../contract/index.ts'
import { members, tenants as tenantsTable } from '../../../db/schema/index.ts'
import { defineModule } from '../../rpc/module.ts'
import { tenants as handlers } from './procedures.ts'

export const tenants = defineModule({
  name: 'tenants',
  contract: contract.tenants,
  handlers,
  tables: [members, tenantsTable],
})
