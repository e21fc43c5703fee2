import type { HeaderMap } from './exchange.ts'

/**
 * Whether a page may open a socket: of the same host, or named in `origins`, where `*` names all. Browsers send the
 * origin and do not ask first as they do for other requests, so any page could speak with what the browser can reach
 * (RFC 6455 10.2). What is no browser sends none.
 */
export const createOriginCheck = (origins: readonly string[]) => {
  const isAny = origins.includes('*')
  const named = new Set(origins)
  return ({ origin, host }: HeaderMap): boolean =>
    origin === undefined || isAny || named.has(origin) || hostOf(origin) === host?.toLowerCase()
}

const hostOf = (origin: string): string | null => (URL.canParse(origin) ? new URL(origin).host : null)
