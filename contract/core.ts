import { define } from './define.ts'
import { errors } from './errors.ts'
import { permissions } from './permissions.ts'

/** The contract language with the built-in permissions and errors. */
export const { query, mutation, subscription } = define({ permissions, errors })
