import { define, type ErrorRule } from './define.ts'
import { errors } from './errors.ts'
import { permissions } from './permissions.ts'

/** The contract language with the built-in permissions and errors. */
export const { query, mutation, subscription } = define({ permissions, errors })

/**
 * The contract language for a module that has permissions and errors of its own besides the built-in ones. Codes begin
 * with the module's name: `invoices.manage`, `invoices.not_found`.
 */
export const extend = <const P extends string = never, const E extends string = never>(own: {
  readonly permissions?: Readonly<Record<P, string>>
  readonly errors?: Readonly<Record<E, ErrorRule>>
}) =>
  define<P | keyof typeof permissions, E | keyof typeof errors>({
    permissions: { ...permissions, ...own.permissions } as Record<P | keyof typeof permissions, string>,
    errors: { ...errors, ...own.errors } as Record<E | keyof typeof errors, ErrorRule>,
  })
