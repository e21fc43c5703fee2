import { contract } from '../../../contract/index.ts'
import { refreshTokens, users } from '../../../db/schema/index.ts'
import { defineModule } from '../../rpc/module.ts'
import { auth as handlers } from './procedures.ts'

export const auth = defineModule({ name: 'auth', contract: contract.auth, handlers, tables: [refreshTokens, users] })
