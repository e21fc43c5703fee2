import { contract } from '../../../contract/index.ts'
import { defineModule } from '../../rpc/modules.ts'
import { users as handlers } from './procedures.ts'

export const users = defineModule({ name: 'users', contract: contract.users, handlers })
