import { contract } from '../../../contract/index.ts'
import { flags as flagsTable } from '../../../db/schema/index.ts'
import { defineModule } from '../../rpc/module.ts'
import { flags as handlers } from './procedures.ts'

export const flags = defineModule({ name: 'flags', contract: contract.flags, handlers, tables: [flagsTable] })
