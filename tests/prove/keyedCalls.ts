import { randomUUID } from 'node:crypto'
import { type Agent, request } from 'node:http'
import type { Client } from 'pg'

/** An answer as it came over the wire. */
export interface RawAnswer {
  readonly status: number
  /** The bytes of `data` in the envelope; of a refusal, those of `error`. */
  readonly data: string
  readonly retryAfter: string | undefined
  readonly isReplay: boolean
}

/** A mutation with a key of its own, and how its effects are counted in the tables. */
export interface KeyedCall {
  readonly kind: string
  readonly key: string
  readonly path: string
  readonly body: object
  readonly token?: string
  /** What names the effect: a value that no other call has. */
  readonly mark: string
  /** Every success that was received, in order. */
  readonly answers: RawAnswer[]
}

export const password = 'correct horse battery'

/** Somebody with an account, in whose name calls are made. */
export interface Somebody {
  readonly email: string
  readonly token: string
}

/** Opens an account, without a key. */
export async function openAccount(agent: Agent, url: string): Promise<Somebody> {
  const email = `${randomUUID()}@example.org`
  const call = { path: '/auth/register', body: { email, password, name: 'Ada' } }
  const { status, data } = await send(agent, url, call)
  if (status !== 201) throw new Error(`no account was opened: ${status} ${data}`)
  return { email, token: JSON.parse(data).tokens.access_token }
}

/**
 * One call of each kind, for somebody who makes no others, so that their sessions can be counted. Opening an account
 * and founding a tenant are held to one effect by a unique constraint too; a sign-in and an API key by their key alone.
 */
export const callsOf = ({ email, token }: Somebody): KeyedCall[] => {
  const [newcomer, slug, name] = [`${randomUUID()}@example.org`, `t-${randomUUID()}`, randomUUID()]
  return [
    newCall('register', '/auth/register', { body: { email: newcomer, password, name: 'Ada' }, mark: newcomer }),
    newCall('login', '/auth/login', { body: { email, password }, mark: email }),
    newCall('tenant', '/tenants', { body: { name: 'Acme', slug }, mark: slug, token }),
    newCall('api key', '/api-keys', { body: { name, scopes: [] }, mark: name, token }),
  ]
}

const newCall = (
  kind: string,
  path: string,
  rest: Pick<KeyedCall, 'body' | 'mark'> & { token?: string },
): KeyedCall => ({ kind, path, key: randomUUID(), answers: [], ...rest })

/** How often each kind of effect is there, by its mark. Opening the account began a session too. */
const counts: Readonly<Record<string, string>> = {
  register: `select email as mark, count(sessions.id)::int as effects from users left join sessions on user_id = users.id
    where email = any($1) group by users.id`,
  login: `select email as mark, count(*)::int - 1 as effects from users join sessions on user_id = users.id
    where email = any($1) group by users.id`,
  tenant: `select slug as mark, count(*)::int as effects from tenants join members on tenant_id = tenants.id
    where slug = any($1) group by tenants.id`,
  'api key': 'select name as mark, count(*)::int as effects from api_keys where name = any($1) group by name',
}

/** How many effects each call had, as the tables tell. */
export async function effectsOf(owner: Client, calls: readonly KeyedCall[]): Promise<Map<KeyedCall, number>> {
  const found = new Map<string, number>()
  for (const [kind, sql] of Object.entries(counts)) {
    const marks = calls.filter((call) => call.kind === kind).map(({ mark }) => mark)
    const { rows } = await owner.query<{ mark: string; effects: number }>(sql, [marks])
    for (const { mark, effects } of rows) found.set(mark, effects)
  }
  return new Map(calls.map((call) => [call, found.get(call.mark) ?? 0]))
}

const answerTimeoutMs = 15_000

/** Sends a call once. Rejects when there is no whole answer. */
export function send(
  agent: Agent,
  url: string,
  { path, key, body, token }: Pick<KeyedCall, 'path' | 'body'> & Partial<Pick<KeyedCall, 'key' | 'token'>>,
): Promise<RawAnswer> {
  const text = JSON.stringify(body)
  const headers = {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(text),
    ...(key === undefined ? {} : { 'idempotency-key': key }),
    ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
  }
  return new Promise((resolve, reject) => {
    const options = { method: 'POST', agent, headers, timeout: answerTimeoutMs }
    const sent = request(`${url}/api/v1${path}`, options, (response) => {
      const parts: Buffer[] = []
      response.on('data', (part) => parts.push(part))
      response.once('error', reject)
      response.once('end', () => {
        resolve({
          status: response.statusCode ?? 0,
          data: payloadOf(Buffer.concat(parts).toString()),
          retryAfter: response.headers['retry-after'],
          isReplay: response.headers['idempotent-replay'] === 'true',
        })
      })
    })
    sent.once('timeout', () => sent.destroy(new Error('no answer in time')))
    sent.once('error', reject)
    sent.end(text)
  })
}

/** Between the first field of the envelope and its last: taken from the text, for parsing would hide a difference. */
const payloadOf = (text: string): string =>
  text.slice(text.indexOf(':', text.indexOf(',')) + 1, text.lastIndexOf(',"request_id"'))
