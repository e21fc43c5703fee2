import { Client } from 'pg'

type Answer = Promise<unknown>

/** Sees each statement of one connection; asks for it, or answers in its place. */
export type Watch = (word: string, ask: () => Answer) => Answer

/** What the server says to PostgreSQL: the name of a prepared statement, or its text. */
const wordOf = (query: unknown): string => {
  if (typeof query === 'string') return query
  const { name, text } = query as { name?: string; text?: string }
  return name ?? text ?? ''
}

/** Lets a watch stand between the server and every statement it sends on a connection of its own. */
export const betweenStatements = (watch: (client: Client) => Watch): void => {
  const { query } = Client.prototype
  const watches = new WeakMap<Client, Watch>()
  Client.prototype.query = function (this: Client, ...given: unknown[]) {
    // A query with a callback is the pool's own: it stands in no transaction.
    if (typeof given.at(-1) === 'function') return Reflect.apply(query, this, given)
    const own = watches.get(this) ?? watch(this)
    watches.set(this, own)
    return own(wordOf(given[0]), () => Reflect.apply(query, this, given) as unknown as Answer)
  } as typeof query
}

/** The process ends itself, as if its power were cut. */
export const die = (): void => void process.kill(process.pid, 'SIGKILL')
