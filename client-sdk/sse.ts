/** An event of a stream of server-sent events. */
export interface SseEvent {
  /** `message` when the server gave it no other name. */
  readonly type: string
  readonly data: string
  /** The last id that the server had named by then. */
  readonly id: string
}

export interface SseParser {
  /** The events that these bytes complete. They may end anywhere, within a character too. */
  readonly read: (bytes: Uint8Array) => SseEvent[]
}

/** Characters; what is longer is no event of ours, and would fill the memory. */
const eventMaxLength = 2 ** 20

/**
 * Reads server-sent events as the HTML standard has it, 9.2.6. `retry` is passed over: when to come back is a matter of
 * the client. Throws a RangeError for an event of more than 1,048,576 characters.
 */
export const createSseParser = (): SseParser => {
  const decoder = new TextDecoder()
  let rest = ''
  let endsInReturn = false
  let type = ''
  let data: string[] = []
  let id = ''

  const dispatch = (): SseEvent[] => {
    const event = { type: type || 'message', data: data.join('\n'), id }
    const isEmpty = data.length === 0
    type = ''
    data = []
    return isEmpty ? [] : [event]
  }
  const readLine = (line: string): SseEvent[] => {
    if (line === '') return dispatch()
    const [field, value] = fieldOf(line)
    if (field === 'event') type = value
    if (field === 'data') data.push(value)
    if (field === 'id' && !value.includes('\0')) id = value
    return []
  }

  return {
    read(bytes) {
      const text = decoder.decode(bytes, { stream: true })
      if (text === '') return []
      // The second half of a CRLF that two chunks share.
      const lines = (endsInReturn && text.startsWith('\n') ? text.slice(1) : text).split(/\r\n|\r|\n/)
      endsInReturn = text.endsWith('\r')
      lines[0] = rest + lines[0]
      rest = lines.pop() ?? ''
      const events = lines.flatMap(readLine)
      const held = data.reduce((length, value) => length + value.length, rest.length)
      if (held > eventMaxLength) throw new RangeError('an event of the stream is too long')
      return events
    },
  }
}

/** A line that begins with a colon is a comment: its field has no name. */
const fieldOf = (line: string): readonly [field: string, value: string] => {
  const colon = line.indexOf(':')
  if (colon < 0) return [line, '']
  const start = line.charAt(colon + 1) === ' ' ? colon + 2 : colon + 1
  return [line.slice(0, colon), line.slice(start)]
}
