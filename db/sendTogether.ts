import type { Writable } from 'node:stream'
import type { PoolClient, QueryResult } from 'pg'
import type { Connection } from './client.ts'

/** What is sent from here to the end of this turn leaves in one system call, which costs more than a small query's bytes. */
export function sendTogether(client: PoolClient): void {
  // Not in the typings of pg, which has it public.
  const { stream } = (client as unknown as { connection: { stream: Writable } }).connection
  stream.cork()
  process.nextTick(() => stream.uncork())
}

/** An heir of the client whose queries of one turn leave together, with the COMMIT where it follows in the same turn. */
export function sendingTogether(client: PoolClient): Connection {
  const send = client.query.bind(client) as (...query: unknown[]) => Promise<QueryResult>
  const query = (...given: unknown[]) => {
    sendTogether(client)
    return send(...given)
  }
  return Object.create(client, { query: { value: query } })
}
