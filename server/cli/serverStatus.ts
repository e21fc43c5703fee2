import { ForgeError } from './forgeError.ts'
import { askServer } from './serverAddress.ts'

interface Duty {
  readonly name: string
  readonly schedule: string
  readonly started_at?: string
  readonly outcome?: 'done' | 'failed' | null
  readonly error?: string
}

interface Pool {
  readonly used: number
  readonly idle: number
  readonly max: number
  readonly waiting: number
}

export interface ServerStatus {
  readonly url: string
  readonly service: string
  readonly version: string
  readonly live: boolean
  readonly ready: boolean
  /** Why it is not ready. */
  readonly reason: string | null
  readonly modules: readonly { readonly name: string; readonly healthy: boolean; readonly reason?: string }[]
  readonly duties: readonly Duty[]
  readonly process: {
    readonly adapter: string
    readonly node: string
    readonly workers: number
    readonly requests: number
    readonly streams: number
    readonly sockets: number
  }
  /** By the role that they connect as. */
  readonly pools: Readonly<Record<string, Pool>>
}

/**
 * What a running server says of itself, on its probes and to operators. Throws ForgeError when nothing answers, when
 * that is another program, and when it refuses the token.
 */
export const readStatus = async (url: string, adminToken: string | undefined): Promise<ServerStatus> => {
  const ask = (path: string, token?: string) =>
    askServer(url, path, token).catch((error: unknown) => {
      throw new ForgeError(
        `Nothing answers at ${url}${causeOf(error)}: start the server with npm start, or name another address with --url.`,
      )
    })
  const health = await ask('/healthz')
  const { service, version } = (health.data ?? {}) as { service?: string; version?: string }
  if (service === undefined || version === undefined)
    throw new ForgeError(`What answers at ${url} is no server of this kind: name another address with --url.`)
  const [live, ready] = [await ask('/livez'), await ask('/readyz')]
  const admin = await ask('/admin/healthz', adminToken)
  if (admin.status === 401 || admin.status === 403) throw new ForgeError(refused(url, adminToken))
  const { modules = [], duties = [] } = (admin.data ?? {}) as Partial<ServerStatus>
  const names = (await ask('/admin/modules', adminToken)).data as readonly string[] | undefined
  const metrics = samplesOf((await ask('/admin/metrics', adminToken)).text)
  return {
    url,
    service,
    version,
    live: live.status === 200,
    ready: ready.status === 200,
    reason: ready.status === 200 ? null : (ready.reason ?? `status ${ready.status}`),
    modules: modules.length > 0 ? modules : (names ?? []).map((name) => ({ name, healthy: true })),
    duties,
    process: processOf(metrics),
    pools: poolsOf(metrics),
  }
}

const causeOf = (error: unknown): string => {
  const { cause, name } = error as { cause?: { code?: string }; name?: string }
  return name === 'TimeoutError' ? ' within three seconds' : cause?.code ? ` (${cause.code})` : ''
}

const refused = (url: string, adminToken: string | undefined) =>
  adminToken === undefined
    ? `The server at ${url} asks operators for a token: set ADMIN_TOKEN to the one it has, or run this on its machine.`
    : `The server at ${url} has another ADMIN_TOKEN: set the one that it has.`

interface Sample {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

/** Lines of https://prometheus.io/docs/instrumenting/exposition_formats/ */
const samplesOf = (text: string): readonly Sample[] =>
  [...text.matchAll(/^(\w+)(?:\{(.*)\})? ([\d.eE+-]+)$/gm)].map(([, name = '', labels = '', value]) => ({
    name,
    labels: Object.fromEntries(
      [...labels.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map(([, label, said]) => [label, said]),
    ),
    value: Number(value),
  }))

const sampleOf = (samples: readonly Sample[], wanted: string, labels: Sample['labels'] = {}): number =>
  samples.find(
    ({ name, labels: own }) => name === wanted && Object.entries(labels).every(([label, said]) => own[label] === said),
  )?.value ?? 0

const processOf = (samples: readonly Sample[]): ServerStatus['process'] => {
  const build = samples.find(({ name }) => name === 'tsforge_build_info')?.labels
  return {
    adapter: build?.adapter ?? 'unknown',
    node: build?.node ?? 'unknown',
    workers: sampleOf(samples, 'tsforge_processes'),
    requests: sampleOf(samples, 'http_server_active_requests'),
    streams: sampleOf(samples, 'tsforge_streams_open'),
    sockets: sampleOf(samples, 'tsforge_sockets_open'),
  }
}

const poolsOf = (samples: readonly Sample[]): ServerStatus['pools'] => {
  const names = samples
    .filter(({ name }) => name === 'db_client_connection_max')
    .map(({ labels }) => labels.db_client_connection_pool_name ?? '')
  return Object.fromEntries(
    names.map((name) => {
      const pool = { db_client_connection_pool_name: name }
      const count = (state: string) =>
        sampleOf(samples, 'db_client_connections', { ...pool, db_client_connection_state: state })
      const max = sampleOf(samples, 'db_client_connection_max', pool)
      return [
        name,
        {
          used: count('used'),
          idle: count('idle'),
          max,
          waiting: sampleOf(samples, 'db_client_connection_pending_requests', pool),
        },
      ]
    }),
  )
}
