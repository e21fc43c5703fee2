import { version } from '../../server/version.ts'

/** What tsforge says of itself at /healthz. */
export const health = { status: 'ok', service: 'tsforge', version } as const
