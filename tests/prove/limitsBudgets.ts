import { randomUUID } from 'node:crypto'
import type { Proof } from './harness.ts'
import { newAddress, type Seen, type Visit } from './limitsClient.ts'
import type { Fleet } from './limitsFleet.ts'

/** A budget, and how it is spent. */
export interface Hammering {
  readonly what: string
  readonly budget: number
  readonly requests: number
  /** What a request is answered that is within the budget. */
  readonly admitted: number
  readonly visitOf: (index: number) => Visit
}

const windowMs = 60_000
/** Fewer admitted than this part of a budget would be a budget that loses count. */
const leastPart = 0.95

/** Budgets of the rate classes, as docs/security.md states them. */
const [reads, writes, credentials] = [600, 120, 30]

/** Sends all requests at once, over all servers in turn, and judges how many were admitted. */
async function hammer(proof: Proof, fleet: Fleet, { what, budget, requests, ...calls }: Hammering): Promise<void> {
  proof.progress(`${what}, ${requests} requests`)
  const startedAt = performance.now()
  const all = Array.from({ length: requests }, (_, index) =>
    fleet.client.visit(fleet.urlOf(index), calls.visitOf(index)),
  )
  const seen = await Promise.all(all)
  const tookMs = performance.now() - startedAt
  const admitted = seen.filter(({ status }) => status === calls.admitted).length
  const refused = seen.filter(isRefusal).length
  const where = `${requests} requests over ${fleet.servers.length} processes`
  proof.check(`${what}: ${admitted} of ${where} admitted, at most the budget of ${budget}`, admitted <= budget)
  proof.check(`${what}: … and at least 95 % of it`, admitted >= budget * leastPart, admitted)
  proof.check(
    `${what}: all others refused with 429 and Retry-After, within one window`,
    admitted + refused === requests && tookMs < windowMs,
    { refused, tookMs, other: seen.find(({ status }) => status !== calls.admitted && status !== 429) },
  )
  proof.figure(`${what}: requests a second`, Math.round((requests / tookMs) * 1000))
}

const isRefusal = ({ status, code, retryAfter }: Seen) =>
  status === 429 && code === 'rate_limited' && Number(retryAfter) >= 1 && Number(retryAfter) <= windowMs / 1000

/** The budget of an address, by a client that writes another X-Forwarded-For into every request. */
export async function checkAddress(proof: Proof, fleet: Fleet): Promise<void> {
  const [own, peer, budget] = [newAddress(), newPeer(), fleet.addressBudget]
  const common = { budget, requests: 2 * budget, admitted: 404 }
  await hammer(proof, fleet, {
    ...common,
    what: 'an address behind the proxy, forging what stands before it',
    visitOf: (index) => ({ path: '/nowhere', forwarded: `${newAddress()}, 10.0.0.${index % 256}, ${own}` }),
  })
  await hammer(proof, fleet, {
    ...common,
    what: 'an address past the proxy, forging all of it',
    visitOf: () => ({ path: '/nowhere', forwarded: newAddress(), peer }),
  })
}

let strangers = 1

/** A loopback address that is no trusted proxy, and that nobody has had before. */
const newPeer = (): string => {
  strangers += 1
  return `127.0.0.${strangers}`
}

/** The budgets of the rate classes. */
export async function checkClasses(proof: Proof, fleet: Fleet): Promise<void> {
  const { accessToken: token } = await fleet.openAccount()
  await hammer(proof, fleet, {
    what: 'reads of a session, from an address each',
    budget: reads,
    requests: 1.5 * reads,
    admitted: 200,
    visitOf: () => ({ path: '/api/v1/auth/me', token, forwarded: newAddress() }),
  })
  await hammer(proof, fleet, {
    what: 'writes of a session',
    budget: writes,
    requests: 2 * writes,
    admitted: 200,
    visitOf: () => ({ method: 'DELETE', path: '/api/v1/me/sessions', token, forwarded: newAddress() }),
  })
  await checkCredentials(proof, fleet, 'guesses of an address, at an account each')
}

/** The budget of an address that tries credentials. */
export async function checkCredentials(proof: Proof, fleet: Fleet, what: string): Promise<void> {
  const address = newAddress()
  await hammer(proof, fleet, {
    what,
    budget: credentials,
    requests: 200,
    admitted: 401,
    visitOf: () => ({
      method: 'POST',
      path: '/api/v1/auth/login',
      body: { email: `${randomUUID()}@example.org`, password: 'wrong' },
      forwarded: `${newAddress()}, ${address}`,
    }),
  })
}
