/**
 * Whose rows are seen and written: `global` for those without a tenant, a UUID for one tenant's; undefined leaves
 * `app.tenant_id` unset, which shows no row of a tenant-scoped table.
 */
export type Tenant = string | undefined

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

/** In whose name a transaction runs: row security goes by it. */
export interface Scope {
  readonly tenant?: Tenant
  /** The id of the person, who may find their own memberships in whatever tenant they work. */
  readonly person?: string | undefined
}

/** How a transaction begins. */
export interface Opening extends Scope {
  /** More statements of SET LOCAL, from our own code alone. */
  readonly settings?: readonly string[]
}

/**
 * The SQL that begins a transaction of the scope, as one message. The settings end with the transaction. Throws on
 * anything that is neither `global` nor a UUID, so that nothing else ever gets into the text.
 */
export function beginning(begin: string, { tenant, person, settings = [] }: Opening): string {
  if (tenant !== undefined && tenant !== 'global' && !uuid.test(tenant)) {
    throw new TypeError('A tenant is `global` or a UUID.')
  }
  if (person !== undefined && !uuid.test(person)) throw new TypeError('A person is a UUID.')
  const all = [
    begin,
    ...settings,
    ...(tenant === undefined ? [] : [`set local app.tenant_id = '${tenant}'`]),
    ...(person === undefined ? [] : [`set local app.user_id = '${person}'`]),
  ]
  return all.join('; ')
}
