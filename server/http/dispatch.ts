import type { Logger } from 'pino'
import type { RequestHead } from '../context.ts'
import type { Budgets } from '../platform/budgets.ts'
import type { Load } from '../platform/load.ts'
import type { Tracing } from '../platform/tracing/tracing.ts'
import { refuse } from '../rpc/failure.ts'
import { toFailure } from '../rpc/toFailure.ts'
import { createTurnAway } from './busy.ts'
import type { ClientAddress } from './clientAddress.ts'
import { refusal } from './envelope.ts'
import type { Answer, Exchange } from './exchange.ts'
import { addHeaders, type Cors, headersOfReply } from './headers.ts'
import { openRequest } from './requestHead.ts'
import { endRequestSpan, openRequestSpan } from './requestSpan.ts'
import type { Route, Visit } from './route.ts'
import { createRouter, type Found, type Match } from './router.ts'

export interface DispatchOptions {
  readonly routes: readonly Route[]
  /** Where handshakes for sockets lead. */
  readonly socketRoute?: Route
  readonly cors: Cors
  readonly clientAddress: ClientAddress
  readonly budgets: Budgets
  readonly load: Pick<Load, 'hasRoom' | 'noteRefused'>
  readonly log: Logger
  readonly countRequest: CountRequest
  readonly tracing?: Tracing | undefined
}

/** Told of every request that is over: `route` is the template, '' where none answered. */
export type CountRequest = (method: string, route: string, status: number, durationMs: number) => void

/** Leads each exchange to its route and sees that exactly one reply and one log line come of it. */
export const createDispatch = ({
  routes,
  socketRoute,
  cors,
  clientAddress,
  budgets,
  load,
  log,
  countRequest,
  tracing,
}: DispatchOptions) => {
  const noteWhenDone = createNote(log, countRequest)
  const turnedAway = createTurnAway({ load, cors, log, countRequest })
  const router = createRouter(routes.map((route) => ({ method: route.method, path: route.path, value: route })))

  const serve = (visit: Visit, found: Match<Route>): Answer | null | Promise<Answer | null> => {
    const { exchange, head } = visit
    if (exchange.defect) throw refuse(exchange.defect)
    if (found && 'value' in found) return found.value.serve(visit)
    if (found && exchange.method === 'OPTIONS') return preflight(found)
    return turnAway(head, found)
  }

  const turnAway = async (head: RequestHead, found: Exclude<Match<Route>, Found<Route>>): Promise<Answer> => {
    await budgets.spendAddress(head.clientKey)
    if (!found) throw refuse('route.not_found')
    return refusal(refuse('route.method_not_allowed'), head.id, { allow: found.allow.join(', ') })
  }

  return (exchange: Exchange): void => {
    const found =
      exchange.isHandshake && socketRoute
        ? { value: socketRoute, params: [] }
        : router.match(exchange.method, exchange.path)
    const route = found && 'value' in found ? found : undefined
    if (route && turnedAway(exchange, route.value, route.params)) return
    // A probe's matters to its line alone.
    const needsAddress = !route?.value.isSystem || log.isLevelEnabled(levelOf(route.value))
    const head = openRequest(exchange, needsAddress ? clientAddress(exchange) : '', log)
    if (tracing) openRequestSpan(tracing, exchange, { head, route: route?.value })
    const replyHeaders = () => {
      const headers = headersOfReply(exchange, head, cors)
      if (head.span && tracing?.serverTiming) headers['server-timing'] = tracing.serverTiming.headerOf(head.span)
      return headers
    }
    const line = noteWhenDone(exchange, head, route?.value)

    const reply = (answer: Answer | null) => {
      // What goes on as a stream may do so for hours: its span ends with its beginning.
      if (!answer) return head.span && endRequestSpan(head.span, head, line.status)
      line.status = answer.status
      exchange.send({ status: answer.status, headers: addHeaders(replyHeaders(), answer.headers), body: answer.body })
    }
    const explain = (error: unknown) => reply(refusal(toFailure(error, head.log), head.id))
    const answerIt = () => {
      try {
        const answer = serve({ exchange, head, params: route?.params ?? [], replyHeaders }, found)
        if (answer instanceof Promise) answer.then(reply).catch(explain)
        else reply(answer)
      } catch (error) {
        explain(error)
      }
    }
    if (head.span && tracing) tracing.within(head.span, answerIt)
    else answerIt()
  }
}

/** What is known of a request when its reply is made. */
interface Line {
  status: number
}

const levelOf = (route: Route | undefined) => (route?.isSystem ? 'debug' : 'info')

/**
 * Counts a request when its exchange is over, and writes its line if the level is written at all. 499 stands for a
 * client that left before its reply.
 */
const createNote =
  (log: Logger, countRequest: CountRequest) =>
  (exchange: Exchange, head: RequestHead, route: Route | undefined): Line => {
    const line = { status: exchange.isHandshake ? 101 : 200 }
    const startedAt = performance.now()
    exchange.onDone((outcome) => {
      const status = outcome === 'aborted' ? 499 : line.status
      if (head.span) endRequestSpan(head.span, head, outcome === 'aborted' ? undefined : status)
      const durationMs = performance.now() - startedAt
      countRequest(exchange.method, route?.path ?? '', status, durationMs)
      const level = levelOf(route)
      if (!log.isLevelEnabled(level)) return
      // Plain, since this is made for every request. What is undefined is not written.
      log[level](
        {
          request_id: head.id,
          trace_id: head.traceId,
          method: exchange.method,
          route: route?.path ?? null,
          status,
          duration_ms: Math.round(durationMs * 100) / 100,
          address: head.address,
          user_id: head.userId,
        },
        'request',
      )
    })
    return line
  }

/** RFC 9110 9.3.7: what a path answers to. The CORS headers are added to every reply. */
const preflight = (found: { readonly allow: readonly string[] }): Answer => ({
  status: 204,
  headers: { allow: found.allow.join(', ') },
  body: null,
})
