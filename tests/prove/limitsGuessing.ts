import { randomUUID } from 'node:crypto'
import type { Proof } from './harness.ts'
import { newAddress, type Seen } from './limitsClient.ts'
import { type Fleet, type Owner, password } from './limitsFleet.ts'

/** Failed logins of an account in 15 minutes, as docs/security.md states them. */
export const guessesMax = 10
const tries = 200
const leastPart = 0.95
const deviceCalls = 30
/** A refresh spends the budget of credentials of the device's address, which is 30 a minute. */
const callsPerRefresh = 3

/** One try of a password, from an address of its own unless it names one. */
export function tryPassword(
  fleet: Fleet,
  index: number,
  { email, secret }: { email: string; secret: string },
): Promise<Seen> {
  const body = { email, password: secret }
  const visit = { method: 'POST', path: '/api/v1/auth/login', body, forwarded: newAddress() } as const
  return fleet.client.visit(fleet.urlOf(index), visit)
}

/** Many guesses at one account at once, each from an address of its own, while its owner's device goes on. */
export async function checkGuessing(proof: Proof, fleet: Fleet): Promise<void> {
  const owner = await fleet.openAccount()
  const bystander = await fleet.openAccount()
  proof.progress(`${tries} guesses at one account`)
  const before = await fleet.guessesRefused()
  const guessing = Promise.all(
    Array.from({ length: tries }, (_, index) =>
      tryPassword(fleet, index, { email: owner.email, secret: `wrong ${index}` }),
    ),
  )
  const [seen, device] = await Promise.all([guessing, useDevice(fleet, owner)])
  const looked = tries - ((await fleet.guessesRefused()) - before)
  const where = `${tries} parallel guesses from an address each over ${fleet.servers.length} processes`
  proof.check(
    `an account: ${looked} of ${where} looked at its password, at most the budget of ${guessesMax}`,
    looked <= guessesMax,
  )
  proof.check('an account: … and at least 95 % of it', looked >= guessesMax * leastPart, looked)
  const unknown = await tryPassword(fleet, 0, { email: `${randomUUID()}@example.org`, secret: 'wrong' })
  const right = await Promise.all(
    fleet.servers.map((_, index) => tryPassword(fleet, index, { email: owner.email, secret: password })),
  )
  const differing = [...seen, ...right].filter(({ status, failure }) => status !== 401 || failure !== unknown.failure)
  proof.check(
    'all of them, and then the right password at every process, are answered as an unknown account is',
    differing.length === 0,
    differing[0],
  )
  const { status } = await tryPassword(fleet, 1, { email: bystander.email, secret: password })
  proof.check('another account signs in', status === 200, status)
  reportDevice(proof, device)
}

/** Calls and refreshes, one after the other over all servers, as a device does that knows nothing of the guesses. */
async function useDevice(fleet: Fleet, owner: Owner): Promise<Seen[]> {
  const forwarded = newAddress()
  let { accessToken: token, refreshToken } = owner
  const seen: Seen[] = []
  for (let index = 0; index < deviceCalls; index++) {
    const url = fleet.urlOf(index)
    if (index % callsPerRefresh === 0) {
      const body = { refresh_token: refreshToken }
      const answer = await fleet.client.visit(url, { method: 'POST', path: '/api/v1/auth/refresh', body, forwarded })
      seen.push(answer)
      if (answer.status !== 200) return seen
      token = answer.data.access_token
      refreshToken = answer.data.refresh_token
    }
    seen.push(await fleet.client.visit(url, { path: '/api/v1/auth/me', token, forwarded }))
  }
  return seen
}

function reportDevice(proof: Proof, seen: readonly Seen[]): void {
  const failed = seen.filter(({ status }) => status !== 200)
  proof.check(
    'meanwhile a device of the account calls and refreshes, and every answer is 200',
    failed.length === 0,
    failed[0],
  )
  proof.atLeast('calls and refreshes of the device', seen.length, deviceCalls)
}
