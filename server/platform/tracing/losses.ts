import type { Logger } from 'pino'

/** At most one line in so long. */
const silenceMs = 60_000

export interface Losses {
  readonly lose: (spans: number, reason: string) => void
  /** The collector took something. */
  readonly delivered: () => void
  readonly close: () => void
}

/** Tells of spans that reach nobody: at once, then once a minute with their number, and when it is over. */
export const createLosses = (log: Logger): Losses => {
  let lost = 0
  let reason = ''
  let isAway = false
  let timer: NodeJS.Timeout | undefined

  const tell = () => {
    timer = undefined
    if (lost === 0) return
    log.warn(
      { spans: lost, reason },
      'spans are lost: the collector of OTEL_EXPORTER_OTLP_ENDPOINT does not take them; correct its address or start it',
    )
    lost = 0
    timer = setTimeout(tell, silenceMs).unref()
  }
  return {
    lose(spans, why) {
      lost += spans
      reason = why
      isAway = true
      if (timer === undefined) tell()
    },
    delivered() {
      if (isAway) log.info('the collector takes spans again')
      isAway = false
    },
    close() {
      clearTimeout(timer)
      tell()
      clearTimeout(timer)
    },
  }
}
