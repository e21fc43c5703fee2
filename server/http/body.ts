import { BodyError } from './exchange.ts'

export interface BodyLimits {
  readonly bodyLimitBytes: number
  readonly bodyIdleMs: number
}

const nothing = Buffer.alloc(0)

/**
 * The idle timer alone would let a byte a second hold an exchange for days, so a body must also keep a pace. The grace
 * is below the eight seconds after which the addon may drop a slow upload without a reply.
 */
const paceGraceMs = 7_000
const paceBytesPerMs = 16

/** The longest that a body may take of which so many bytes have arrived. */
export function bodyPatienceMs(receivedBytes: number): number {
  return paceGraceMs + receivedBytes / paceBytesPerMs
}

/** Collects one request body as it arrives: its cap, its timers, and the promise of whoever reads it. */
export class IncomingBody {
  /** Why the body will never be whole, once that is known. */
  failure: BodyError['reason'] | null = null
  /** The last byte has arrived, kept or not. */
  isComplete = false
  #chunks: Buffer[] = []
  #sizeBytes = 0
  #reader: { resolve: (body: Buffer) => void; reject: (error: BodyError) => void } | null = null
  #idleTimer: NodeJS.Timeout | undefined
  #readSinceMs = 0
  readonly #limits: BodyLimits

  /** `announcedBytes` is null for a chunked body. A body announced as too large fails before its first byte. */
  constructor(limits: BodyLimits, announcedBytes: number | null) {
    this.#limits = limits
    if (announcedBytes !== null && announcedBytes > limits.bodyLimitBytes) this.fail('too_large')
  }

  /** Keeps `chunk`: its memory must belong to the body. */
  push(chunk: Buffer): void {
    if (this.failure) return
    this.#sizeBytes += chunk.length
    if (this.#sizeBytes > this.#limits.bodyLimitBytes) {
      this.fail('too_large')
      return
    }
    if (this.#idleTimer && performance.now() - this.#readSinceMs > bodyPatienceMs(this.#sizeBytes)) {
      this.fail('timeout')
      return
    }
    this.#chunks.push(chunk)
    this.#idleTimer?.refresh()
  }

  finish(): void {
    this.isComplete = true
    if (this.failure || !this.#reader) return
    this.#stopTimer()
    this.#reader.resolve(this.#take())
  }

  fail(reason: BodyError['reason']): void {
    if (this.failure) return
    this.failure = reason
    this.#chunks = []
    this.#stopTimer()
    this.#reader?.reject(new BodyError(reason))
  }

  /** At most once. Until then what arrives is kept, up to the cap, and nothing is timed. */
  read(): Promise<Buffer> {
    if (this.failure) return Promise.reject(new BodyError(this.failure))
    if (this.isComplete) return Promise.resolve(this.#take())
    this.#readSinceMs = performance.now()
    this.#idleTimer = setTimeout(() => this.fail('timeout'), this.#limits.bodyIdleMs)
    return new Promise((resolve, reject) => {
      this.#reader = { resolve, reject }
    })
  }

  #take(): Buffer {
    const [first, ...rest] = this.#chunks
    this.#chunks = []
    if (first === undefined) return nothing
    return rest.length === 0 ? first : Buffer.concat([first, ...rest])
  }

  #stopTimer(): void {
    clearTimeout(this.#idleTimer)
    this.#idleTimer = undefined
  }
}
