import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { IncomingBody } from '../server/http/body.ts'

const limits = { bodyLimitBytes: 1024 * 1024, bodyIdleMs: 2_000 }

describe('the time a body may take', () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] }))
  afterEach(() => void vi.useRealTimers())

  /** Sends `pieceBytes` every `everyMs` until the body is whole or given up; the seconds that took, and how it ended. */
  const send = async (totalBytes: number, pieceBytes: number, everyMs: number) => {
    const body = new IncomingBody(limits, totalBytes)
    const reading = body.read().then(
      ({ length }) => length,
      ({ reason }) => reason,
    )
    const startedAt = performance.now()
    for (let sent = 0; sent < totalBytes && !body.failure; sent += pieceBytes) {
      vi.advanceTimersByTime(everyMs)
      body.push(Buffer.alloc(pieceBytes))
    }
    if (!body.failure) body.finish()
    return { end: await reading, seconds: Math.round((performance.now() - startedAt) / 1000) }
  }

  it('a byte a second is given up after seven seconds, however much was announced', async () => {
    expect(await send(1_000, 1, 1_000)).toEqual({ end: 'timeout', seconds: 8 })
  })

  it('silence of two seconds ends it', async () => {
    expect(await send(10, 1, 2_000)).toEqual({ end: 'timeout', seconds: 2 })
  })

  it('a fast start buys no more than its own bytes', async () => {
    expect((await send(1_000_000, 10_000, 1_000)).seconds).toBeLessThan(25)
  })

  it('a megabyte at 20 KB a second arrives', async () => {
    expect(await send(1_000_000, 20_000, 1_000)).toEqual({ end: 1_000_000, seconds: 50 })
  })
})
