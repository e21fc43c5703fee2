import { readdirSync } from 'node:fs'
import { createHistogram, performance } from 'node:perf_hooks'
import type { Metrics } from './metrics.ts'

const periodMs = 50
const nanosecondsPerMs = 1e6
const secondsOf = { nanoseconds: 1e-9, microseconds: 1e-6, milliseconds: 1e-3 }

/** Reports what the process uses. Returns how to end the timer behind the delay of the event loop. */
export const watchProcess = (metrics: Metrics): (() => void) => {
  metrics.watch('process_cpu_seconds_total', () => {
    const { user, system } = process.cpuUsage()
    return (user + system) * secondsOf.microseconds
  })
  metrics.watch('process_resident_memory_bytes', () => process.memoryUsage.rss())
  metrics.watch('process_start_time_seconds', () => performance.timeOrigin * secondsOf.milliseconds)
  metrics.watch('process_open_fds', countOpenFiles)
  metrics.watch('nodejs_heap_size_used_bytes', () => process.memoryUsage().heapUsed)
  metrics.watch('nodejs_heap_size_total_bytes', () => process.memoryUsage().heapTotal)
  metrics.watch('nodejs_external_memory_bytes', () => process.memoryUsage().external)
  metrics.watch('nodejs_active_resources', () => process.getActiveResourcesInfo().length)
  metrics.watch('tsforge_processes', () => 1)
  for (const state of ['active', 'idle'] as const) {
    const read = () => performance.eventLoopUtilization()[state] * secondsOf.milliseconds
    metrics.watch('nodejs_eventloop_time_seconds_total', read, { nodejs_eventloop_state: state })
  }
  return watchDelay(metrics)
}

/** Measured by a timer of our own: node's monitor is blind for its first period after each reset. */
const watchDelay = (metrics: Metrics): (() => void) => {
  const late = createHistogram()
  let due = performance.now() + periodMs
  const timer = setInterval(() => {
    const now = performance.now()
    late.record(Math.max(1, Math.round((now - due) * nanosecondsPerMs)))
    due = now + periodMs
  }, periodMs).unref()
  const seconds = (nanoseconds: number) => (late.count === 0 ? 0 : nanoseconds * secondsOf.nanoseconds)
  metrics.watch('nodejs_eventloop_delay_mean_seconds', () => seconds(late.mean))
  metrics.watch('nodejs_eventloop_delay_p99_seconds', () => seconds(late.percentile(99)))
  metrics.watch('nodejs_eventloop_delay_max_seconds', () => {
    const worst = seconds(late.max)
    // The last of the three in the table, so that the next scrape begins anew.
    late.reset()
    return worst
  })
  return () => clearInterval(timer)
}

const countOpenFiles = (): number => {
  try {
    return readdirSync('/proc/self/fd').length
  } catch {
    return 0
  }
}
