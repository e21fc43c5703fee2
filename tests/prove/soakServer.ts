/** The server, told by messages to collect its garbage and to say what it holds: `node --expose-gc`, with a channel. */
import pg from 'pg'

const collections = 3

/** What a process holds once nothing is left to collect. */
export interface Holding {
  /** The heap of V8 and what its objects hold outside of it. */
  readonly heapBytes: number
  readonly rssBytes: number
  /** Kinds of handles and timers, with how many of each. */
  readonly resources: Readonly<Record<string, number>>
}

function holding(): Holding {
  for (let index = 0; index < collections; index++) globalThis.gc?.()
  const { heapUsed, external, rss } = process.memoryUsage()
  const resources: Record<string, number> = {}
  for (const kind of process.getActiveResourcesInfo()) resources[kind] = (resources[kind] ?? 0) + 1
  return { heapBytes: heapUsed + external, rssBytes: rss, resources }
}

const kept: number[][] = []
const keptNumbers = 64

/** A server that keeps 64 numbers of every statement. */
function leak(): void {
  const { query } = pg.Client.prototype
  pg.Client.prototype.query = function (this: pg.Client, ...statement: unknown[]) {
    kept.push(Array.from({ length: keptNumbers }, Math.random))
    return Reflect.apply(query, this, statement)
  } as typeof query
}

if (process.argv[2] === 'leak') leak()
process.on('message', () => process.send?.(holding()))
await import('../../server/main.ts')
