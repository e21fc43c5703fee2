import { addressOf } from '../address.ts'
import { ForgeError, misused } from './forgeError.ts'

const answerMs = 3_000

/** Where a server that listens on `host` is reached from this machine. */
export const localAddress = (host: string, port: number): string => {
  const reachable = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host
  return addressOf(reachable, port)
}

/** The value of --url. Throws ForgeError when it is no address of a server. */
export const checkedUrl = (url: string): string => {
  if (URL.canParse(url) && /^https?:$/.test(new URL(url).protocol)) return url
  throw new ForgeError('Nothing was done: --url is an address like http://127.0.0.1:8080.', misused)
}

export interface Reply {
  readonly status: number
  /** Of the envelope; undefined for a failure, and for what is no envelope. */
  readonly data: unknown
  readonly text: string
  /** Why not, in the words of the server. */
  readonly reason: string | undefined
}

/** Asks a running server. Rejects when nobody answers in three seconds. */
export const askServer = async (url: string, path: string, adminToken?: string): Promise<Reply> => {
  const reply = await fetch(new URL(path, url), {
    headers: adminToken === undefined ? {} : { 'x-admin-token': adminToken },
    signal: AbortSignal.timeout(answerMs),
    redirect: 'manual',
  })
  const text = await reply.text()
  const { data, error } = envelopeOf(text)
  return { status: reply.status, data, text, reason: error && (error.meta?.reason ?? error.message) }
}

interface Envelope {
  readonly data?: unknown
  readonly error?: { readonly message?: string; readonly meta?: { readonly reason?: string } }
}

const envelopeOf = (text: string): Envelope => {
  try {
    return (JSON.parse(text) ?? {}) as Envelope
  } catch {
    return {}
  }
}
