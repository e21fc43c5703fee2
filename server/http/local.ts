import type { Exchange } from './exchange.ts'

const loopback = new Set(['127.0.0.1', '::1'])

/**
 * Whether a request comes from this machine. What a proxy on this machine passes on is not local, whether we were told
 * of the proxy or not.
 */
export const isLocal = ({ headers, peerAddress }: Exchange): boolean =>
  loopback.has(peerAddress) && headers['x-forwarded-for'] === undefined && headers.forwarded === undefined

const localHost = /^(?:localhost|127\.0\.0\.1|\[::1\])(?::\d{1,5})?$/i

/**
 * Whether it was asked for under a name of this machine and by no page of another origin. A name that somebody else
 * resolves to 127.0.0.1 would make their page one of ours, so the peer alone proves nothing about a browser.
 */
export const isOwnOrigin = ({ headers: { host = '', origin } }: Exchange): boolean =>
  localHost.test(host) && (origin === undefined || origin === `http://${host}`)
