import { isUtf8 } from 'node:buffer'
import { refuse } from '../rpc/failure.ts'
import { BodyError, type Exchange } from './exchange.ts'

/** Reads a JSON body. Undefined when there is none. Refuses other media types, encodings, and text that is not UTF-8. */
export const readJson = async (exchange: Exchange): Promise<unknown> => {
  requireJson(exchange)
  const body = await readBody(exchange)
  if (body.length === 0) return undefined
  if (!isUtf8(body)) throw refuse('request.malformed')
  return parseJson(body.toString())
}

/** Reads the body within the limits of the server. */
export const readBody = async (exchange: Exchange): Promise<Buffer> => {
  try {
    return await exchange.readBody()
  } catch (error) {
    if (!(error instanceof BodyError)) throw error
    throw refuse(error.reason === 'too_large' ? 'request.too_large' : 'request.malformed')
  }
}

/** RFC 9110 8.3.1: media types are compared without case, parameters aside. */
export const mediaType = (exchange: Exchange): string | undefined =>
  exchange.headers['content-type']?.split(';', 1)[0]?.trim().toLowerCase()

const hasBody = ({ headers }: Exchange) =>
  headers['transfer-encoding'] !== undefined || (headers['content-length'] ?? '0') !== '0'

const requireJson = (exchange: Exchange) => {
  if (exchange.headers['content-encoding'] !== undefined) throw refuse('request.unsupported_media_type')
  if (hasBody(exchange) && mediaType(exchange) !== 'application/json') throw refuse('request.unsupported_media_type')
}

/** Parses JSON text. Of a repeated key the last one counts. */
export const parseJson = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    throw refuse('request.malformed')
  }
}
