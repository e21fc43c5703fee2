import type { Logger } from 'pino'
import type { RequestHead } from '../context.ts'
import type { Budgets } from '../platform/budgets.ts'
import { refuse } from '../rpc/failure.ts'
import { toFailure } from '../rpc/toFailure.ts'
import type { ClientAddress } from './clientAddress.ts'
import { refusal } from './envelope.ts'
import type { Answer, Exchange, HeaderMap } from './exchange.ts'
import { budgetHeaders, type Cors, joinHeaders, securityHeaders } from './headers.ts'
import { openRequest } from './requestHead.ts'
import type { Route } from './route.ts'
import { createRouter, type Match } from './router.ts'

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

  const serve = async (exchange: Exchange, head: RequestHead, found: Match<Route>, replyHeaders: () => HeaderMap) => {
    if (exchange.defect) throw refuse(exchange.defect)
    if (found && 'value' in found) return found.value.serve({ exchange, head, params: found.params, replyHeaders })
    if (found && exchange.method === 'OPTIONS') return preflight(found)
    await budgets.spendAddress(head.clientKey)
    if (!found) throw refuse('route.not_found')
    return refusal(refuse('route.method_not_allowed'), head.id, { allow: found.allow.join(', ') })
  }

  return (exchange: Exchange): void => {
    const head = openRequest(exchange, clientAddress(exchange), log)
    const found = router.match(exchange.method, exchange.path)
    const replyHeaders = () => ({
      ...securityHeaders,
      'x-request-id': head.id,
      ...cors(exchange),
      ...budgetHeaders(head),
    })
    const noteStatus = logWhenDone(exchange, head, found && 'value' in found ? found.value : undefined)

    const reply = (answer: Answer | null) => {
      if (!answer) return
      noteStatus(answer.status)
      exchange.send({ ...answer, headers: joinHeaders(replyHeaders(), answer.headers) })
    }
    const explain = (error: unknown) => reply(refusal(toFailure(error, head.log), head.id))
    serve(exchange, head, found, replyHeaders).then(reply).catch(explain)
  }
}

/** Writes one line when the exchange is over. 499 stands for a client that left before its reply. */
const logWhenDone = (exchange: Exchange, head: RequestHead, route: Route | undefined) => {
  const startedAt = performance.now()
  let status = 200
  exchange.onDone((outcome) => {
    head.log[route?.isSystem ? 'debug' : 'info'](
      {
        method: exchange.method,
        route: route?.path ?? null,
        status: outcome === 'aborted' ? 499 : status,
        duration_ms: Math.round((performance.now() - startedAt) * 100) / 100,
        address: head.address,
        ...(head.userId === undefined ? {} : { user_id: head.userId }),
      },
      'request',
    )
  })
  return (sent: number) => {
    status = sent
  }
}

/** RFC 9110 9.3.7: what a path answers to. The CORS headers are added to every reply. */
const preflight = (found: { readonly allow: readonly string[] }): Answer => ({
  status: 204,
  headers: { allow: found.allow.join(', ') },
  body: null,
})
