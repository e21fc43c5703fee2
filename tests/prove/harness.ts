import { parseArgs } from 'node:util'

/** What a proof is told and tells. */
export interface Proof {
  /** Runs with the same seed draw the same numbers; what the machine makes of them may differ. */
  readonly seed: number
  /** A short form, for every push; the figures of the documentation come from the long one. */
  readonly isQuick: boolean
  /** A number of the command line, `--minutes 20`, where the proof names it among its `numbers`. */
  readonly numberOf: (name: string) => number | undefined
  /** The next number of the seed, from 0 to below 1. */
  readonly random: () => number
  /** Says what must be so and whether it is. `found` is shown when it is not. */
  readonly check: (sentence: string, isSo: boolean, found?: unknown) => void
  /** Fails when less happened than the proof claims to have seen: a proof of nothing must not pass. */
  readonly atLeast: (what: string, count: number, least: number) => void
  /** Something to be read, that decides nothing. */
  readonly figure: (name: string, value: string | number) => void
  /** Where it stands; shown on a terminal only. */
  readonly progress: (text: string) => void
  /**
   * Runs the same proof with a guard taken away: passes when a check whose sentence holds `seenBy` fails. Another
   * failure does not count, or a proof that cannot even start would show that its checks bite.
   */
  readonly control: (sentence: string, seenBy: string, run: (proof: Proof) => Promise<void>) => Promise<void>
}

const { stdout } = process

/**
 * Runs a proof from the command line (`--quick`, `--seed N`, and the `numbers` it names). Prints a line for each check, the seed, the figures and
 * the time, and last `N passed, N failed`. Exits with 1 when a check failed, when nothing was checked, and when
 * `limitSeconds` have passed.
 */
export async function prove(
  name: string,
  { limitSeconds, numbers = [] }: { limitSeconds: number; numbers?: readonly string[] },
  run: (proof: Proof) => Promise<void>,
): Promise<never> {
  const options = readOptions(numbers)
  const { seed, isQuick } = options
  const ledger = createLedger({ isSilent: false })
  const finish = (): never => {
    const { passed, failed } = ledger.counts()
    ledger.print(`${passed} passed, ${failed} failed`)
    process.exit(failed === 0 && passed > 0 ? 0 : 1)
  }
  const startedAt = performance.now()
  ledger.print(`prove ${name}${isQuick ? ' (quick)' : ''}, seed ${seed}`)
  setTimeout(() => {
    ledger.check(`ends within ${limitSeconds} seconds`, false)
    finish()
  }, limitSeconds * 1000)
  await runGuarded(createProof(ledger, options), run)
  ledger.print(`      took: ${((performance.now() - startedAt) / 1000).toFixed(1)} s`)
  return finish()
}

type Options = Pick<Proof, 'seed' | 'isQuick' | 'numberOf'>

function readOptions(numbers: readonly string[]): Options {
  const named = Object.fromEntries(['seed', ...numbers].map((name) => [name, { type: 'string' as const }]))
  const parsed = parseArgs({ options: { ...named, quick: { type: 'boolean' } } })
  const values: Readonly<Record<string, string | boolean | undefined>> = parsed.values
  const numberOf = (name: string) => {
    if (values[name] === undefined) return undefined
    const number = Number(values[name])
    if (!Number.isSafeInteger(number)) throw new Error(`--${name} takes a whole number`)
    return number
  }
  const seed = numberOf('seed') ?? Math.floor(Math.random() * 2 ** 31)
  return { seed, isQuick: values.quick === true, numberOf }
}

async function runGuarded(proof: Proof, run: (proof: Proof) => Promise<void>): Promise<void> {
  try {
    await run(proof)
  } catch (error) {
    proof.check('runs to its end', false, error instanceof Error ? error.stack : error)
  }
}

type Ledger = ReturnType<typeof createLedger>

function createLedger({ isSilent }: { isSilent: boolean }) {
  const failures: string[] = []
  let passed = 0
  const print = (line: string) => {
    if (!isSilent) stdout.write(`${stdout.isTTY ? '\r\x1b[K' : ''}${line}\n`)
  }
  return {
    print,
    check(sentence: string, isSo: boolean, found?: unknown) {
      const shown = found === undefined ? '' : ` (${typeof found === 'string' ? found : JSON.stringify(found)})`
      if (isSo) passed++
      else failures.push(sentence + shown)
      print(isSo ? `ok    ${sentence}` : `FAIL  ${sentence}${shown}`)
    },
    counts: () => ({ passed, failed: failures.length }),
    failures,
  }
}

function createProof(ledger: Ledger, options: Options): Proof {
  return {
    ...options,
    random: numbersOf(options.seed),
    check: ledger.check,
    atLeast: (what, count, least) => ledger.check(`${what}: ${count}, at least ${least}`, count >= least),
    figure: (name, value) => ledger.print(`      ${name}: ${value}`),
    progress(text) {
      if (stdout.isTTY) stdout.write(`\r\x1b[K… ${text}`)
    },
    async control(sentence, seenBy, run) {
      const inner = createLedger({ isSilent: true })
      await runGuarded(createProof(inner, options), run)
      const failure = inner.failures.find((line) => line.includes(seenBy))
      const seen = failure === undefined ? '' : `: ${failure.slice(0, shownMax)}`
      ledger.check(`control: ${sentence} is seen${seen}`, failure !== undefined, inner.failures)
    },
  }
}

const shownMax = 140

/** Mulberry32, by Tommy Ettinger: small, and good enough to choose what happens next. */
function numbersOf(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
