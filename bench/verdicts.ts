import type { LoginOutcome } from './logins.ts'
import type { Memory } from './memory.ts'
import type { Outcome } from './rounds.ts'

/** What was measured; undefined is what was not asked for. */
export interface Results {
  readonly health: Outcome | undefined
  readonly me: Outcome | undefined
  readonly growth: readonly Outcome[] | undefined
  readonly logins: readonly LoginOutcome[] | undefined
  readonly memory: { readonly marks: readonly number[]; readonly servers: readonly Memory[] } | undefined
}

/** A figure and the most, or for a share the least, that it should be. */
export interface Verdict {
  readonly what: string
  readonly found: number
  readonly bound: number
  readonly isMet: boolean
}

const atMost = (what: string, found: number, bound: number): Verdict => ({ what, found, bound, isMet: found <= bound })
const atLeast = (what: string, found: number, bound: number): Verdict => ({
  what,
  found,
  bound,
  isMet: found >= bound,
})

/** What the figures say of the project's own targets. */
export const judge = ({ health, me, growth = [], logins = [], memory }: Results): readonly Verdict[] => [
  ...ratiosOf(health, '/healthz, CPU against a bare handler that sends the same bytes'),
  ...ratiosOf(me, '/auth/me, CPU against a bare handler with coalesced reads and jose'),
  ...growth.map(({ title, rows }) => atMost(`${title}, CPU from 10 to 10,000`, rows[1]?.cpuRatio ?? Number.NaN, 1.5)),
  ...logins.map(({ cost, share }) => atLeast(`login (${cost} hash), share of what the hash alone allows`, share, 0.9)),
  ...(memory ? judgeMemory(memory.servers) : []),
]

const ratiosOf = (outcome: Outcome | undefined, what: string): readonly Verdict[] =>
  (outcome?.rows ?? []).filter(({ name }) => name === 'tsforge').map(({ cpuRatio }) => atMost(what, cpuRatio, 1.5))

const judgeMemory = ([bare, own]: readonly Memory[]): readonly Verdict[] => {
  const last = (server: Memory | undefined) => server?.resident.at(-1) ?? Number.NaN
  return [
    atMost('memory after the last mark against the bare server', last(own) / last(bare), 2),
    atMost('memory at the last mark against the first', last(own) / (own?.resident[0] ?? Number.NaN), 1.05),
  ]
}
