import type { IncomingMessage } from 'node:http'
import type { AnyTRPCRouter } from '@trpc/server'
import { getWSConnectionHandler, type WSSHandlerOptions } from '@trpc/server/adapters/ws'
import type { TRPCRequestInfo } from '@trpc/server/http'
import type { Entry } from '../../contract/define.ts'
import type { RequestHead } from '../context.ts'
import type { Budgets } from '../platform/budgets.ts'
import { Failure, refuse } from '../rpc/failure.ts'
import type { Procedure } from '../rpc/procedure.ts'
import type { TrpcContext } from '../rpc/router.ts'
import type { Exchange, SocketListener, TextSocket } from './exchange.ts'
import { createOriginCheck } from './origins.ts'
import type { Route, Visit } from './route.ts'
import { SocketCalls } from './socketCalls.ts'
import { SocketPeer } from './socketPeer.ts'
import { batchSizeMax } from './trpcFetch.ts'

/** Where @trpc/client's wsLink finds the procedures. */
export const socketPath = '/trpc'

/** Of one process: each takes memory as long as its client likes. */
const socketsMax = 10_000
const retryWhenFullSeconds = 5
/** A client that is silent so long is asked whether it is there, and has so long to answer. */
const keepAlive = { enabled: true, pingMs: 30_000, pongWaitMs: 5_000 }
/** What wsLink takes for the wish that it opens another connection and moves there. */
const reconnectNotice = JSON.stringify({ id: null, method: 'reconnect' })

export interface SocketParts {
  readonly procedures: readonly Procedure[]
  readonly router: AnyTRPCRouter
  readonly budgets: Budgets
  /** Those of CORS. */
  readonly origins: readonly string[]
}

export interface Sockets {
  readonly route: Route
  /** Sockets that are open. */
  readonly count: number
  /** Queries and mutations on all of them whose answer is not sent. */
  readonly unanswered: number
  /** Takes no more, and asks clients to go elsewhere; what runs goes on. */
  readonly drain: () => void
  /** Closes all that are open. */
  readonly close: () => void
}

interface OpenSocket {
  readonly peer: SocketPeer
  readonly calls: SocketCalls
}

/** The procedures over WebSocket, as @trpc/client's wsLink speaks it. */
export const createSockets = ({ procedures, router, budgets, origins }: SocketParts): Sockets => {
  const kinds = new Map(procedures.map(({ path, rules }) => [path, rules.kind]))
  const mayOpen = createOriginCheck(origins)
  const open = new Set<OpenSocket>()
  let isDraining = false

  const serve = async ({ exchange, head }: Visit): Promise<null> => {
    if (!mayOpen(exchange.headers)) {
      await budgets.spendAddress(head.clientKey)
      throw refuse('request.origin_forbidden')
    }
    if (isDraining) throw refuse('unavailable', { retryAfterSeconds: 1 })
    if (open.size >= socketsMax) throw refuse('overloaded', { retryAfterSeconds: retryWhenFullSeconds })
    exchange.upgrade({ 'x-request-id': head.id }, (socket) => follow(socket, exchange, head))
    return null
  }

  const follow = (socket: TextSocket, exchange: Exchange, head: RequestHead): SocketListener => {
    const peer = new SocketPeer(socket)
    const calls = serveSocket({ router, kinds, budgets, peer, head, query: exchange.query })
    const opened = { peer, calls }
    const openedAt = performance.now()
    open.add(opened)
    return {
      message: (data, isBinary) => peer.emit('message', data, isBinary),
      drain: () => peer.drained(),
      close(code) {
        open.delete(opened)
        peer.ended()
        const { address, userId } = head
        const seconds = Math.round((performance.now() - openedAt) / 10) / 100
        const who = userId === undefined ? {} : { user_id: userId }
        head.log.info({ code, calls: calls.count, duration_s: seconds, address, ...who }, 'socket closed')
      },
    }
  }

  return {
    route: { method: 'GET', path: socketPath, serve },
    get count() {
      return open.size
    },
    get unanswered() {
      let count = 0
      for (const { calls } of open) count += calls.unanswered
      return count
    },
    drain() {
      isDraining = true
      for (const { peer, calls } of open) {
        calls.drain()
        peer.send(reconnectNotice)
      }
    },
    close() {
      for (const { peer } of [...open]) peer.close(1012, 'the server stops')
    },
  }
}

interface SocketScene {
  readonly router: AnyTRPCRouter
  readonly kinds: ReadonlyMap<string, Entry['kind']>
  readonly budgets: Budgets
  readonly peer: SocketPeer
  readonly head: RequestHead
  readonly query: string
}

type HandlerOptions = WSSHandlerOptions<AnyTRPCRouter>
type Connect = ReturnType<typeof getWSConnectionHandler<AnyTRPCRouter>>

/** Connects a socket to tRPC's own handler, by a handler for this one alone: it reads and writes through the socket's calls. */
const serveSocket = ({ router, kinds, budgets, peer, head, query }: SocketScene): SocketCalls => {
  const calls = new SocketCalls({
    router,
    kinds,
    budgets,
    head,
    expectsParams: new URLSearchParams(query).get('connectionParams') === '1',
    send: (text) => peer.send(text),
    giveUp: (code, reason) => peer.close(code, reason),
  })
  const options: Omit<HandlerOptions, 'wss'> = {
    router,
    experimental_encoder: calls,
    keepAlive,
    maxBatchSize: batchSizeMax,
    createContext: ({ info }): TrpcContext => ({ ...contextOf(calls, head, info), whenTaken: () => peer.whenTaken() }),
    onError({ error }) {
      // Failures were looked at where they happened.
      if (error.code !== 'INTERNAL_SERVER_ERROR' || error.cause instanceof Failure) return
      head.log.error({ err: error }, 'unexpected error on a socket')
    },
  }
  // The handler asks for a server of sockets in its type alone.
  const connect: Connect = getWSConnectionHandler(options as HandlerOptions)
  // All that the handler reads of a request is its URL.
  const request = { url: `${socketPath}?${query}`, headers: {}, socket: {} }
  connect(peer as unknown as Parameters<Connect>[0], request as unknown as IncomingMessage)
  return calls
}

/** One for the life of the socket. A subscription brings a signal of its own, which ends before the socket does. */
const contextOf = (calls: SocketCalls, head: RequestHead, info: TRPCRequestInfo): TrpcContext => {
  const { token, ticket, tenant_id } = info.connectionParams ?? {}
  const params = {
    ...(token === undefined ? {} : { token }),
    ...(ticket === undefined ? {} : { ticket }),
    ...(tenant_id === undefined ? {} : { tenant_id }),
  }
  return { head, replay: { isReplay: false }, openCall: (signal) => calls.head(params, signal ?? info.signal) }
}
