/** What is known of a metric. Prometheus units: seconds, bytes, ratios from 0 to 1. */
export interface MetricRow {
  readonly kind: 'counter' | 'gauge' | 'histogram'
  readonly help: string
  /**
   * Label names in the order of the output. A list says the only values there are, and the compiler holds callers to
   * it; a text says what keeps other values few. No label ever takes what a client may choose.
   */
  readonly labels?: Readonly<Record<string, readonly string[] | string>>
  /** Of a histogram: upper bounds, the last one without. */
  readonly buckets?: readonly number[]
  /** How several workers make one value; 'sum' unless it says otherwise. */
  readonly merge?: 'max'
}

/** Advised by OpenTelemetry for http.server.request.duration. */
const requestBuckets = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10]
/** Reaches from a connection at rest to the longest wait that DATABASE_ACQUIRE_TIMEOUT_SECONDS usually allows. */
const waitBuckets = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10]

const pool = { db_client_connection_pool_name: ['app', 'gate', 'replica'] } as const

/**
 * Every metric of the server. To add one, write its row here, then call `count`, `timing` or `watch` of Metrics with
 * its name. Names follow OpenTelemetry's semantic conventions where they have one, `process_*` is Prometheus' own
 * custom, and what is peculiar to this server begins with `tsforge_`.
 */
export const metricTable = {
  http_server_request_duration_seconds: {
    kind: 'histogram',
    help: 'Time from the head of a request to the end of its reply. Status 499: the client left before that.',
    labels: {
      http_request_method: 'methods of RFC 9110 and 5789, `_OTHER` for all the rest',
      http_route: 'templates of the routes, empty where none answers (404, 405, preflights)',
      http_response_status_code: 'statuses that the server sends, and 499',
    },
    buckets: requestBuckets,
  },
  http_server_active_requests: { kind: 'gauge', help: 'Requests whose reply is not complete, this scrape among them.' },
  tsforge_streams_open: { kind: 'gauge', help: 'Streams of events; STREAMS_MAX is the most of an instance.' },
  tsforge_sockets_open: { kind: 'gauge', help: 'WebSocket connections.' },

  db_client_connections: {
    kind: 'gauge',
    help: 'Open connections of the pool (db.client.connection.count).',
    labels: { ...pool, db_client_connection_state: ['used', 'idle'] },
  },
  db_client_connection_max: { kind: 'gauge', help: 'Connections that the pool may open.', labels: pool },
  db_client_connection_pending_requests: { kind: 'gauge', help: 'Calls that wait for a connection.', labels: pool },
  db_client_connection_wait_time_seconds: {
    kind: 'histogram',
    help: 'Time until a connection was to be had, the opening of a new one included; failed waits count too.',
    labels: pool,
    buckets: waitBuckets,
  },

  tsforge_calls_limited_total: {
    kind: 'counter',
    help: 'Calls refused with 429, by the budget that was spent: of an address, or of a caller by rate class.',
    labels: { budget: ['address', 'read', 'write', 'credential'] },
  },
  tsforge_guesses_refused_total: {
    kind: 'counter',
    help: 'Logins answered 401 without a look at the password: the account had no guesses left.',
  },
  tsforge_requests_shed_total: {
    kind: 'counter',
    help: 'Calls refused with 503 `overloaded`, by what was full.',
    labels: { reason: ['hashing', 'streams', 'server'] },
  },
  tsforge_idempotent_replays_total: {
    kind: 'counter',
    help: 'Mutations answered by the kept answer of an earlier one.',
  },
  tsforge_replica_reads_total: {
    kind: 'counter',
    help: 'Reads of queries marked `replica`, by who answered; nothing without DATABASE_REPLICA_URL.',
    labels: { place: ['replica', 'primary'] },
  },
  tsforge_replica_fallbacks_total: {
    kind: 'counter',
    help: 'Of these, the reads that the primary answered, by why.',
    labels: { reason: ['own_write', 'lag', 'away', 'unsuited', 'conflict', 'error'] },
  },
  tsforge_replica_lag_seconds: {
    kind: 'gauge',
    help: 'How old what the replica shows may be at most; grows while it is away. 0 without a replica.',
    merge: 'max',
  },
  tsforge_flag_evaluations_total: {
    kind: 'counter',
    help: 'Answers to what a flag says, by the answer.',
    labels: { flag: 'flags of the contract', value: 'what they can say' },
  },
  tsforge_duty_runs_total: {
    kind: 'counter',
    help: 'Runs of scheduled work that ended in this process; /admin/healthz has the last of all instances.',
    labels: { duty: 'names of the duties', outcome: ['done', 'failed'] },
  },
  tsforge_consumer_tries_total: {
    kind: 'counter',
    help: 'Times that a consumer was given an event in this process, by how it ended.',
    labels: { consumer: 'names of the consumers', outcome: ['handled', 'failed', 'lost', 'stopped'] },
  },
  tsforge_dead_letters_total: {
    kind: 'counter',
    help: 'Events that a consumer of this process gave up.',
    labels: { consumer: 'names of the consumers' },
  },
  tsforge_consumer_lag_seconds: {
    kind: 'gauge',
    help: 'Age of the oldest event that a consumer has not handled, of the partitions held here; 0 when there is none.',
    labels: { consumer: 'names of the consumers' },
    merge: 'max',
  },
  tsforge_feed_lag_seconds: {
    kind: 'gauge',
    help: 'How long ago this instance last had the whole log of events; up to about a second while all is well.',
    merge: 'max',
  },
  tsforge_hashing_running: { kind: 'gauge', help: 'Passwords that are being hashed.' },
  tsforge_hashing_waiting: { kind: 'gauge', help: 'Passwords that wait to be hashed; HASH_QUEUE_LENGTH is the most.' },

  nodejs_eventloop_delay_mean_seconds: {
    kind: 'gauge',
    help: 'How late timers were, on average since the last scrape.',
    merge: 'max',
  },
  nodejs_eventloop_delay_p99_seconds: {
    kind: 'gauge',
    help: 'How late timers were, 99th percentile since the last scrape.',
    merge: 'max',
  },
  nodejs_eventloop_delay_max_seconds: {
    kind: 'gauge',
    help: 'How late timers were at worst since the last scrape.',
    merge: 'max',
  },
  nodejs_eventloop_time_seconds_total: {
    kind: 'counter',
    help: 'Time that the event loop worked and waited.',
    labels: { nodejs_eventloop_state: ['active', 'idle'] },
  },
  nodejs_heap_size_used_bytes: { kind: 'gauge', help: 'JavaScript heap in use.' },
  nodejs_heap_size_total_bytes: { kind: 'gauge', help: 'JavaScript heap that V8 holds.' },
  nodejs_external_memory_bytes: { kind: 'gauge', help: 'Memory of buffers and other objects outside the heap.' },
  nodejs_active_resources: { kind: 'gauge', help: 'Timers, sockets and other handles that keep the event loop alive.' },
  process_cpu_seconds_total: { kind: 'counter', help: 'CPU time, of the user and of the system.' },
  process_resident_memory_bytes: { kind: 'gauge', help: 'Memory that the process holds.' },
  process_open_fds: { kind: 'gauge', help: 'Open file descriptors; 0 where /proc is missing.' },
  process_start_time_seconds: {
    kind: 'gauge',
    help: 'Start of the process, of the youngest worker where there are several, in seconds since 1970.',
    merge: 'max',
  },
  tsforge_processes: { kind: 'gauge', help: 'Processes that this scrape speaks for.' },
  tsforge_build_info: {
    kind: 'gauge',
    help: 'Always 1; its labels say what runs.',
    labels: { version: 'one a build', node: 'one a process', adapter: ['uws', 'node'] },
    merge: 'max',
  },
} as const satisfies Readonly<Record<string, MetricRow>>

type Table = typeof metricTable
export type MetricName = keyof Table
type NamesOf<Kind extends MetricRow['kind']> = {
  [Name in MetricName]: Table[Name]['kind'] extends Kind ? Name : never
}[MetricName]

export type CounterName = NamesOf<'counter'>
export type GaugeName = NamesOf<'gauge'>
export type HistogramName = NamesOf<'histogram'>

type ValuesOf<Labels> = {
  readonly [Label in keyof Labels]: Labels[Label] extends readonly string[] ? Labels[Label][number] : string
}

/** The labels of a metric as arguments: one object, or nothing where it has none. */
export type LabelsOf<Name extends MetricName> = Table[Name] extends { readonly labels: infer Labels }
  ? [labels: ValuesOf<Labels>]
  : []
