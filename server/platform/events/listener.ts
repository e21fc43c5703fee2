import { Client } from 'pg'
import { keepAliveAfterMs } from '../../../db/oneConnection.ts'

const retryMs = 1_000
const connectTimeoutMs = 5_000

export interface Listener {
  /** Closes the connection; nobody is poked any more. */
  readonly stop: () => Promise<void>
}

interface Options {
  readonly url: string
  readonly applicationName: string
  /** Something was numbered, or may have been while nobody listened. */
  readonly onPoke: () => void
  /** Told once an outage. */
  readonly onLost: (error: Error) => void
}

/**
 * One connection that listens for numbered events and is made again when it is lost. A poke makes delivery quick and
 * nothing else: who misses one polls.
 */
export const createListener = ({ url, applicationName, onPoke, onLost }: Options): Listener => {
  let client: Client | undefined
  let retry: NodeJS.Timeout | undefined
  let isStopped = false
  let isLost = false

  const lose = (gone: Client, error: Error) => {
    if (client !== gone) return
    client = undefined
    gone.end().catch(() => {})
    if (isStopped) return
    if (!isLost) onLost(error)
    isLost = true
    retry = setTimeout(connect, retryMs).unref()
  }

  const connect = () => {
    const next = new Client({
      connectionString: url,
      application_name: applicationName,
      connectionTimeoutMillis: connectTimeoutMs,
      keepAlive: true,
      keepAliveInitialDelayMillis: keepAliveAfterMs,
    })
    client = next
    next.on('error', (error) => lose(next, error))
    next.on('end', () => lose(next, new Error('the connection for LISTEN has ended')))
    next.on('notification', onPoke)
    next
      .connect()
      .then(
        async () => {
          await next.query('listen tsforge_events')
          isLost = false
          onPoke()
        },
        (error: Error) => lose(next, error),
      )
      .catch((error: Error) => lose(next, error))
  }

  connect()
  return {
    async stop() {
      isStopped = true
      clearTimeout(retry)
      const last = client
      client = undefined
      await last?.end().catch(() => {})
    },
  }
}
