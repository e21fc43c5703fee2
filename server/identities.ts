import type { Logger } from 'pino'
import { coalesce } from '../db/coalesce.ts'
import type { Database } from '../db/database.ts'
import { findRoleCodes, findStandings, standingKey, standingsAsked } from './features/access/standing.ts'
import { createIdentifyKey, createNoteUse, type KeyHolder } from './features/apiKeys/identify.ts'
import { findKeyHolders, findKeyHoldersAndWrites, findKeyHoldersById, noteKeyUse } from './features/apiKeys/queries.ts'
import { createIdentify, type FoundActor, identityOf } from './features/auth/identify.ts'
import { createRedeemTicket } from './features/events/redeem.ts'
import { findActors, findActorsAndWrites } from './features/sessions/queries.ts'
import type { AccessTokens } from './platform/tokens.ts'
import type { Tracing } from './platform/tracing/tracing.ts'
import type { FindAgain, GateParts } from './rpc/gates.ts'

interface Parts {
  readonly tokens: AccessTokens
  readonly database: Database
  /** Signs in as the role `gate`, which sees every tenant; only the reads of the gates may hold it. */
  readonly gateDatabase: Database
  readonly log: Logger
  readonly tracing?: Tracing | undefined
  /** How long a person's reads come from the primary after a write; undefined where all of them do. */
  readonly ownWriteSeconds?: number
}

const readsPerBatch = 500

/** The reads of the gates: who is behind a credential, and what they hold. Calls that come together share a read. */
export const createIdentities = ({
  tokens,
  database,
  gateDatabase,
  log,
  tracing,
  ownWriteSeconds,
}: Parts): Omit<GateParts, 'budgets' | 'asksForRoles'> => {
  const { db } = gateDatabase
  const shared = { maxBatch: readsPerBatch, sharing: tracing?.sharing }
  const readActors = (ids: readonly string[]): Promise<FoundActor[]> =>
    ownWriteSeconds === undefined ? findActors(db, { ids }) : findActorsAndWrites(db, { ids, ownWriteSeconds })
  const readHolders = (prefixes: readonly string[]): Promise<(KeyHolder & { readonly prefix: string })[]> =>
    ownWriteSeconds === undefined
      ? findKeyHolders(db, { prefixes })
      : findKeyHoldersAndWrites(db, { prefixes, ownWriteSeconds })
  /** Rows by their keys, read for all who ask together. */
  const finder = <Row>(read: (keys: readonly string[]) => Promise<readonly Row[]>, keyOf: (row: Row) => string) =>
    coalesce(async (keys: readonly string[]) => new Map((await read(keys)).map((row) => [keyOf(row), row])), shared)
  const findActor = finder(readActors, (row) => row.session_id)
  const findKeyHolder = finder(readHolders, (row) => row.prefix)
  const findHolderById = finder(
    (ids) => findKeyHoldersById(db, { ids }),
    (row) => row.key_id,
  )
  const findStanding = finder((keys) => findStandings(db, standingsAsked(keys)), keyOfStanding)
  const findRoles = finder((keys) => findRoleCodes(db, standingsAsked(keys)), keyOfStanding)
  const findAgain: FindAgain = async ({ kind, credentialId }) => {
    if (kind === 'key') {
      const holder = await findHolderById(credentialId)
      return holder && { userId: holder.user.id, credentialId, kind, user: holder.user, scopes: holder.scopes }
    }
    const found = await findActor(credentialId)
    return found && identityOf(found)
  }
  const noteUse = createNoteUse(
    (use) => noteKeyUse(database.db, { ...use }),
    (error) => log.debug({ err: error }, 'the use of an API key was not noted'),
  )
  return {
    identifySession: createIdentify(tokens, findActor),
    identifyKey: createIdentifyKey(findKeyHolder, noteUse),
    findAgain,
    redeemTicket: createRedeemTicket(database.db, findAgain),
    async findRoles(userId, tenantId) {
      return (await findRoles(standingKey(userId, tenantId)))?.codes ?? []
    },
    async findStanding(userId, tenantId) {
      const found = await findStanding(standingKey(userId, tenantId))
      return found ?? { global: [], inTenant: [], mayEnter: false }
    },
  }
}

const keyOfStanding = (row: { readonly user_id: string; readonly tenant_id: string | null }): string =>
  standingKey(row.user_id, row.tenant_id)
