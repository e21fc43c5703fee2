import { createFrameReader } from './frames.mjs'

/** The server sends a byte each 15 seconds; a connection that is silent for longer is lost, whatever TCP thinks of it. */
const silenceMaxMs = 45_000
const delays = { firstMs: 1_000, longestMs: 16_000 }
const passingStatuses = [408, 429, 502, 503, 504]

/** An answer that is no stream: when to come back, or why not to. */
class Refusal extends Error {
  constructor(response, body) {
    super(body?.error ? `${body.error.message} (${body.error.code}, ${body.request_id})` : `status ${response.status}`)
    this.isPassing = passingStatuses.includes(response.status)
    this.retryAfterMs = 1000 * (Number(response.headers.get('retry-after')) || 0)
  }
}

/**
 * The frames of a stream without end, over as many connections as it takes; each goes on behind `placeOf()`, where the
 * caller is by then. Throws when the server refuses for a reason that does not pass.
 */
export async function* framesOf({ url, headers, onLost }, placeOf) {
  for (let failures = 0; ; failures += 1) {
    let reason = 'the server has ended the stream'
    let retryAfterMs = 0
    try {
      for await (const frame of framesOfConnection(url, { ...headers, ...lastEventId(placeOf()) })) {
        failures = 0
        yield frame
      }
    } catch (error) {
      if (error instanceof Refusal && !error.isPassing) throw error
      // Of an attempt to connect fetch says "fetch failed", and the reason stands behind it.
      reason = error.cause?.message || error.cause?.code || error.message
      retryAfterMs = error.retryAfterMs ?? 0
    }
    onLost(reason)
    // Spread by half, so that those who lost their connection together do not come back together.
    const delayMs = Math.min(delays.longestMs, delays.firstMs * 2 ** failures) * (0.5 + Math.random() / 2)
    await new Promise((resolve) => setTimeout(resolve, Math.max(delayMs, retryAfterMs)))
  }
}

const lastEventId = (place) => (place ? { 'last-event-id': place } : {})

async function* framesOfConnection(url, headers) {
  const controller = new AbortController()
  // Only while the server is waited for: a caller who is busy is no silence.
  const withinSilence = async (promise) => {
    const timer = setTimeout(() => controller.abort(new Error('the server is silent')), silenceMaxMs)
    return promise.finally(() => clearTimeout(timer))
  }
  try {
    const response = await withinSilence(fetch(url, { headers, signal: controller.signal }))
    if (!response.ok) throw new Refusal(response, await withinSilence(response.json()).catch(() => undefined))
    const reader = response.body.getReader()
    const frames = createFrameReader()
    for (;;) {
      const { value, done } = await withinSilence(reader.read())
      if (done) return
      yield* frames.read(value)
    }
  } finally {
    controller.abort()
  }
}
