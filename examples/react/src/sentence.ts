import type { ClientFailure } from 'tsforge-client'

/** Something in between answered for a server that is away. */
const awayStatuses = [502, 503, 504]

/** What a person reads about a failure. The server's sentences are made to be shown. */
export const sentenceOf = ({ code, status, message, retryAfterSeconds }: ClientFailure): string => {
  if (code === 'rate_limited') return `Too many tries. Wait ${retryAfterSeconds ?? 60} seconds.`
  if (status === undefined || (code === 'client.unreadable' && awayStatuses.includes(status)))
    return 'The server does not answer. Is it running?'
  return message
}
