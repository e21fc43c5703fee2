import { causesOf } from './causes.ts'

/** Whether a statement failed because a row would break the unique constraint of this name. */
export function isConflict(error: unknown, constraint: string): boolean {
  for (const cause of causesOf(error)) {
    if ('code' in cause && cause.code === '23505') return 'constraint' in cause && cause.constraint === constraint
  }
  return false
}
