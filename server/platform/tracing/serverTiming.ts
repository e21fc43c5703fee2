import type { Span, SpanReader } from './span.ts'
import { nowMs } from './span.ts'

/** Adds up what a request spends its time on, for the header that browsers show beside it (W3C Server Timing). */
export interface ServerTiming extends SpanReader {
  /** Up to this moment: `total;dur=4.2, gates;dur=1.1, db;dur=2.9;desc="5 queries"`. */
  readonly headerOf: (request: Span) => string
}

interface Sums {
  gatesMs: number
  dbMs: number
  queries: number
}

export const createServerTiming = (): ServerTiming => {
  const sums = new WeakMap<Span, Sums>()
  const sumsOf = (root: Span): Sums => {
    const found = sums.get(root) ?? { gatesMs: 0, dbMs: 0, queries: 0 }
    sums.set(root, found)
    return found
  }
  return {
    onEnd(span) {
      const { root, name, kind, startMs, endMs = startMs } = span
      if (name !== 'gates' && kind !== 'client') return
      const own = sumsOf(root)
      if (name === 'gates') own.gatesMs += endMs - startMs
      else {
        own.dbMs += endMs - startMs
        own.queries++
      }
    },
    headerOf(request) {
      const { gatesMs, dbMs, queries } = sums.get(request) ?? { gatesMs: 0, dbMs: 0, queries: 0 }
      const parts = [`total;dur=${shown(nowMs() - request.startMs)}`, `gates;dur=${shown(gatesMs)}`]
      return [...parts, `db;dur=${shown(dbMs)};desc="${queries} ${queries === 1 ? 'query' : 'queries'}"`].join(', ')
    },
  }
}

const shown = (ms: number) => ms.toFixed(2)
