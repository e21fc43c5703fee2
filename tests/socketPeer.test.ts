import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { readConfig } from '../server/config.ts'
import type { Exchange, SocketListener, TextSocket } from '../server/http/exchange.ts'
import { openRequest } from '../server/http/requestHead.ts'
import { createSockets } from '../server/http/socket.ts'
import { SocketPeer } from '../server/http/socketPeer.ts'
import { createLog } from '../server/log.ts'
import { unlimited } from '../server/platform/budgets.ts'
import { createTrpcRouter } from '../server/rpc/router.ts'

/** A connection whose client takes as much as a test says. */
class Line implements TextSocket {
  bufferedBytes = 0
  readonly sent: string[] = []
  readonly ends: string[] = []

  send(text: string): void {
    this.sent.push(text)
    this.bufferedBytes += text.length
  }

  close(code: number): void {
    this.ends.push(`close ${code}`)
  }

  terminate(): void {
    this.ends.push('terminate')
  }
}

const kib = 1024

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

describe('a client that reads too slowly', () => {
  it('is closed by the message that finds more than 256 KiB waiting', () => {
    const line = new Line()
    const peer = new SocketPeer(line)
    for (const text of ['a'.repeat(256 * kib), 'b', 'c', 'd']) peer.send(text)
    expect(line.sent.map((text) => text[0])).toEqual(['a', 'b'])
    expect(line.ends).toEqual(['close 1013'])
  })

  it('is cut off when it takes nothing for 15 seconds', () => {
    const line = new Line()
    const peer = new SocketPeer(line)
    peer.send('a'.repeat(100))
    vi.advanceTimersByTime(14_999)
    expect(line.ends).toEqual([])
    vi.advanceTimersByTime(1)
    expect(line.ends).toEqual(['terminate'])
  })

  it('is kept as long as it takes something', () => {
    const line = new Line()
    const peer = new SocketPeer(line)
    peer.send('a'.repeat(100))
    for (let left = 99; left > 0; left--) {
      vi.advanceTimersByTime(14_000)
      line.bufferedBytes = left
      peer.drained()
    }
    expect(line.ends).toEqual([])
    line.bufferedBytes = 0
    peer.drained()
    expect(vi.getTimerCount()).toBe(0)
  })

  it('pauses its streams until it has taken most of what waits', async () => {
    const line = new Line()
    const peer = new SocketPeer(line)
    peer.send('a'.repeat(65 * kib))
    let isTaken = false
    const taken = peer.whenTaken().then(() => {
      isTaken = true
    })
    line.bufferedBytes = 65 * kib
    peer.drained()
    await Promise.resolve()
    expect(isTaken).toBe(false)
    line.bufferedBytes = 64 * kib
    peer.drained()
    await taken
    peer.send('a'.repeat(kib))
    const ended = peer.whenTaken()
    peer.ended()
    await ended
  })
})

describe('sockets', () => {
  const open = async () => {
    const config = readConfig({ NODE_ENV: 'test' }, () => 'a signing secret for tests, 32 bytes or more')
    const log = await createLog(config, { write: () => {} })
    const sockets = createSockets({ procedures: [], router: createTrpcRouter([]), budgets: unlimited, origins: [] })
    const enter = async () => {
      const line = new Line()
      let listener: SocketListener | undefined
      const exchange = {
        query: '',
        headers: { host: 'a' },
        upgrade: (_: unknown, follow: (socket: TextSocket) => SocketListener) => {
          listener = follow(line)
        },
      } as unknown as Exchange
      const head = openRequest(exchange, '127.0.0.1', log)
      await sockets.route.serve({ exchange, head, params: [], replyHeaders: () => ({}) })
      return { line, listener }
    }
    return { sockets, enter }
  }

  it('ask a silent client whether it is there, and cut off one that is not', async () => {
    const { sockets, enter } = await open()
    const [silent, alive] = [await enter(), await enter()]
    vi.advanceTimersByTime(30_000)
    expect(silent.line.sent).toEqual(['PING'])
    alive.listener?.message(Buffer.from('PONG'), false)
    vi.advanceTimersByTime(5_000)
    expect([silent.line.ends, alive.line.ends]).toEqual([['terminate'], []])
    silent.listener?.close(1006)
    expect(sockets.count).toBe(1)
    alive.listener?.close(1000)
    expect([sockets.count, vi.getTimerCount()]).toEqual([0, 0])
  })

  it('are 10,000 at most', async () => {
    const { sockets, enter } = await open()
    const first = await enter()
    for (let count = 1; count < 10_000; count++) await enter()
    await expect(enter()).rejects.toMatchObject({ code: 'overloaded', retryAfterSeconds: 5 })
    first.listener?.close(1000)
    await enter()
    expect(sockets.count).toBe(10_000)
  })

  it('are not opened any more once the server drains', async () => {
    const { sockets, enter } = await open()
    const { line } = await enter()
    sockets.drain()
    expect(line.sent).toEqual(['{"id":null,"method":"reconnect"}'])
    await expect(enter()).rejects.toMatchObject({ code: 'unavailable' })
    sockets.close()
    expect(line.ends).toEqual(['close 1012'])
  })
})
