/** The head of a request, as it came in. */
export interface ReceivedRequest {
  readonly id: string
  readonly method: string
  readonly path: string
  /** The text after '?'. */
  readonly query: string
  readonly headers: Readonly<Record<string, string>>
}

const secretName = /token|ticket|secret|password|credential|connectionparams|authorization|cookie|api[-_]?key/i
const targetMax = 2_000

/** Path and query, with `$TOKEN` for what is secret in the query. */
export const withoutSecrets = ({ path, query }: ReceivedRequest): string => {
  const target = query === '' ? path : `${path}?${query.split('&').map(shownPair).join('&')}`
  return target.slice(0, targetMax)
}

const shownPair = (pair: string): string => {
  const [name = '', ...value] = pair.split('=')
  if (secretName.test(decoded(name))) return `${name}=$TOKEN`
  return secretName.test(decoded(value.join('='))) ? `${name}=$INPUT` : pair
}

const decoded = (text: string): string => {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

/** Headers that change what is answered and hold no secret; of some the value is replaced all the same. */
const shownHeaders: Readonly<Record<string, string | undefined>> = {
  authorization: 'Bearer $TOKEN',
  'idempotency-key': '$IDEMPOTENCY_KEY',
  'x-tenant-id': undefined,
  'content-type': undefined,
  accept: undefined,
  'if-none-match': undefined,
  'last-event-id': undefined,
}

/** The command that sends the request again; token and body are for the reader to fill in. */
export const curlOf = (request: ReceivedRequest): string => {
  const { method, headers } = request
  const host = /^[\w.:[\]-]+$/.test(headers.host ?? '') ? headers.host : 'localhost:8080'
  const sent = Object.entries(shownHeaders).flatMap(([name, stand]) =>
    headers[name] === undefined ? [] : [`-H ${headerText(name, stand ?? headers[name] ?? '')}`],
  )
  const hasBody = method !== 'GET' && method !== 'HEAD' && headers['content-type'] !== undefined
  const body = hasBody ? ['--data "$BODY"'] : []
  const url = quoted(`http://${host}${withoutSecrets(request)}`)
  return [`curl -X ${/^[A-Z]+$/.test(method) ? method : 'GET'} ${url}`, ...sent, ...body].join(' ')
}

/** In double quotes where the shell is to put something in. */
const headerText = (name: string, value: string) =>
  value.includes('$') && shownHeaders[name] !== undefined ? `"${name}: ${value}"` : quoted(`${name}: ${value}`)

/** For a POSIX shell; what is to be filled in stands outside of the quotes. */
const quoted = (text: string): string =>
  `'${text.slice(0, targetMax).replaceAll("'", `'\\''`)}'`.replace(/\$(?:TOKEN|INPUT)\b/g, (name) => `'"${name}"'`)
