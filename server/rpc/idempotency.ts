import { createHash } from 'node:crypto'
import { and, eq, gt, sql } from 'drizzle-orm'
import type { Db } from '../../db/client.ts'
import { idempotencyKeys } from '../../db/schema/idempotencyKeys.ts'
import { statement } from '../../db/statement.ts'
import type { Seal } from '../platform/seal.ts'
import { refuse } from './failure.ts'
import type { Gate, OpenCall } from './procedure.ts'
import type { Frame } from './transaction.ts'

const { placeholder } = sql

/** How long an answer can be replayed; published in the API reference. */
const replaySeconds = 86_400
const retryWhileRunningSeconds = 1
const keys = /^[\x20-\x7e]{1,255}$/

const lockKey = statement('idempotency.lock', (db) =>
  db
    .select({ isLocked: sql<boolean>`pg_try_advisory_xact_lock(${placeholder('lock')}::bigint)` })
    .from(sql`(values (1)) one`),
)

const findAnswer = statement('idempotency.find', (db) =>
  db
    .select({ fingerprint: idempotencyKeys.fingerprint, answer: idempotencyKeys.answer })
    .from(idempotencyKeys)
    .where(and(eq(idempotencyKeys.id, placeholder('id')), gt(idempotencyKeys.expires_at, sql`now()`))),
)

/** Takes the place of an expired row of the same key. */
const keepAnswer = statement('idempotency.keep', (db) => {
  const row = {
    fingerprint: sql`excluded.fingerprint`,
    answer: sql`excluded.answer`,
    created_at: sql`excluded.created_at`,
    expires_at: sql`excluded.expires_at`,
  }
  return db
    .insert(idempotencyKeys)
    .values({
      id: placeholder('id'),
      fingerprint: placeholder('fingerprint'),
      answer: placeholder('answer'),
      expires_at: sql`now() + make_interval(secs => ${placeholder('seconds')})`,
    })
    .onConflictDoUpdate({ target: idempotencyKeys.id, set: row })
})

/**
 * Refuses a key that is no key, and one that would have to stand for several mutations: all of them, so that no batch
 * is carried out by half. Entries without keys ignore a key that stands for them alone.
 */
export const checkKey: Gate = (rules, { request: { idempotencyKey, isBatch } }) => {
  if (idempotencyKey === undefined || rules.kind !== 'mutation') return
  if (isBatch || (isKeyed(rules) && !keys.test(idempotencyKey))) throw refuse('idempotency.key_invalid')
}

const isKeyed = (rules: Frame['rules']) => rules.kind === 'mutation' && rules.idempotency === 'key'

/** True when the transaction of this call has to be replayable. */
export const wantsReplay = ({ rules, call }: Frame): boolean =>
  isKeyed(rules) && call.request.idempotencyKey !== undefined

/**
 * Gives a key one effect: the effect and the answer kept for it commit together, or neither does. Returns false when
 * an earlier answer was found; it is then the answer of the call.
 */
export const claimKey = async (tx: Db, frame: Frame, seal: Seal): Promise<boolean> => {
  const id = idOf(frame.call)
  // Sent together: the second statement sees what was committed before the first one got the lock.
  const [[lock], [kept]] = await Promise.all([
    lockKey(tx, { lock: id.readBigInt64BE(0).toString() }),
    findAnswer(tx, { id }),
  ])
  if (!lock?.isLocked) throw refuse('idempotency.in_progress', { retryAfterSeconds: retryWhileRunningSeconds })
  if (!kept) return true
  if (!seal.matches(fingerprintOf(frame.call), kept.fingerprint)) throw refuse('idempotency.key_reused')
  const text = isSecret(frame) ? seal.open(kept.answer) : kept.answer.toString()
  if (text === undefined) throw refuse('idempotency.key_reused')
  frame.call.settled = { data: text === '' ? undefined : JSON.parse(text), isReplay: true }
  return false
}

/** Keeps the answer of a call, as it goes over the wire, in the transaction of its effect. */
export const keepForReplay = async (tx: Db, frame: Frame & { seal: Seal }, answer: unknown): Promise<void> => {
  const { call, seal } = frame
  const data = frame.serialize(answer)
  const text = JSON.stringify(data) ?? ''
  await keepAnswer(tx, {
    id: idOf(call),
    fingerprint: seal.digest(fingerprintOf(call)),
    answer: isSecret(frame) ? seal.close(text) : Buffer.from(text),
    seconds: replaySeconds,
  })
  call.settled = { data, isReplay: false }
}

const isSecret = ({ rules }: Frame) => rules.kind === 'mutation' && rules.secret === true

/** Whose key it is: the signed-in person, or the address of the anonymous. */
const idOf = ({ actor, request, entry }: OpenCall): Buffer =>
  createHash('sha256')
    .update(
      JSON.stringify([actor?.userId ?? request.address, request.tenantHeader ?? null, entry, request.idempotencyKey]),
    )
    .digest()

/** The parsed input: the schema has dropped what does not count and put the keys in order. */
const fingerprintOf = ({ input }: OpenCall): string => JSON.stringify(input ?? null)
