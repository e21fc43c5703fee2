import { connect, type Socket } from 'node:net'

/** What came of the requests that were sent. */
export interface Outcome {
  sent: number
  /** Requests that were due, but no connection was free and there may be no more. */
  unsent: number
  /** Answered with success in time. */
  good: number
  /** Those of them that came before the time was over; what comes later is no part of the rate. */
  goodMeanwhile: number
  /** Answered with success later than that. */
  late: number
  /** By status, and `lost` for connections that ended without an answer. */
  readonly others: Map<string, number>
  /** Of the good ones. */
  readonly latenciesMs: number[]
}

export interface RawLoad {
  /** As many connections as given, each with its next request as soon as it has its answer. */
  readonly closedLoop: (connections: number, ms: number) => Promise<Outcome>
  /** So many requests a second, whatever becomes of them. */
  readonly openLoop: (perSecond: number, ms: number) => Promise<Outcome>
  readonly close: () => void
}

export interface RawLoadOptions {
  readonly url: string
  /** The next whole request. */
  readonly request: () => string
  readonly maxConnections: number
  /** An answer that takes longer is of no use to anybody. */
  readonly usefulMs: number
}

const tickMs = 5
const settleMs = 1_000

/** A client as cheap as can be, because it shares the cores with the server: sockets that stay open, and no parsing. */
export function createRawLoad({ url, request, maxConnections, usefulMs }: RawLoadOptions): RawLoad {
  const { hostname, port } = new URL(url)
  const idle: Line[] = []
  const all = new Set<Line>()
  let outcome = emptyOutcome()
  let onFree: (line: Line) => void = (line) => idle.push(line)

  const begin = (line: Line) => {
    outcome.sent++
    line.send(request(), outcome)
  }
  const open = (): Line => {
    const line = new Line(connect(Number(port), hostname), {
      usefulMs,
      onAnswer: (free) => onFree(free),
      onGone: (gone) => {
        all.delete(gone)
        const at = idle.indexOf(gone)
        if (at !== -1) idle.splice(at, 1)
      },
    })
    all.add(line)
    return line
  }
  const run = async (work: () => Promise<void>): Promise<Outcome> => {
    outcome = emptyOutcome()
    const mine = outcome
    await work()
    return mine
  }
  return {
    closedLoop: (connections, ms) =>
      run(async () => {
        onFree = begin
        for (let count = 0; count < connections; count++) begin(idle.pop() ?? open())
        await pause(ms)
        outcome.goodMeanwhile = outcome.good
        onFree = (line) => idle.push(line)
        await pause(settleMs)
      }),
    openLoop: (perSecond, ms) =>
      run(async () => {
        const startedAt = performance.now()
        const due = () => Math.floor((Math.min(performance.now() - startedAt, ms) / 1000) * perSecond)
        while (performance.now() - startedAt < ms) {
          for (const now = due(); outcome.sent + outcome.unsent < now; ) {
            const line = idle.pop() ?? (all.size < maxConnections ? open() : undefined)
            if (line) begin(line)
            else outcome.unsent++
          }
          await pause(tickMs)
        }
        outcome.goodMeanwhile = outcome.good
        await pause(settleMs)
      }),
    close() {
      for (const line of all) line.close()
    },
  }
}

const emptyOutcome = (): Outcome => ({
  sent: 0,
  unsent: 0,
  good: 0,
  goodMeanwhile: 0,
  late: 0,
  others: new Map(),
  latenciesMs: [],
})

const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms))

interface LineOptions {
  readonly usefulMs: number
  readonly onAnswer: (line: Line) => void
  readonly onGone: (line: Line) => void
}

/** One connection, with one request on it at most. */
class Line {
  readonly #socket: Socket
  readonly #options: LineOptions
  #outcome: Outcome | undefined
  #sentAt = 0
  #received = ''

  constructor(socket: Socket, options: LineOptions) {
    this.#socket = socket
    this.#options = options
    socket.setNoDelay(true)
    socket.setEncoding('latin1')
    socket.on('data', (text: string) => this.#receive(text))
    socket.on('error', () => {})
    socket.on('close', () => {
      if (this.#outcome) count(this.#outcome.others, 'lost')
      this.#outcome = undefined
      options.onGone(this)
    })
  }

  send(request: string, outcome: Outcome): void {
    this.#outcome = outcome
    this.#sentAt = performance.now()
    this.#socket.write(request, 'latin1')
  }

  close(): void {
    this.#outcome = undefined
    this.#socket.destroy()
  }

  #receive(text: string): void {
    this.#received += text
    const end = this.#received.indexOf('\r\n\r\n')
    if (end === -1) return
    const length = Number(/\r\ncontent-length: (\d+)/i.exec(this.#received)?.[1] ?? 0)
    if (this.#received.length < end + 4 + length) return
    this.#judge(this.#received.slice(9, 12))
    this.#received = ''
    this.#options.onAnswer(this)
  }

  #judge(status: string): void {
    const outcome = this.#outcome
    this.#outcome = undefined
    if (!outcome) return
    const tookMs = performance.now() - this.#sentAt
    if (!status.startsWith('2')) count(outcome.others, status)
    else if (tookMs > this.#options.usefulMs) outcome.late++
    else {
      outcome.good++
      outcome.latenciesMs.push(tookMs)
    }
  }
}

const count = (counts: Map<string, number>, what: string): void => void counts.set(what, (counts.get(what) ?? 0) + 1)
