import { randomUUID } from 'node:crypto'
import type { Proof } from './harness.ts'
import type { Seen } from './limitsClient.ts'
import { type Fleet, type Owner, password } from './limitsFleet.ts'
import { guessesMax, tryPassword } from './limitsGuessing.ts'
import { middle, shuffled } from './numbers.ts'
import { rankTest } from './rankTest.ts'

const kinds = ['unknown', 'known', 'blocked'] as const
type Kind = (typeof kinds)[number]

/** Of a known account so many guesses are sampled, so that it stays below its budget. */
const guessesEach = 8
const blockedAccounts = 4
const warmUp = 20

/** Logins at accounts that do not exist, exist, and have no guesses left: one answer for all, and what their times say. */
export async function checkAnswers(proof: Proof, fleet: Fleet, samples: number): Promise<void> {
  const known = await openMany(fleet, Math.ceil(samples / guessesEach))
  const blocked = await openMany(fleet, blockedAccounts)
  for (const { email } of blocked)
    for (let guess = 0; guess <= guessesMax; guess++) await tryPassword(fleet, guess, { email, secret: 'wrong' })
  const unknown = () => ({ email: `${randomUUID()}@example.org`, secret: 'wrong' })
  const tries: Record<Kind, (round: number) => { email: string; secret: string }> = {
    unknown,
    known: (round) => ({ email: known[Math.floor(round / guessesEach)]?.email ?? '', secret: 'wrong' }),
    // Every other one knows the password.
    blocked: (round) => ({
      email: blocked[round % blockedAccounts]?.email ?? '',
      secret: round % 8 < 4 ? password : 'wrong',
    }),
  }
  for (let index = 0; index < warmUp; index++) await tryPassword(fleet, index, unknown())
  const seen: Record<Kind, Seen[]> = { unknown: [], known: [], blocked: [] }
  for (let round = 0; round < samples; round++) {
    proof.progress(`${round}/${samples} logins of each kind`)
    // None always comes first.
    for (const kind of shuffled(proof, kinds)) seen[kind].push(await tryPassword(fleet, round, tries[kind](round)))
  }
  report(proof, seen, samples)
}

function report(proof: Proof, seen: Readonly<Record<Kind, readonly Seen[]>>, samples: number): void {
  const all = kinds.flatMap((kind) => seen[kind])
  const answers = new Set(all.map(({ status, failure }) => `${status} ${failure}`))
  proof.check(
    `${samples} logins each at unknown, known and blocked accounts have one answer between them, 401`,
    answers.size === 1 && all.every(({ status }) => status === 401),
    [...answers],
  )
  proof.atLeast('logins compared', all.length, 3 * samples)
  for (const [one, other] of [
    ['known', 'unknown'],
    ['blocked', 'unknown'],
    ['blocked', 'known'],
  ] as const) {
    const [a, b] = [seen[one].map(({ ms }) => ms), seen[other].map(({ ms }) => ms)]
    const { z, p } = rankTest(a, b)
    const medians = `medians ${middle(a).toFixed(2)} and ${middle(b).toFixed(2)} ms`
    proof.figure(`times of ${one} and ${other}, Mann-Whitney`, `z = ${z.toFixed(2)}, p = ${p.toFixed(3)}, ${medians}`)
  }
}

async function openMany(fleet: Fleet, number: number): Promise<Owner[]> {
  const owners: Owner[] = []
  while (owners.length < number) owners.push(await fleet.openAccount())
  return owners
}
