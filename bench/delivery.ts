import { EventEmitter, once } from 'node:events'
import { withConnection } from '../db/oneConnection.ts'
import { latenciesOf } from '../server/cli/bench/latencies.ts'
import { cpuMicroseconds, postgresMicroseconds } from '../server/cli/bench/processes.ts'
import type { BenchDatabase } from './database.ts'
import { openStream } from './listener.ts'
import type { Figures } from './load.ts'
import type { Server } from './servers.ts'

const patienceMs = 10_000
const record = `insert into events (topic, target, payload)
  values ('menu.created', gen_random_uuid(), '{"code": "code", "label": "Menu"}'); select number_events(1000)`

/** Records so many events one after another, each when the one before has reached a stream. */
export const deliverEvents = async (
  server: Server,
  { database, authorization, count }: { database: BenchDatabase; authorization: string; count: number },
): Promise<Figures> => {
  const told = new EventEmitter()
  const { socket } = await openStream(server, authorization, () => told.emit('event'))
  try {
    return await withConnection(database.appUrl, async (client) => {
      const before = { own: cpuMicroseconds(server.pid), postgres: postgresMicroseconds(server.postmaster) }
      const startedAt = performance.now()
      const delays: number[] = []
      for (let event = 0; event < count; event += 1) {
        const arrives = once(told, 'event', { signal: AbortSignal.timeout(patienceMs) })
        const recordedAt = performance.now()
        await client.query(record)
        await arrives
        delays.push(performance.now() - recordedAt)
      }
      const { p50, p99 } = latenciesOf(Float64Array.from(delays))
      return {
        requests: count,
        perSecond: (count * 1000) / (performance.now() - startedAt),
        serverCpu: (cpuMicroseconds(server.pid) - before.own) / count,
        postgresCpu: (postgresMicroseconds(server.postmaster) - before.postgres) / count,
        p50Ms: p50,
        p99Ms: p99,
      }
    })
  } finally {
    socket.destroy()
  }
}
