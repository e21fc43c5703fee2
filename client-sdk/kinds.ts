import type { contract } from '../contract/index.ts'
import type { KindsOf } from './kind.ts'

/** Written by `npx tsx scripts/writeClientKinds.ts` from the contract. */
export const kinds = {
  auth: {
    register: { kind: 'mutation', isPublic: true, isKeyed: true },
    login: { kind: 'mutation', isPublic: true, isKeyed: true },
    refresh: { kind: 'mutation', isPublic: true, isKeyed: true },
    logout: { kind: 'mutation' },
    me: { kind: 'query' },
    changePassword: { kind: 'mutation', isKeyed: true },
  },
  sessions: {
    list: { kind: 'query', isInputOptional: true },
    revoke: { kind: 'mutation', isKeyed: true },
    revokeOthers: { kind: 'mutation', isKeyed: true },
  },
} as const satisfies KindsOf<typeof contract>
