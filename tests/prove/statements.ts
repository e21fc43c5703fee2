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
    const own = watches.get(this) ?? watch(this)
    watches.set(this, own)
    const done = given.at(-1)
    // The pool's own way to ask, outside of transactions.
    if (typeof done === 'function') {
      const ask = () =>
        new Promise((resolve, reject) => {
          const heard = (error: Error | null, result: unknown) => {
            if (error) reject(error)
            else resolve(result)
            done(error, result)
          }
          Reflect.apply(query, this, [...given.slice(0, -1), heard])
        })
      own(wordOf(given[0]), ask).catch(() => {})
      return undefined
    }
    return own(wordOf(given[0]), () => Reflect.apply(query, this, given) as unknown as Answer)
  } as typeof query
}

/** The process ends itself, as if its power were cut. */
export const die = (): void => void process.kill(process.pid, 'SIGKILL')
