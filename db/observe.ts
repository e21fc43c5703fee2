import type { PoolClient, QueryResult } from 'pg'

/** How a statement ended. */
export interface QueryOutcome {
  readonly rows?: number | undefined
  readonly error?: unknown
}

/** Looks at what is asked of the database, and changes nothing of it. */
export interface QueryObserver {
  /** Told of each statement as it is sent: its text, without values, and its name; what it returns is told how it ended. */
  readonly query: (text: string, name: string | undefined) => ((outcome: QueryOutcome) => void) | undefined
  /** Runs a transaction, every attempt of it. */
  readonly transaction: <T>(work: () => Promise<T>) => Promise<T>
  /** The same callback, on whose behalf it was given even where another's work calls it. */
  readonly keep: <Given extends unknown[]>(callback: (...given: Given) => void) => (...given: Given) => void
}

type Send = (...given: unknown[]) => unknown
type Callback = (error: unknown, result?: QueryResult) => void

/** Shows `observer` everything that is sent over a connection, in whatever form the statement comes. */
export function observeQueries(client: PoolClient, observer: QueryObserver): void {
  const send = client.query as Send
  const observed: Send = (...given) => {
    const [query] = given
    const text = typeof query === 'string' ? query : (query as { text?: unknown } | undefined)?.text
    const name = (query as { name?: string }).name
    const ended = typeof text === 'string' ? observer.query(text, name) : undefined
    if (!ended) return send.apply(client, given)
    const last = given.at(-1)
    if (typeof last === 'function')
      return send.apply(client, [...given.slice(0, -1), reporting(last as Callback, ended)])
    const answer = send.apply(client, given) as Promise<QueryResult>
    answer.then(
      (result) => ended({ rows: result.rows?.length }),
      (error: unknown) => ended({ error }),
    )
    return answer
  }
  client.query = observed as PoolClient['query']
}

const reporting =
  (callback: Callback, ended: (outcome: QueryOutcome) => void): Callback =>
  (error, result) => {
    ended(error ? { error } : { rows: result?.rows?.length })
    callback(error, result)
  }
