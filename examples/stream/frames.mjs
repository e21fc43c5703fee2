/**
 * Reads server-sent events (HTML standard, 9.2.6). Parsers from a package leave out frames without data, but our server
 * tells by them where a reader is while nothing happens.
 */
export const createFrameReader = () => {
  const decoder = new TextDecoder()
  let rest = ''
  let frame = {}

  const readLine = (line, done) => {
    if (line === '') {
      done.push(frame)
      frame = {}
      return
    }
    const [, field, value] = /^([^:]*):? ?(.*)$/s.exec(line)
    if (field === 'id' || field === 'event') frame[field] = value
    if (field === 'data') frame.data = frame.data === undefined ? value : `${frame.data}\n${value}`
  }

  return {
    /** The frames that these bytes complete; they may end anywhere, within a character too. Our server ends lines with \n. */
    read(bytes) {
      const lines = (rest + decoder.decode(bytes, { stream: true })).split('\n')
      rest = lines.pop()
      const done = []
      for (const line of lines) readLine(line, done)
      return done
    },
  }
}
