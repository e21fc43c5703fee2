import { causesOf } from './causes.ts'

/** Whether a statement failed because a row would break the unique constraint of this name. */
export const isConflict = (error: unknown, constraint: string): boolean => breaks(error, '23505', constraint)

/**
 * Whether a statement failed because the row that a foreign key of this name leads to is gone: it was there when it
 * was looked for, and another transaction deleted it meanwhile.
 */
export const isOrphaned = (error: unknown, constraint: string): boolean => breaks(error, '23503', constraint)

/** Whether a row could not be deleted because others refer to it. */
export const isReferred = (error: unknown): boolean => breaks(error, '23503', /./)

/** Whether a statement failed because its tenant was deleted meanwhile, whatever the table. */
export const isTenantGone = (error: unknown): boolean => breaks(error, '23503', /_tenant_id_tenants_id_fk$/)

/** unique_violation and foreign_key_violation: PostgreSQL manual, appendix A. */
function breaks(error: unknown, state: '23505' | '23503', constraint: string | RegExp): boolean {
  for (const cause of causesOf(error)) {
    if (!('code' in cause) || cause.code !== state) continue
    const broken = 'constraint' in cause ? String(cause.constraint) : ''
    return typeof constraint === 'string' ? broken === constraint : constraint.test(broken)
  }
  return false
}
