import { contract } from '../../../contract/index.ts'
import {
  eventConsumers,
  eventDeadLetters,
  eventLog,
  events as eventsTable,
  eventWorkers,
  streamTickets,
} from '../../../db/schema/index.ts'
import { defineModule } from '../../rpc/module.ts'
import { forgetTickets, trimLog } from './forget.ts'
import { events as handlers } from './procedures.ts'

export const events = defineModule({
  name: 'events',
  contract: contract.events,
  handlers,
  tables: [eventConsumers, eventDeadLetters, eventLog, eventsTable, eventWorkers, streamTickets],
  duties: [trimLog, forgetTickets],
})
