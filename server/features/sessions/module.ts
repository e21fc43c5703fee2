import { contract } from '../../../contract/index.ts'
import { sessions as sessionsTable } from '../../../db/schema/index.ts'
import { defineModule } from '../../rpc/module.ts'
import { forgetSessions } from './forget.ts'
import { sessions as handlers } from './procedures.ts'

export const sessions = defineModule({
  name: 'sessions',
  contract: contract.sessions,
  handlers,
  tables: [sessionsTable],
  duties: [forgetSessions],
})
