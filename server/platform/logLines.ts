import { write } from 'node:fs'
import { type Logger, type LoggerOptions, pino } from 'pino'
import { name } from '../version.ts'

const gatheredLength = 65_536
const gatheredMs = 20
/** What is held for a reader that stands still, or for a disk that is full. */
const heldBytesMax = 16 * 1_024 * 1_024

type Output = ReturnType<typeof pino.destination>

export interface LinesOptions {
  /** The open file that the lines go to. */
  readonly file: number
  readonly heldBytes?: number
}

/**
 * Writes JSON lines to a file or a pipe that may fail or stand still: neither ends the server nor fills its memory. Lines
 * are held until they can be written; when too many are held, the newest are dropped and counted.
 */
export const writeLines = (options: LoggerOptions, { file, heldBytes = heldBytesMax }: LinesOptions): Logger => {
  const output = pino.destination({ dest: file, sync: false, maxLength: heldBytes })
  const gathering = gather(output)
  const log = pino(options, gathering)
  survive(output, { log, handOver: gathering.handOver })
  return log
}

/**
 * Lines go out together, so that a busy server makes one system call for many; none waits for longer than the time. They
 * are gathered here, since pino's destination measures all that waits anew for each line that joins it.
 */
const gather = (output: Output) => {
  let lines = ''
  let timer: NodeJS.Timeout | undefined
  const handOver = () => {
    clearTimeout(timer)
    timer = undefined
    if (lines === '') return
    const gathered = lines
    lines = ''
    output.write(gathered)
  }
  return {
    handOver,
    write(line: string) {
      lines += line
      if (lines.length >= gatheredLength) handOver()
      else timer ??= setTimeout(handOver, gatheredMs)
    },
    /** Called by pino behind a fatal line. */
    flushSync: () => output.flushSync(),
  }
}

/** Each failure is told once on standard error, and how much it cost in the log, as soon as that can be written again. */
const survive = (output: Output, { log, handOver }: { log: Logger; handOver: () => void }) => {
  let isStuck = false
  let dropped = 0
  output.on('error', (error: Error) => {
    // Not waited for: it may well be the same disk.
    if (!isStuck) write(2, `${name} cannot write its log: ${error.message}\n`, () => {})
    isStuck = true
  })
  output.on('drop', (lines: string) => {
    isStuck = true
    dropped += lines.split('\n').length - 1
  })
  output.on('drain', () => {
    isStuck = false
    if (dropped > 0) log.warn({ dropped }, 'log lines were dropped while they could not be written')
    dropped = 0
  })
  // At the end of the process pino calls it, for what waits; and it tries for ever.
  const flushSync = output.flushSync.bind(output)
  output.flushSync = () => {
    handOver()
    if (!isStuck) flushSync()
  }
}
