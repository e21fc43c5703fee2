import type { Logger } from 'pino'
import type { Load } from '../platform/load.ts'
import type { CountRequest } from './dispatch.ts'
import type { Answer, Exchange } from './exchange.ts'
import { addHeaders, type Cors, headersOfReply } from './headers.ts'
import { requestIdOf } from './requestHead.ts'
import type { Route } from './route.ts'

export interface BusyParts {
  readonly load: Pick<Load, 'hasRoom' | 'noteRefused'>
  readonly cors: Cors
  readonly log: Logger
  readonly countRequest: CountRequest
}

/** Refuses a request that there is no room for: true when it has been answered. */
export type TurnAway = (exchange: Exchange, route: Route, params: readonly string[]) => boolean

const lineEveryMs = 1_000

/**
 * Answers calls beyond what the process can do before anything is made for them: neither a head, nor a log line each,
 * nor a promise. What is saved is left for the calls that are let in. A line a second tells how many they were.
 */
export const createTurnAway = ({ load, cors, log, countRequest }: BusyParts): TurnAway => {
  const note = createLine(log)
  return (exchange, route, params) => {
    if (!route.whenBusy || exchange.defect || load.hasRoom()) return false
    const id = requestIdOf(exchange)
    const answer = route.whenBusy(exchange, params, id)
    if (!answer) return false
    const headers = addHeaders(headersOfReply(exchange, { id }, cors), answer.headers)
    exchange.send({ status: answer.status, headers, body: answer.body })
    countRequest(exchange.method, route.path, answer.status, 0)
    load.noteRefused()
    note(id, route)
    return true
  }
}

const createLine = (log: Logger) => {
  let refused = 0
  return (requestId: string, { path }: Route): void => {
    if (refused++ > 0) return
    const write = () => {
      log.warn({ refused, first: { request_id: requestId, route: path } }, 'calls refused: there is no room for more')
      refused = 0
    }
    setTimeout(write, lineEveryMs).unref()
  }
}

/** Stands where the request id will; no JSON text has it otherwise. */
const mark = '~request-id~'

/** An answer of which all but the request id is written once. `make` is called with a mark in the id's place. */
export const withIdLater = (make: (requestId: string) => Answer): ((requestId: string) => Answer) => {
  const { status, headers, body } = make(mark)
  const [before = '', after = ''] = String(body).split(mark)
  return (requestId) => ({ status, headers, body: before + requestId + after })
}
