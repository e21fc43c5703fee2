/** Every permission that an entry may ask for, with its meaning. The migration step inserts new ones. */
export const permissions = {
  'rbac.manage': 'Manage permissions, roles and grants.',
  'users.read': 'See the accounts of people.',
  'users.manage': 'Disable and enable accounts.',
  'menu.manage': 'Manage menu entries.',
  'flags.manage': 'Decide what feature flags say.',
  'events.read': 'Follow the events of a tenant.',
} as const satisfies Record<string, string>

export type Permission = keyof typeof permissions
