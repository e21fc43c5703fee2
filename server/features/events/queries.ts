import { sql } from 'drizzle-orm'
import { streamTickets } from '../../../db/schema/events.ts'
import { statement } from '../../../db/statement.ts'

const { placeholder } = sql

/** The database's clock decides how long a ticket is good. */
export const insertTicket = statement('events.insertTicket', (db) =>
  db
    .insert(streamTickets)
    .values({
      hash: placeholder('hash'),
      user_id: placeholder('userId'),
      credential_id: placeholder('credentialId'),
      kind: placeholder('kind'),
      bucket: placeholder('openedIn'),
      expires_at: sql`now() + make_interval(secs => ${placeholder('seconds')})`,
    })
    .returning({ expires_at: streamTickets.expires_at }),
)

/** Uses a ticket up. Of two at once one gets the row. No row: unknown, used, or too old. */
export const takeTicket = statement('events.takeTicket', (db) =>
  db
    .delete(streamTickets)
    .where(sql`${streamTickets.hash} = ${placeholder('hash')}::bytea and ${streamTickets.expires_at} > now()`)
    .returning({
      user_id: streamTickets.user_id,
      credential_id: streamTickets.credential_id,
      kind: streamTickets.kind,
      bucket: streamTickets.bucket,
    }),
)
