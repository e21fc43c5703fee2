import type { Logger } from 'pino'
import { refuse } from '../rpc/failure.ts'
import type { AddressBudget } from '../rpc/gates.ts'
import { toFailure } from '../rpc/toFailure.ts'
import { refusal } from './envelope.ts'
import type { Answer, Exchange } from './exchange.ts'
import { type Cors, securityHeaders } from './headers.ts'
import { openRequest } from './requestHead.ts'
import type { Route, Visit } from './route.ts'
import { createRouter } from './router.ts'

export interface DispatchOptions {
  readonly routes: readonly Route[]
  readonly cors: Cors
  readonly budget: AddressBudget
  readonly log: Logger
}

/** Leads each exchange to its route and sees that exactly one reply and one log line come of it. */
export const createDispatch = ({ routes, cors, budget, log }: DispatchOptions) => {
  const router = createRouter(routes.map((route) => ({ method: route.method, path: route.path, value: route })))

  const serve = async (exchange: Exchange, head: Visit['head'], found: ReturnType<typeof router.match>) => {
    if (exchange.defect) throw refuse(exchange.defect)
    if (exchange.method === 'OPTIONS') return preflight(exchange, found)
    if (found && 'value' in found) return found.value.serve({ exchange, head, params: found.params })
    await budget.spend(head.address)
    if (!found) throw refuse('route.not_found')
    return refusal(refuse('route.method_not_allowed'), head.id, { allow: found.allow.join(', ') })
  }

  return (exchange: Exchange): void => {
    const startedAt = performance.now()
    const head = openRequest(exchange, log)
    const found = router.match(exchange.method, exchange.path)
    const route = found && 'value' in found ? found.value : undefined
    let status = 200

    exchange.onDone((outcome) => {
      const line = {
        method: exchange.method,
        route: route?.path ?? null,
        status: outcome === 'aborted' ? 499 : status,
        duration_ms: Math.round((performance.now() - startedAt) * 100) / 100,
        address: head.address,
        ...(head.userId === undefined ? {} : { user_id: head.userId }),
      }
      head.log[route?.isSystem ? 'debug' : 'info'](line, 'request')
    })

    const reply = (answer: Answer) => {
      status = answer.status
      exchange.send({
        ...answer,
        headers: { ...securityHeaders, 'x-request-id': head.id, ...cors(exchange), ...answer.headers },
      })
    }

    serve(exchange, head, found).then(
      (answer) => answer && reply(answer),
      (error: unknown) => reply(refusal(toFailure(error, head.log), head.id)),
    ).catch((error: unknown) => head.log.error({ err: error }, 'reply failed'))
  }
}

const preflight = (exchange: Exchange, found: unknown): Answer => {
  if (!found) throw refuse('route.not_found')
  const allow = (found as { allow?: string[] }).allow
  return { status: 204, headers: allow ? { allow: allow.join(', ') } : {}, body: null }
}
