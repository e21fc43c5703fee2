import type { AddonResponse } from './addon.ts'
import type { BodyWriter, HeaderMap } from './exchange.ts'

/**
 * The addon keeps what the socket does not take, without bound. Handing it slices, one after the other until it says
 * stop, keeps its part near this size and the rest in our queue.
 */
const sliceBytes = 64 * 1024

/** A chunked reply on the addon. The head must have been written. */
export class ChunkedWriter implements BodyWriter {
  readonly #res: AddonResponse
  readonly #sent: () => void
  readonly #isEventStream: boolean
  #queue: (string | Uint8Array)[] = []
  #isFull = false
  #isEnding = false
  #isOver = false
  #waiting: (() => void)[] = []

  constructor(res: AddonResponse, headers: HeaderMap, sent: () => void) {
    this.#res = res
    this.#sent = sent
    this.#isEventStream = headers['content-type']?.startsWith('text/event-stream') ?? false
    // Without a listener the addon flushes by itself, then ends the connection after 10 s of silence.
    res.onWritable(() => this.#resume())
  }

  write(chunk: string | Uint8Array): boolean {
    if (this.#isOver || this.#isEnding) return false
    for (const slice of slicesOf(chunk)) this.#queue.push(slice)
    // A chunk's closing line break leaves with the next chunk: a proxy that waits for whole chunks would be one event
    // late. The comment is a chunk nobody waits for.
    if (this.#isEventStream && endsEvent(chunk)) this.#queue.push(':\n\n')
    if (!this.#isFull) this.#res.cork(() => this.#flush())
    return !this.#isFull
  }

  drained(): Promise<void> {
    if (this.#isOver || !this.#isFull) return Promise.resolve()
    return new Promise((resolve) => this.#waiting.push(resolve))
  }

  end(): void {
    if (this.#isOver || this.#isEnding) return
    this.#isEnding = true
    if (!this.#isFull) this.#res.cork(() => this.#flush())
  }

  /** The client is gone: nothing of the response may be touched any more. */
  abort(): void {
    this.#isOver = true
    this.#queue = []
    this.#release()
  }

  /** The cork matters even when the queue is empty: it makes the addon flush what it has kept itself. */
  #resume(): boolean {
    if (this.#isOver) return true
    this.#isFull = false
    this.#res.cork(() => this.#flush())
    if (!this.#isFull) this.#release()
    return true
  }

  #flush(): void {
    const queue = this.#queue
    let next = 0
    while (next < queue.length && !this.#isFull) this.#isFull = !this.#res.write(queue[next++] ?? '')
    queue.splice(0, next)
    if (this.#isFull || !this.#isEnding) return
    this.#isOver = true
    // Not `end(_, true)`: the addon would write its `Connection: close` into the body.
    this.#res.end()
    this.#sent()
  }

  #release(): void {
    const waiting = this.#waiting
    this.#waiting = []
    for (const resolve of waiting) resolve()
  }
}

const heldBytes = 4 * 1024 * 1024

/**
 * A streamed reply on a connection that must close after it, which a chunked reply of the addon cannot do: sent whole.
 * An endless stream is given up once it outgrows what may be held.
 */
export class HeldWriter implements BodyWriter {
  readonly #send: (body: Buffer) => void
  readonly #giveUp: () => void
  #chunks: Buffer[] = []
  #sizeBytes = 0
  #isOver = false

  constructor(send: (body: Buffer) => void, giveUp: () => void) {
    this.#send = send
    this.#giveUp = giveUp
  }

  write(chunk: string | Uint8Array): boolean {
    if (this.#isOver) return false
    const copy = Buffer.from(chunk)
    this.#chunks.push(copy)
    this.#sizeBytes += copy.length
    if (this.#sizeBytes <= heldBytes) return true
    this.#isOver = true
    this.#chunks = []
    this.#giveUp()
    return false
  }

  drained(): Promise<void> {
    return Promise.resolve()
  }

  end(): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#send(Buffer.concat(this.#chunks))
  }
}

/** Copies bytes, which may wait in the queue while their owner uses them again. */
function slicesOf(chunk: string | Uint8Array): (string | Uint8Array)[] {
  if (typeof chunk === 'string' && chunk.length * 3 <= sliceBytes) return chunk === '' ? [] : [chunk]
  const bytes = Buffer.from(chunk)
  const slices: Uint8Array[] = []
  for (let start = 0; start < bytes.length; start += sliceBytes) slices.push(bytes.subarray(start, start + sliceBytes))
  return slices
}

function endsEvent(chunk: string | Uint8Array): boolean {
  if (typeof chunk === 'string') return chunk.endsWith('\n\n')
  return chunk.at(-1) === 10 && chunk.at(-2) === 10
}
