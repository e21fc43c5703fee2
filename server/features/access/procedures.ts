import type { contract } from '../../../contract/index.ts'
import type { Handlers } from '../../rpc/handlers.ts'
import { listRolesInForce } from './grantQueries.ts'

export const access: Handlers<typeof contract.access> = {
  async mine({ readAs, actor, bucket }) {
    const permissions = [...actor.permissions].sort()
    // A key may do less than the roles of its owner say, so they would mislead.
    if (actor.kind === 'key') return { roles: [], permissions }
    const roles = await readAs((db) => listRolesInForce(db, { userId: actor.userId, bucket }))
    return { roles, permissions }
  },
}
