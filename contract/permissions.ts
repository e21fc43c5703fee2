/** Every permission that an entry may ask for, with its meaning. The migration step inserts new ones. */
export const permissions = {} as const satisfies Record<string, string>

export type Permission = keyof typeof permissions
