export interface Reply {
  readonly status: number
  readonly body: string
  /** Whether the connection takes another request. */
  readonly isKept: boolean
}

/** The end of an answer's head, RFC 9112 2.1. */
const blankLine = '\r\n\r\n'
/** Such answers have no body, whatever their head says: RFC 9112 6.3. */
const bodiless = new Set([204, 304])

/**
 * The answer that begins in `bytes`, RFC 9112; undefined while a part of it is missing. `isOver` says that the server
 * has closed the connection, which ends a body that has no length. Throws when it is no HTTP/1.1 answer.
 */
export const readReply = (bytes: Buffer, isOver = false): Reply | undefined => {
  const headEnd = bytes.indexOf(blankLine)
  if (headEnd < 0) return undefined
  const head = bytes.toString('latin1', 0, headEnd)
  const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(head)?.[1])
  if (Number.isNaN(status)) throw new Error('no HTTP/1.1 answer')
  const rest = bytes.subarray(headEnd + blankLine.length)
  // 100 Continue and its like come before the answer.
  if (status < 200) return readReply(rest, isOver)
  const isKept = !/\r\nconnection: *close/i.test(head)
  if (bodiless.has(status)) return { status, body: '', isKept }
  if (/\r\ntransfer-encoding: *chunked/i.test(head)) {
    const body = readChunks(rest)
    return body === undefined ? undefined : { status, body, isKept }
  }
  const length = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1]
  if (length === undefined) return isOver ? { status, body: rest.toString(), isKept: false } : undefined
  return rest.length < Number(length) ? undefined : { status, body: rest.toString('utf8', 0, Number(length)), isKept }
}

/** RFC 9112 7.1; trailers are not read. */
const readChunks = (bytes: Buffer): string | undefined => {
  const parts: Buffer[] = []
  let at = 0
  for (;;) {
    const lineEnd = bytes.indexOf('\r\n', at)
    if (lineEnd < 0) return undefined
    const length = Number.parseInt(bytes.toString('latin1', at, lineEnd), 16)
    if (Number.isNaN(length)) throw new Error('no length of a chunk')
    const [from, to] = [lineEnd + 2, lineEnd + 2 + length]
    if (bytes.length < to + 2) return undefined
    if (length === 0) return Buffer.concat(parts).toString()
    parts.push(bytes.subarray(from, to))
    at = to + 2
  }
}
