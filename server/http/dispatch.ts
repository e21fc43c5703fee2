import type { Logger } from 'pino'
import type { RequestHead } from '../context.ts'
import type { Budgets } from '../platform/budgets.ts'
import { refuse } from '../rpc/failure.ts'
import { toFailure } from '../rpc/toFailure.ts'
import type { ClientAddress } from './clientAddress.ts'
import { refusal } from './envelope.ts'
import type { Answer, Exchange } from './exchange.ts'
import { addHeaders, type Cors, headersOfReply } from './headers.ts'
import { namesOf, openRequest } from './requestHead.ts'
import type { Route, Visit } from './route.ts'
import { createRouter, type Found, type Match } from './router.ts'

export interface DispatchOptions {
  readonly routes: readonly Route[]
  readonly cors: Cors
  readonly clientAddress: ClientAddress
  readonly budgets: Budgets
  readonly log: Logger
}

/** Leads each exchange to its route and sees that exactly one reply and one log line come of it. */
export const createDispatch = ({ routes, cors, clientAddress, budgets, log }: DispatchOptions) => {
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
    const head = openRequest(exchange, clientAddress(exchange), log)
    const found = router.match(exchange.method, exchange.path)
    const route = found && 'value' in found ? found : undefined
    const replyHeaders = () => headersOfReply(exchange, head, cors)
    const line = noteWhenDone(log, exchange, head, route?.value)

    const reply = (answer: Answer | null) => {
      if (!answer) return
      line.status = answer.status
      exchange.send({ status: answer.status, headers: addHeaders(replyHeaders(), answer.headers), body: answer.body })
    }
    const explain = (error: unknown) => reply(refusal(toFailure(error, head.log), head.id))
    try {
      const answer = serve({ exchange, head, params: route?.params ?? [], replyHeaders }, found)
      if (answer instanceof Promise) answer.then(reply).catch(explain)
      else reply(answer)
    } catch (error) {
      explain(error)
    }
  }
}

/** What is known of a request when its reply is made. */
interface Line {
  status: number
}

/** Writes one line when the exchange is over, if its level is written at all. 499 stands for a client that left before its reply. */
const noteWhenDone = (log: Logger, exchange: Exchange, head: RequestHead, route: Route | undefined): Line => {
  const line = { status: 200 }
  const level = route?.isSystem ? 'debug' : 'info'
  if (!log.isLevelEnabled(level)) return line
  const startedAt = performance.now()
  exchange.onDone((outcome) => {
    log[level](
      {
        ...namesOf(head),
        method: exchange.method,
        route: route?.path ?? null,
        status: outcome === 'aborted' ? 499 : line.status,
        duration_ms: Math.round((performance.now() - startedAt) * 100) / 100,
        address: head.address,
        ...(head.userId === undefined ? {} : { user_id: head.userId }),
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
