import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

/** From the server that is tested to the database, or back. */
export type Direction = 'toDatabase' | 'toServer'

export interface Condition {
  /** Every piece arrives so much later. Default 0. */
  readonly latencyMs?: number
  /** Nothing arrives, not even the end of the connection, until this is over. Default false. */
  readonly isBlackhole?: boolean
}

export interface FaultProxy {
  /** The same database by way of the proxy. */
  readonly reroute: (url: string) => string
  /** What happens from now on to all connections, open ones and new ones; without a direction both ways. */
  readonly set: (condition: Condition, direction?: Direction) => void
  /** Breaks all connections with RST, on both sides. */
  readonly reset: () => void
  /** Ends all connections in one direction, while the other one stays open. */
  readonly halfClose: (direction: Direction) => void
  /** Resolves when bytes that hold `text` are about to pass; `act` runs before they do. */
  readonly when: (direction: Direction, text: string, act?: () => void) => Promise<void>
  /** Resolves when the connections of this moment are closed on both sides. */
  readonly untilGone: () => Promise<unknown>
  /** Connections that the server has open at this moment. */
  readonly open: () => number
  readonly close: () => Promise<void>
}

interface Watch {
  readonly direction: Direction
  readonly text: string
  readonly found: () => void
}

/** A place between a server and its database where the network can be made to fail. Loopback only. */
export async function startFaultProxy(databaseUrl: string): Promise<FaultProxy> {
  const { hostname, port: databasePort } = new URL(databaseUrl)
  const conditions: Record<Direction, Condition> = { toDatabase: {}, toServer: {} }
  const links = new Set<Link>()
  let watches: Watch[] = []

  const seen = (direction: Direction, bytes: Buffer) => {
    const hits = watches.filter((watch) => watch.direction === direction && bytes.includes(watch.text))
    watches = watches.filter((watch) => !hits.includes(watch))
    for (const { found } of hits) found()
  }

  const server = createServer({ allowHalfOpen: true, noDelay: true }, (near) => {
    const far = connect({ port: Number(databasePort), host: hostname, allowHalfOpen: true, noDelay: true })
    const lanes = {
      toDatabase: new Lane(
        near,
        far,
        () => conditions.toDatabase,
        (bytes) => seen('toDatabase', bytes),
      ),
      toServer: new Lane(
        far,
        near,
        () => conditions.toServer,
        (bytes) => seen('toServer', bytes),
      ),
    }
    const link = { near, far, lanes }
    links.add(link)
    near.once('close', () => links.delete(link))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo

  const eachSocket = (act: (socket: Socket) => void) => {
    for (const { near, far } of links) for (const socket of [near, far]) act(socket)
  }
  return {
    reroute(url) {
      const changed = new URL(url)
      changed.host = `127.0.0.1:${port}`
      return changed.href
    },
    set(condition, direction) {
      for (const way of direction ? [direction] : (['toDatabase', 'toServer'] as const)) conditions[way] = condition
      for (const { lanes } of links) for (const lane of Object.values(lanes)) lane.flush()
    },
    reset: () => eachSocket((socket) => socket.resetAndDestroy()),
    halfClose(direction) {
      for (const { near, far } of links) (direction === 'toServer' ? near : far).end()
    },
    when: (direction, text, act = () => {}) =>
      new Promise((resolve) => {
        const found = () => {
          act()
          resolve()
        }
        watches.push({ direction, text, found })
      }),
    untilGone: () => Promise.all([...links].map(({ near }) => new Promise((resolve) => near.once('close', resolve)))),
    open: () => [...links].filter(({ near }) => !near.readableEnded && !near.destroyed).length,
    async close() {
      eachSocket((socket) => socket.destroy())
      server.close()
      await once(server, 'close')
    },
  }
}

interface Link {
  readonly near: Socket
  readonly far: Socket
  readonly lanes: Readonly<Record<Direction, Lane>>
}

/** One direction of one connection. What a blackhole holds back arrives in order when it is over, as TCP would send it again. */
class Lane {
  readonly #to: Socket
  readonly #condition: () => Condition
  /** What is on its way; null is the end. */
  readonly #queue: { readonly bytes: Buffer | null; readonly dueAt: number }[] = []
  #timer: NodeJS.Timeout | undefined

  constructor(from: Socket, to: Socket, condition: () => Condition, seen: (bytes: Buffer) => void) {
    this.#to = to
    this.#condition = condition
    const pass = (bytes: Buffer | null) => {
      if (bytes) seen(bytes)
      this.#queue.push({ bytes, dueAt: performance.now() + (condition().latencyMs ?? 0) })
      this.flush()
    }
    from.on('data', pass)
    from.on('end', () => pass(null))
    from.on('error', () => {})
    // A connection that broke breaks on, unless nobody is to hear of it.
    from.on('close', (hadError) => {
      if (!condition().isBlackhole && hadError) to.resetAndDestroy()
    })
  }

  /** Sends what is due, and comes back for the rest. */
  flush(): void {
    clearTimeout(this.#timer)
    if (this.#condition().isBlackhole) return
    for (;;) {
      const [next] = this.#queue
      if (!next) return
      const waitMs = next.dueAt - performance.now()
      if (waitMs > 0) {
        this.#timer = setTimeout(() => this.flush(), waitMs)
        return
      }
      this.#queue.shift()
      if (this.#to.destroyed) continue
      if (next.bytes) this.#to.write(next.bytes)
      else this.#to.end()
    }
  }
}
