import { Client, type ClientConfig } from 'pg'

const connectTimeoutMs = 10_000

/**
 * A connection of its own for the time of `work`, for what is done once and outside of the pools. Rejects within ten
 * seconds when there is none; a server that goes away without a word is noticed by keep-alive (see openDatabase).
 */
export async function withConnection<T>(
  url: string,
  work: (client: Client) => Promise<T>,
  settings: ClientConfig = {},
): Promise<T> {
  const client = new Client({
    connectionString: url,
    connectionTimeoutMillis: connectTimeoutMs,
    keepAlive: true,
    keepAliveInitialDelayMillis: keepAliveAfterMs,
    ...settings,
  })
  // A lost connection fails the query at hand; without a listener it would end the process too.
  client.on('error', () => {})
  await client.connect()
  try {
    return await work(client)
  } finally {
    await client.end()
  }
}

/** Silence after which the system asks whether the peer is still there; Node gives it ten more seconds to answer. */
export const keepAliveAfterMs = 10_000
