import { contract } from '../../../contract/index.ts'
import { apiKeys as apiKeysTable } from '../../../db/schema/index.ts'
import { defineModule } from '../../rpc/module.ts'
import { apiKeys as handlers } from './procedures.ts'

export const apiKeys = defineModule({ name: 'apiKeys', contract: contract.apiKeys, handlers, tables: [apiKeysTable] })
