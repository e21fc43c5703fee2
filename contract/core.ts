import { define, type ErrorRule } from './define.ts'
import { errors } from './errors.ts'
import type { EntryFlag } from './flags.ts'
import type { BooleanFlagName, FlagTable } from './flagTable.ts'
import { permissions } from './permissions.ts'

/** The contract language with the built-in permissions, errors and flags. */
export const { query, mutation, subscription } = define<keyof typeof permissions, keyof typeof errors, EntryFlag>({
  permissions,
  errors,
})

/**
 * The contract language for a module that has permissions, errors and flags of its own besides the built-in ones. Codes begin
 * with the module's name: `invoices.manage`, `invoices.not_found`.
 */
export const extend = <
  const P extends string = never,
  const E extends string = never,
  const T extends FlagTable = Record<never, never>,
>(own: {
  readonly permissions?: Readonly<Record<P, string>>
  readonly errors?: Readonly<Record<E, ErrorRule>>
  readonly flags?: T
}) =>
  define<P | keyof typeof permissions, E | keyof typeof errors, EntryFlag | BooleanFlagName<T>>({
    permissions: { ...permissions, ...own.permissions } as Record<P | keyof typeof permissions, string>,
    errors: { ...errors, ...own.errors } as Record<E | keyof typeof errors, ErrorRule>,
  })
