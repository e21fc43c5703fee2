import type { contract } from '../contract/index.ts'
import type { KindsOf } from './kind.ts'

/** Written by `npm run generate` from the contract. */
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
  menus: {
    mine: { kind: 'query' },
    list: { kind: 'query', isInputOptional: true },
    tree: { kind: 'query', isInputOptional: true },
    get: { kind: 'query' },
    create: { kind: 'mutation', isKeyed: true },
    update: { kind: 'mutation', isKeyed: true },
    delete: { kind: 'mutation', isKeyed: true },
  },
  tenants: {
    list: { kind: 'query', isInputOptional: true },
    create: { kind: 'mutation', isKeyed: true },
    get: { kind: 'query' },
    update: { kind: 'mutation', isKeyed: true },
    delete: { kind: 'mutation', isKeyed: true },
    leave: { kind: 'mutation', isKeyed: true },
    transfer: { kind: 'mutation', isKeyed: true },
    members: { kind: 'query' },
    addMember: { kind: 'mutation', isKeyed: true },
    removeMember: { kind: 'mutation', isKeyed: true },
  },
  apiKeys: {
    list: { kind: 'query', isInputOptional: true },
    create: { kind: 'mutation', isKeyed: true },
    revoke: { kind: 'mutation', isKeyed: true },
  },
  access: {
    mine: { kind: 'query' },
  },
  permissions: {
    list: { kind: 'query', isInputOptional: true },
    get: { kind: 'query' },
    create: { kind: 'mutation', isKeyed: true },
    update: { kind: 'mutation', isKeyed: true },
    delete: { kind: 'mutation', isKeyed: true },
  },
  roles: {
    list: { kind: 'query', isInputOptional: true },
    get: { kind: 'query' },
    create: { kind: 'mutation', isKeyed: true },
    update: { kind: 'mutation', isKeyed: true },
    delete: { kind: 'mutation', isKeyed: true },
    permissions: { kind: 'query' },
    setPermissions: { kind: 'mutation', isKeyed: true },
  },
  users: {
    list: { kind: 'query', isInputOptional: true },
    get: { kind: 'query' },
    disable: { kind: 'mutation', isKeyed: true },
    enable: { kind: 'mutation', isKeyed: true },
    roles: { kind: 'query' },
    setRoles: { kind: 'mutation', isKeyed: true },
    access: { kind: 'query' },
  },
  events: {
    stream: { kind: 'subscription', isInputOptional: true },
    ticket: { kind: 'mutation', isKeyed: true },
  },
  flags: {
    mine: { kind: 'query' },
    list: { kind: 'query' },
    set: { kind: 'mutation', isKeyed: true },
    clear: { kind: 'mutation', isKeyed: true },
  },
} as const satisfies KindsOf<typeof contract>
