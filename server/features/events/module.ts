import { contract } from '../../../contract/index.ts'
import { defineModule } from '../../rpc/module.ts'
import { forgetTickets, trimLog } from './forget.ts'
import { events as handlers } from './procedures.ts'

export const events = defineModule({
  name: 'events',
  contract: contract.events,
  handlers,
  duties: [trimLog, forgetTickets],
})
