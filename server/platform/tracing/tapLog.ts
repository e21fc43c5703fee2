import { type DestinationStream, type Logger, symbols } from 'pino'
import { nowMs } from './span.ts'
import type { Tracing } from './tracing.ts'

/**
 * A logger whose lines, and those of its children, are also kept with the span they were written under. They come here as
 * they leave for the output: what is secret is redacted by then.
 */
export const tapLog = (log: Logger, { current, recorder }: Tracing): Logger => {
  if (!recorder) return log
  const tapped = log.child({}) as Logger & { [symbols.streamSym]: DestinationStream }
  const output = tapped[symbols.streamSym]
  // An heir, so that whatever else pino asks of its stream is still there.
  const tap: DestinationStream = Object.create(output, {
    write: {
      value(line: string) {
        const span = current()
        if (span) recorder.log(span, nowMs(), line.trimEnd())
        output.write(line)
      },
    },
  })
  tapped[symbols.streamSym] = tap
  return tapped
}
