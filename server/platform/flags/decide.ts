import type { z } from 'zod'
import type { FlagRules } from '../../../contract/flagRules.ts'
import { type Flag, type FlagValue, valuesOf } from '../../../contract/flagTable.ts'
import { shareOf } from './share.ts'

/** For whom a flag is asked. The anonymous have no user, no tenant and no roles. */
export interface Subject {
  readonly userId: string | undefined
  /** The tenant of X-Tenant-ID. */
  readonly tenantId: string | undefined
  /** Codes of the roles that the user holds in this tenant and everywhere; known only while a rule asks for any. */
  readonly roles: readonly string[]
}

export type FlagRule = z.output<typeof FlagRules>[number]

/** What the database says of a flag. */
export interface FlagRow {
  readonly name: string
  readonly value: FlagValue | null
  readonly rules: readonly FlagRule[]
}

/** Decides a flag for anybody, without waiting. */
export type Decide = (subject: Subject) => FlagValue

/** The first rule that fits decides, then the value, then the default. What the flag cannot say is passed over. */
export const decideBy = (name: string, flag: Flag, row: FlagRow | undefined): Decide => {
  const possible = new Set(valuesOf(flag))
  const rest = row && row.value !== null && possible.has(row.value) ? row.value : flag.default
  const rules = (row?.rules ?? [])
    .filter(({ value }) => possible.has(value))
    .map((rule) => ({ value: rule.value, fits: fitsBy(name, rule) }))
  if (rules.length === 0) return () => rest
  return (subject) => {
    for (const { fits, value } of rules) if (fits(subject)) return value
    return rest
  }
}

const fitsBy = (name: string, { tenants, users, roles, percentage }: FlagRule): ((subject: Subject) => boolean) => {
  const [tenantIds, userIds] = [tenants && new Set(tenants), users && new Set(users)]
  return (subject) => {
    if (tenantIds && !(subject.tenantId !== undefined && tenantIds.has(subject.tenantId))) return false
    if (userIds && !(subject.userId !== undefined && userIds.has(subject.userId))) return false
    if (roles && !roles.some((code) => subject.roles.includes(code))) return false
    if (percentage === undefined) return true
    return subject.userId !== undefined && shareOf(name, subject.userId) < percentage
  }
}
