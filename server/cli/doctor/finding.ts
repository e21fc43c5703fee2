/** One thing that was looked at. */
export interface Finding {
  readonly check: string
  readonly state: 'ok' | 'warning' | 'failed'
  readonly found: string
  /** What puts it right; absent when there is nothing to do. */
  readonly fix?: string
}

export const ok = (check: string, found: string): Finding => ({ check, state: 'ok', found })
export const warning = (check: string, found: string, fix: string): Finding => ({ check, state: 'warning', found, fix })
export const failed = (check: string, found: string, fix: string): Finding => ({ check, state: 'failed', found, fix })

/** What an error says in one line, without a password that an address in it may have. */
export const inWords = (error: unknown): string => {
  const text = error instanceof Error ? error.message || error.name : String(error)
  return withoutCredentials(text.split('\n', 1)[0] ?? '')
}

/** Addresses in a text keep host and path, and lose user and password. */
export const withoutCredentials = (text: string): string => text.replaceAll(/\/\/[^@\s/]*@/g, '//')
