import { z } from 'zod'
import { mutation, query } from './core.ts'
import type { FlagTable, ValueOf } from './flagTable.ts'
import { Id, Instant, RoleCode } from './scalars.ts'
import { flags as table } from './vocabulary.ts'

const Value = z.union([z.boolean(), z.string().min(1).max(64)])

const some = <T extends z.ZodType>(item: T) => z.array(item).min(1).max(200).optional()

/** What a caller must be for the value to hold: all that the rule names, and one of each list. */
const FlagRule = z
  .object({
    value: Value,
    /** Of the users, chosen by a hash of the flag's name and the user's id: growing it takes nobody out. */
    percentage: z.number().min(0).max(100).optional(),
    tenants: some(Id),
    users: some(Id),
    roles: some(RoleCode),
  })
  .meta({ id: 'FlagRule' })

const needsCondition = { error: 'must name a percentage, tenants, users or roles; for all others there is value' }

/** Rules in the order in which they are tried. */
export const FlagRules = z
  .array(
    FlagRule.refine(
      ({ percentage, tenants, users, roles }) => (percentage ?? tenants ?? users ?? roles) !== undefined,
      needsCondition,
    ),
  )
  .max(50)

/** A flag of the contract, and what decides it. */
const FlagState = z
  .object({
    name: z.string(),
    description: z.string(),
    kind: z.enum(['boolean', 'variant']),
    /** What it can say, as text. */
    variants: z.array(z.string()),
    default: Value,
    /** The first that has a say. `environment` and `file` are those of the instance that answers. */
    source: z.enum(['environment', 'file', 'database', 'default']),
    /** What environment or file say, for everybody; null when they say nothing. */
    override: Value.nullable(),
    /** What the database says to those whom no rule fits; null for the default. */
    value: Value.nullable(),
    rules: z.array(FlagRule),
    updated_at: Instant.nullable(),
  })
  .meta({ id: 'Flag' })

const name = z.string().min(1).max(100)

type Shape<T> = {
  readonly [N in keyof T]: T[N] extends { kind: 'boolean' } ? z.ZodBoolean : z.ZodType<ValueOf<T[N]>, ValueOf<T[N]>>
}

const shapeOf = <T extends FlagTable>(table: T) =>
  Object.fromEntries(
    Object.entries(table).map(([flag, rule]) => [flag, rule.kind === 'boolean' ? z.boolean() : z.enum(rule.variants)]),
  ) as unknown as Shape<T>

/** The entries for a table of flags; the answer of `mine` has a field for each. */
export const flagEntries = <const T extends FlagTable>(table: T) => ({
  mine: query({
    summary: 'What each flag says to the caller, in the tenant of X-Tenant-ID.',
    http: ['GET', '/api/v1/flags'],
    access: 'user',
    rate: 'read',
    tenancy: 'bucket',
    // Asked again each time, mostly for a 304: a flag is often turned off in a hurry.
    cache: { maxAgeSeconds: 0 },
    output: z.object({ flags: z.object(shapeOf(table)) }),
  }),

  // No pages: there are as many as the contract names.
  list: query({
    summary: 'All flags, with what decides them and the rules of the database.',
    http: ['GET', '/api/v1/flag-rules'],
    access: 'flags.manage',
    rate: 'read',
    tenancy: 'global',
    output: z.array(FlagState),
  }),

  set: mutation({
    summary: 'Say in the database what a flag says: by rules, and to all others. Takes the place of what was said.',
    http: ['PUT', '/api/v1/flag-rules/{name}'],
    access: 'flags.manage',
    rate: 'write',
    tenancy: 'global',
    idempotency: 'key',
    input: z.object({ name, value: Value.nullable().default(null), rules: FlagRules.default([]) }),
    output: FlagState,
    errors: ['flag.not_found'],
  }),

  clear: mutation({
    summary: 'Have the database say nothing about a flag.',
    http: ['DELETE', '/api/v1/flag-rules/{name}'],
    access: 'flags.manage',
    rate: 'write',
    tenancy: 'global',
    idempotency: 'key',
    input: z.object({ name }),
    output: z.void(),
    errors: ['flag.not_found'],
  }),
})

export const flags = flagEntries(table)
