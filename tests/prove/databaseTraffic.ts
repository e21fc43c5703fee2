import { randomUUID } from 'node:crypto'
import { Agent, request } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'

/** An account that the traffic opens, and what the server has promised of it. */
export interface Person {
  readonly email: string
  /** The id of the answer 201; undefined until then. */
  id: string | undefined
  token: string
  /** Logins that were answered 200, each with a key of its own. */
  logins: number
}

export interface Answer {
  readonly status: number
  readonly code: string | undefined
  readonly retryAfter: string | undefined
  readonly isReplay: boolean
  // biome-ignore lint/suspicious/noExplicitAny: answers of every shape
  readonly data: any
  readonly startedAt: number
  readonly endedAt: number
}

export interface Call {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  readonly path: string
  readonly token?: string
  readonly key?: string
  readonly body?: object
}

export interface Traffic {
  readonly people: readonly Person[]
  /** Counts by what came of a request. */
  readonly counts: { readonly requests: number; readonly succeeded: number; readonly refused: number; replayed: number }
  /** What must not happen, with how often: `login 500 internal`. */
  readonly breaches: ReadonlyMap<string, number>
  /** The database is about to go away: from now on it may be refused. */
  readonly goesAway: () => void
  /** It accepts connections again. Resolves to the milliseconds until the first success. */
  readonly isBack: () => Promise<number>
  /** Sends no more, and resolves when everything is answered and every key has its answer. */
  readonly stop: () => Promise<void>
  /** Sends one request that counts as the others do; undefined when there was no answer. */
  readonly send: (name: string, call: Call) => Promise<Answer | undefined>
}

export interface TrafficOptions {
  readonly url: string
  readonly perSecond: number
  readonly random: () => number
  /** So many calls at once at most: what would be above it is not sent. Without it the rate holds whatever happens. */
  readonly atOnceMax?: number
  /** Connections of its own; a pool without an end unless it says otherwise. */
  readonly agent?: Agent
  /** Which part of the calls opens accounts, and which signs in; the others read. */
  readonly mix?: { readonly register: number; readonly login: number }
}

export const password = 'correct horse battery'
const answerTimeoutMs = 30_000
/**
 * As docs/deployment.md asks of a proxy, below the ten seconds after which uWebSockets.js closes: a request that is sent
 * at that moment is lost without any fault. One that is lost on a connection in use is a breach.
 */
export const idleMs = 5_000
const defaultMix = { register: 0.25, login: 0.2 }
/** After the database is back, a request that begins this much later has no excuse. */
export const recoveryMs = 2_000
const retryAfterMs = 200
const attemptsMax = 150
const tickMs = 10
const recentPeople = 400

/** Sends a mix of calls at a steady rate, whatever the answers are; keyed mutations are repeated until they are answered. */
export function startTraffic({ url, perSecond, random, mix = defaultMix, ...options }: TrafficOptions): Traffic {
  const { atOnceMax = Number.POSITIVE_INFINITY } = options
  const agent = options.agent ?? new Agent({ keepAlive: true, maxSockets: 512, timeout: idleMs })
  const people: Person[] = []
  const acknowledged: Person[] = []
  const counts = { requests: 0, succeeded: 0, refused: 0, replayed: 0 }
  const breaches = new Map<string, number>()
  const outages: { from: number; to: number }[] = []
  const running = new Set<Promise<unknown>>()
  let awaiting: ((at: number) => void) | undefined
  let isStopped = false

  const breach = (what: string) => breaches.set(what, (breaches.get(what) ?? 0) + 1)
  const isExcused = ({ startedAt, endedAt }: Answer) =>
    outages.some(({ from, to }) => endedAt >= from && startedAt <= to + recoveryMs)

  /** Judges one answer; true when it is final. */
  const judge = (name: string, answer: Answer): boolean => {
    const { status, code } = answer
    if (status === 200 || status === 201) {
      counts.succeeded++
      if (answer.isReplay) counts.replayed++
      awaiting?.(answer.endedAt)
      return true
    }
    const isRefusal = status === 503 && code === 'unavailable' && Number(answer.retryAfter) >= 1
    // The transaction of a lost connection lives until PostgreSQL notices.
    const isStillRunning = status === 409 && code === 'idempotency.in_progress'
    if ((isRefusal || isStillRunning) && isExcused(answer)) counts.refused++
    else breach(`${name} ${status} ${code}`)
    return false
  }

  const send = async (name: string, call: Call): Promise<Answer | undefined> => {
    counts.requests++
    try {
      const answer = await exchange(agent, `${url}/api/v1`, call)
      judge(name, answer)
      return answer
    } catch (error) {
      breach(`${name}: no answer (${error instanceof Error ? error.message : String(error)})`)
      return undefined
    }
  }
  /** The same key and body until there is an answer that counts. */
  const settle = async (name: string, call: Call): Promise<Answer | undefined> => {
    for (let attempt = 1; attempt <= attemptsMax; attempt++) {
      const answer = await send(name, call)
      if (answer === undefined || (answer.status !== 503 && answer.status !== 409)) return answer
      await sleep(retryAfterMs)
    }
    breach(`${name}: a key without an answer`)
    return undefined
  }

  const register = async () => {
    const person: Person = { email: `${randomUUID()}@example.org`, id: undefined, token: '', logins: 0 }
    people.push(person)
    const body = { email: person.email, password, name: 'Ada' }
    const answer = await settle('register', { method: 'POST', path: '/auth/register', key: randomUUID(), body })
    if (answer?.status !== 201) return
    person.token = answer.data.tokens.access_token
    person.id = answer.data.user.id
    acknowledged.push(person)
  }
  const login = async (person: Person) => {
    const body = { email: person.email, password }
    const answer = await settle('login', { method: 'POST', path: '/auth/login', key: randomUUID(), body })
    if (answer?.status === 200) person.logins++
  }
  const read = (name: string, path: string, { token }: Person) => send(name, { method: 'GET', path, token })

  const one = (): Promise<unknown> => {
    const { length } = acknowledged
    const person = acknowledged[length - 1 - Math.floor(random() * Math.min(recentPeople, length))]
    const chance = random()
    if (person === undefined || chance < mix.register) return register()
    if (chance < mix.register + mix.login) return login(person)
    return random() < 0.5 ? read('me', '/auth/me', person) : read('sessions.list', '/me/sessions', person)
  }
  const startedAt = performance.now()
  let begun = 0
  const timer = setInterval(() => {
    const due = Math.floor(((performance.now() - startedAt) / 1000) * perSecond)
    for (; begun < due; begun++) {
      if (running.size >= atOnceMax) continue
      const work = one().finally(() => running.delete(work))
      running.add(work)
    }
  }, tickMs)

  return {
    people,
    counts,
    breaches,
    goesAway: () => void outages.push({ from: performance.now(), to: Number.POSITIVE_INFINITY }),
    async isBack() {
      const at = performance.now()
      const outage = outages.at(-1)
      if (outage) outage.to = at
      const first = await new Promise<number>((resolve) => {
        awaiting = resolve
        setTimeout(() => resolve(Number.POSITIVE_INFINITY), 3 * recoveryMs)
      })
      awaiting = undefined
      return first - at
    },
    async stop() {
      if (isStopped) return
      isStopped = true
      clearInterval(timer)
      while (running.size > 0) await Promise.all(running)
      agent.destroy()
    },
    send,
  }
}

/** Sends one request, its path behind `url`, and reads its answer. Rejects when there is none; what is no JSON has neither code nor data. */
export function exchange(agent: Agent, url: string, { method, path, token, key, body }: Call): Promise<Answer> {
  const startedAt = performance.now()
  const text = body === undefined ? undefined : JSON.stringify(body)
  const headers = {
    ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    ...(key === undefined ? {} : { 'idempotency-key': key }),
    ...(text === undefined ? {} : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) }),
  }
  return new Promise((resolve, reject) => {
    const sent = request(`${url}${path}`, { method, agent, headers, timeout: answerTimeoutMs }, (response) => {
      const parts: Buffer[] = []
      response.on('data', (part) => parts.push(part))
      response.once('error', reject)
      response.once('end', () => {
        // A proxy that answers in place of the server does so in HTML.
        const isJson = response.headers['content-type']?.startsWith('application/json') ?? false
        const parsed = isJson ? JSON.parse(Buffer.concat(parts).toString() || '{}') : {}
        resolve({
          status: response.statusCode ?? 0,
          code: parsed.error?.code,
          retryAfter: response.headers['retry-after'],
          isReplay: response.headers['idempotent-replay'] === 'true',
          data: parsed.data,
          startedAt,
          endedAt: performance.now(),
        })
      })
    })
    sent.once('timeout', () => sent.destroy(new Error('no answer in time')))
    sent.once('error', ({ message }) => reject(new Error(`${message}, ${sent.reusedSocket ? 'used' : 'new'} socket`)))
    sent.end(text)
  })
}
