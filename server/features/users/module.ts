import { contract } from '../../../contract/index.ts'
import { defineModule } from '../../rpc/module.ts'
import { users as handlers } from './procedures.ts'

export const users = defineModule({ name: 'users', contract: contract.users, handlers })
