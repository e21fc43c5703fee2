import { contract } from '../../../contract/index.ts'
import { menus as menusTable } from '../../../db/schema/index.ts'
import { defineModule } from '../../rpc/module.ts'
import { menus as handlers } from './procedures.ts'

export const menus = defineModule({ name: 'menus', contract: contract.menus, handlers, tables: [menusTable] })
