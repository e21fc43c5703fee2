import type { Socket } from 'node:net'
import { Connection, type PoolClient } from 'pg'

/** What node-postgres keeps of a connection and its types do not name. */
interface Opened {
  readonly processID: number | null
  readonly secretKey: number | null
  readonly host: string
  readonly port: number
  readonly ssl: boolean | object
  readonly connection: { readonly stream: Socket }
}

interface Raw {
  readonly stream: Socket
  connect(port: number | string, host?: string): void
  cancel(processID: number, secretKey: number): void
}

const patienceMs = 3_000

/**
 * Stops what `client` has PostgreSQL do and closes its connection, which rolls back. Whoever waits for its answer is
 * told at once, as of a connection that was lost; the pool replaces it.
 */
export function cut(client: PoolClient): void {
  const opened = client as unknown as Opened
  requestCancel(opened)
  // Used again, the connection could have its next statement stopped by the request, which is still on its way.
  opened.connection.stream.destroy()
}

/**
 * Asks PostgreSQL to stop the statement that a connection has it run, on another one (PostgreSQL manual, Canceling
 * Requests in Progress). There is no answer; where the request cannot be made, the timeout of the statement ends it.
 */
function requestCancel({ processID, secretKey, host, port, ssl }: Opened): void {
  if (processID === null || secretKey === null) return
  const connection = new Connection({ ssl } as ConstructorParameters<typeof Connection>[0])
  const raw = connection as unknown as Raw
  raw.stream.setTimeout(patienceMs, () => raw.stream.destroy())
  connection.on('error', () => {})
  connection.once(ssl ? 'sslconnect' : 'connect', () => raw.cancel(processID, secretKey))
  if (host.startsWith('/')) raw.connect(`${host}/.s.PGSQL.${port}`)
  else raw.connect(port, host)
}
