import { codeOf, messageOf } from './causes.ts'
import { isUnavailable } from './unavailable.ts'

/** What a server of PostgreSQL or its certificate may say against us, by SQLSTATE or by the code of Node's TLS. */
const databaseErrors: readonly (readonly [code: RegExp, explain: (variable: string, said: string) => string])[] = [
  [
    /^(28|3D)/,
    (variable, said) => `The database refused ${variable} (${said}): correct its user, password or database name.`,
  ],
  [
    /^53300$/,
    (variable, said) =>
      `The database of ${variable} has no connection left (${said}): end some, or raise max_connections or the limit of the role or database.`,
  ],
  [
    /^57P0[123]$/,
    (variable, said) => `The database of ${variable} is starting or stopping (${said}): try again once it is up.`,
  ],
  [/^25006$/, (variable, said) => `The database of ${variable} takes no writes (${said}): let it lead to the primary.`],
  [/^53100$/, (variable, said) => `The disk of the database of ${variable} is full (${said}): make room.`],
  [
    /^(DEPTH_ZERO_)?SELF_SIGNED_CERT|^UNABLE_TO_(GET_ISSUER|VERIFY)/,
    (variable, said) =>
      `Nobody known signed the certificate of the database of ${variable} (${said}): add sslrootcert=<file of its authority> to the URL, or set NODE_EXTRA_CA_CERTS.`,
  ],
  [
    /^CERT_(HAS_EXPIRED|NOT_YET_VALID)$/,
    (variable, said) =>
      `The certificate of the database of ${variable} is not valid today (${said}): renew it, or set the clock.`,
  ],
  [
    /^ERR_TLS_CERT_ALTNAME_INVALID$/,
    (variable, said) =>
      `The certificate of the database of ${variable} is for another name (${said}): put a name that it holds into the URL.`,
  ],
]

/**
 * Says in one sentence why the database of a variable cannot be used and what to do; undefined for any other failure.
 * `mayEmbed`: the server would do without the variable.
 */
export const explainAccessFailure = (error: unknown, variable: string, mayEmbed = false): string | undefined => {
  const code = codeOf(error) ?? ''
  const [, explain] = databaseErrors.find(([pattern]) => pattern.test(code)) ?? []
  if (explain) return explain(variable, messageOf(error))
  if (!isUnavailable(error)) return undefined
  const instead = mayEmbed ? `, or unset ${variable} to use the embedded one` : ''
  return `The database of ${variable} does not answer: start it or correct the address${instead}.`
}
