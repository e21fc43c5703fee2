import type { Logger } from 'pino'
import { createOtlpExporter } from './otlp.ts'
import { createRecorder } from './recorder.ts'
import { createServerTiming } from './serverTiming.ts'
import { createTracing, type Tracing } from './tracing.ts'

/** How spans are made and where they go. */
export interface TracingSettings {
  /** undefined: no collector. */
  readonly endpoint: string | undefined
  readonly headers: Readonly<Record<string, string>>
  readonly serviceName: string
  /** Of the traces that begin here, from 0 to 1. */
  readonly share: number
}

interface Parts {
  readonly settings: TracingSettings
  readonly environment: string
  readonly version: string
  readonly log: Logger
}

/** Undefined where nobody looks at spans: without a collector, outside of development. Throws MissingTracingError. */
export const openTracing = async ({ settings, environment, version, log }: Parts): Promise<Tracing | undefined> => {
  const { endpoint, share } = settings
  const isForPeople = environment === 'development'
  if (endpoint === undefined && !isForPeople) return undefined
  return createTracing({
    share,
    ...(endpoint === undefined
      ? {}
      : { exporter: await createOtlpExporter({ ...settings, endpoint, version, environment, log }) }),
    ...(isForPeople ? { recorder: createRecorder(), serverTiming: createServerTiming() } : {}),
  })
}
