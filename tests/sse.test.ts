import { createParser } from 'eventsource-parser'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createSseParser, type SseEvent } from '../client-sdk/sse.ts'

const bytesOf = (text: string) => new TextEncoder().encode(text)

const readAll = (text: string): SseEvent[] => createSseParser().read(bytesOf(text))

/** The same bytes in pieces of so many. */
const readInPieces = (bytes: Uint8Array, sizes: () => number): SseEvent[] => {
  const parser = createSseParser()
  const events: SseEvent[] = []
  for (let start = 0; start < bytes.length; ) {
    const end = start + sizes()
    events.push(...parser.read(bytes.subarray(start, end)))
    start = end
  }
  return events
}

const message = (data: string, id = '') => ({ type: 'message', data, id })

describe('server-sent events', () => {
  // The first four are the examples of the HTML standard, 9.2.6.
  it.each<[string, string, SseEvent[]]>([
    ['lines of one event', 'data: YHOO\ndata: +2\ndata: 10\n\n', [message('YHOO\n+2\n10')]],
    [
      'ids that are set, reset and absent, behind a comment',
      ': test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\ndata:  third event\n\n',
      [message('first event', '1'), message('second event'), message(' third event')],
    ],
    ['data without a value', 'data\n\ndata\ndata\n\ndata:', [message(''), message('\n')]],
    ['one space after the colon or none', 'data:test\n\ndata: test\n\n', [message('test'), message('test')]],
    ['a name', 'event: gap\ndata: x\n\ndata: y\n\n', [{ type: 'gap', data: 'x', id: '' }, message('y')]],
    ['a name without data', 'event: gap\n\ndata: y\n\n', [message('y')]],
    ['an id without data', 'id: 7\n\ndata: y\n\n', [message('y', '7')]],
    ['an id with NUL', 'id: 7\n\nid: 8\0\ndata: y\n\n', [message('y', '7')]],
    ['an id after its data', 'data: x\nid: 3\n\n', [message('x', '3')]],
    ['a time to come back', 'retry: 1000\nretry: soon\ndata: x\n\n', [message('x')]],
    ['unknown fields', 'Data: x\n data: x\nfoo: x\ndata: y\n\n', [message('y')]],
    ['CRLF', 'data: x\r\nid: 1\r\n\r\ndata: y\r\n\r\n', [message('x', '1'), message('y', '1')]],
    ['CR', 'data: x\rid: 1\r\rdata: y\r\r', [message('x', '1'), message('y', '1')]],
    ['all line ends mixed', 'data: x\r\ndata: y\n\rdata: z\r\n\n', [message('x\ny'), message('z')]],
    ['a byte order mark', '\uFEFFdata: x\n\n', [message('x')]],
    ['a second byte order mark', '\uFEFF\uFEFFdata: x\n\n', []],
    ['an event without its blank line', 'data: x\n\ndata: y\n', [message('x')]],
    ['colons in the value', 'data: a: b\n\n', [message('a: b')]],
  ])('reads %s', (_, text, events) => {
    expect(readAll(text)).toEqual(events)
    expect(readInPieces(bytesOf(text), () => 1)).toEqual(events)
  })

  it('replaces what is no UTF-8', () => {
    const bytes = Uint8Array.of(...bytesOf('data: '), 0xff, ...bytesOf('\n\n'))
    expect(createSseParser().read(bytes)).toEqual([message('\uFFFD')])
  })

  it('reads any text, in whatever pieces, as another parser does', () => {
    const word = fc.constantFrom(
      'data',
      'id',
      'event',
      'retry',
      ':',
      ': ',
      ' ',
      '\n',
      '\r',
      '\r\n',
      '\n\n',
      'ä',
      '🎈',
      '1',
    )
    // That parser does not judge a CR before it sees what follows.
    const texts = fc.array(word, { maxLength: 60 }).map((words) => `${words.join('')}x`)
    fc.assert(
      fc.property(texts, fc.infiniteStream(fc.integer({ min: 1, max: 5 })), (text, sizes) => {
        const others: SseEvent[] = []
        let id = ''
        const parser = createParser({
          onEvent: (event) => {
            others.push({ type: event.event || 'message', data: event.data, id: event.id ?? '' })
          },
        })
        parser.feed(text)
        const ours = readAll(text)
        expect(ours.map(({ type, data }) => ({ type, data }))).toEqual(others.map(({ type, data }) => ({ type, data })))
        // That parser names an id at its own event alone.
        for (const [index, event] of others.entries()) {
          id = event.id || id
          if (event.id) expect(ours[index]?.id).toBe(id)
        }
        expect(readInPieces(bytesOf(text), () => sizes.next().value as number)).toEqual(ours)
      }),
      { numRuns: 500 },
    )
  })

  it('refuses an event without end', () => {
    const piece = 'x'.repeat(2 ** 19)
    const line = createSseParser()
    line.read(bytesOf(`data: ${piece}`))
    expect(() => line.read(bytesOf(piece))).toThrow('too long')
    const lines = createSseParser()
    lines.read(bytesOf(`data: ${piece}\n`))
    expect(() => lines.read(bytesOf(`data: ${piece}x\n`))).toThrow('too long')
  })
})
