import type { Metrics } from './metrics.ts'
import { watchProcess } from './process.ts'

interface PoolStats {
  readonly total: number
  readonly idle: number
  readonly waiting: number
}

interface Pool {
  readonly max: number
  readonly stats: () => PoolStats
}

interface Watched {
  readonly version: string
  readonly adapter: 'uws' | 'node'
  readonly server: { readonly inFlight: number }
  readonly pools: Readonly<Record<'app' | 'gate', Pool>> & { readonly replica?: Pool | undefined }
  readonly streams: { readonly count: () => number }
  readonly sockets: { readonly count: number }
  readonly hashing: { readonly stats: () => { readonly running: number; readonly queued: number } }
}

/** Reports what the process and the parts of the app hold at the moment of a scrape. Returns how to stop. */
export const watchApp = (
  metrics: Metrics,
  { version, adapter, server, pools, streams, sockets, hashing }: Watched,
): (() => void) => {
  const { watch } = metrics
  watch('tsforge_build_info', () => 1, { version, node: process.version, adapter })
  watch('http_server_active_requests', () => server.inFlight)
  watch('tsforge_streams_open', streams.count)
  watch('tsforge_sockets_open', () => sockets.count)
  watch('tsforge_hashing_running', () => hashing.stats().running)
  watch('tsforge_hashing_waiting', () => hashing.stats().queued)
  for (const name of ['app', 'gate', 'replica'] as const) {
    if (!pools[name]) continue
    const { max, stats } = pools[name]
    const pool = { db_client_connection_pool_name: name }
    watch('db_client_connection_max', () => max, pool)
    watch('db_client_connection_pending_requests', () => stats().waiting, pool)
    watch('db_client_connections', () => stats().total - stats().idle, { ...pool, db_client_connection_state: 'used' })
    watch('db_client_connections', () => stats().idle, { ...pool, db_client_connection_state: 'idle' })
  }
  return watchProcess(metrics)
}
