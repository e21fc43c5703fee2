import { randomBytes, timingSafeEqual } from 'node:crypto'
import type { Argon2Engine, Cost, EngineName } from './argon2.ts'
import { chooseEngine } from './engines.ts'
import { formatPhc, parsePhc, type StoredHash } from './phc.ts'
import { createTurns } from './turns.ts'

const saltBytes = 16
const hashBytes = 32
const defaultIdleMs = 10_000

export interface HashingOptions extends Cost {
  /** Hashes that run at once; each takes `memoryKib`. */
  readonly concurrency: number
  /** Hashes that may wait; the next one rejects with HashingOverloaded. */
  readonly queueLength: number
  /** In place of the fastest one that is there. */
  readonly engine?: EngineName | Argon2Engine
  /** How long a worker thread of the wasm engine is kept without work. */
  readonly idleMs?: number
  /** Told of each call that HashingOverloaded refuses. */
  readonly onOverload?: () => void
}

/** Each function may reject with HashingOverloaded, at once. */
export interface PasswordHasher {
  /** A PHC string with a new salt. The password is taken as it is, without Unicode normalisation; '' is refused. */
  readonly hash: (password: string) => Promise<string>
  /** A malformed string matches nothing, and takes as long as a real one. `needsRehash` is false without a match. */
  readonly verify: (password: string, phc: string) => Promise<Verdict>
  /** Takes as long as `verify`: for an unknown e-mail, so that the time of the answer tells nothing. */
  readonly verifyDummy: (password: string) => Promise<void>
  readonly engine: string
  readonly stats: () => { readonly running: number; readonly queued: number }
  /** Refuses what waits, lets what runs end, then ends the worker threads. */
  readonly close: () => Promise<void>
}

export interface Verdict {
  readonly matches: boolean
  /** The stored hash was made with another algorithm, cost or length than those in force. */
  readonly needsRehash: boolean
}

const mismatch: Verdict = { matches: false, needsRehash: false }

/** Argon2id password hashing (RFC 9106, OWASP Password Storage) off the event loop, bounded over all callers. */
export async function createPasswordHasher(options: HashingOptions): Promise<PasswordHasher> {
  const { memoryKib, iterations, parallelism, engine: wanted } = options
  const engine = typeof wanted === 'object' ? wanted : await chooseEngine(options.idleMs ?? defaultIdleMs, wanted)
  const turns = createTurns(options)
  const current = { variant: 'id', memoryKib, iterations, parallelism } as const

  /** A hash of nobody's password, with the costs in force. */
  const newHash = (): StoredHash => ({ ...current, salt: randomBytes(saltBytes), hash: new Uint8Array(hashBytes) })

  const derive = (password: string, { hash, ...stored }: StoredHash) =>
    turns.take(() =>
      engine.derive({ ...stored, hashLength: hash.length, password: new TextEncoder().encode(password) }),
    )

  async function hash(password: string): Promise<string> {
    if (password === '') throw new RangeError('an empty password cannot be hashed')
    const stored = newHash()
    return formatPhc({ ...stored, hash: await derive(password, stored) })
  }

  async function verify(password: string, phc: string): Promise<Verdict> {
    // Not every engine takes an empty password, and none was ever stored.
    if (password === '') return mismatch
    const stored = parsePhc(phc)
    const derived = await derive(password, stored ?? newHash())
    if (stored === undefined || !timingSafeEqual(derived, stored.hash)) return mismatch
    return { matches: true, needsRehash: !isCurrent(stored, current) }
  }

  async function verifyDummy(password: string): Promise<void> {
    if (password !== '') await derive(password, newHash())
  }

  async function close(): Promise<void> {
    await turns.close()
    await engine.close()
  }

  return { hash, verify, verifyDummy, engine: engine.name, stats: turns.stats, close }
}

function isCurrent(stored: StoredHash, current: Cost): boolean {
  const isSameCost =
    stored.memoryKib === current.memoryKib &&
    stored.iterations === current.iterations &&
    stored.parallelism === current.parallelism
  return isSameCost && stored.variant === 'id' && stored.salt.length >= saltBytes && stored.hash.length === hashBytes
}
