import { uuidv7 } from 'uuidv7'
import type { contract } from '../../../contract/index.ts'
import type { Handlers } from '../../rpc/handlers.ts'
import { highestId, paginate } from '../../rpc/paging.ts'
import { invalidFields } from '../../rpc/validation.ts'
import { beyondHolding } from '../access/escalation.ts'
import { newKey } from './key.ts'
import { countKeys, insertKey, listKeys, revokeKey } from './queries.ts'
import { meantScopes, namedPermissions } from './scopes.ts'

export const apiKeys: Handlers<typeof contract.apiKeys> = {
  async list(call) {
    const { userId } = call.actor
    return paginate(call, {
      name: ['apiKeys.list', userId],
      start: [highestId],
      read: ([id], limit) => listKeys(call.db, { userId, id, limit }),
      positionOf: ({ id }) => [id],
      count: () => countKeys(call.db, { userId }),
    })
  },

  async create({ transaction, record, actor, input, fail, keyEnvironment }) {
    const scopes = meantScopes(input.scopes)
    const beyond = beyondHolding(actor, namedPermissions(scopes))
    const { plaintext, prefix, keyHash } = newKey(keyEnvironment)
    const row = { id: uuidv7(), userId: actor.userId, prefix, keyHash, name: input.name, scopes }
    return transaction(async (tx) => {
      // Refused only here: a retry of a call that made its key is answered by its Idempotency-Key, whatever changed since.
      if (beyond.length > 0) throw fail('rbac.escalation', { permissions: beyond })
      const [made] = await insertKey(tx, { ...row, expiresAt: input.expires_at ?? null })
      if (!made) throw invalidFields({ expires_at: 'must lie ahead' })
      await record(tx, { topic: 'apikey.created', target: made.id, payload: made })
      return { ...made, plaintext }
    })
  },

  async revoke({ transaction, record, actor, input, fail }) {
    return transaction(async (tx) => {
      const [revoked] = await revokeKey(tx, { id: input.id, userId: actor.userId })
      if (!revoked) throw fail('apikey.not_found')
      await record(tx, { topic: 'apikey.revoked', target: input.id, payload: {} })
    })
  },
}
