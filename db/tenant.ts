/**
 * Whose rows are seen and written: `global` for those without a tenant, a UUID for one tenant's; undefined leaves
 * `app.tenant_id` unset, which shows no row of a tenant-scoped table.
 */
export type Tenant = string | undefined

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

/**
 * The SQL that begins a transaction of the tenant, as one message. The setting ends with the transaction. Throws on
 * anything that is neither `global` nor a UUID, so that nothing else ever gets into the text.
 */
export function beginning(begin: string, tenant: Tenant): string {
  if (tenant === undefined) return begin
  if (tenant !== 'global' && !uuid.test(tenant)) throw new TypeError('A tenant is `global` or a UUID.')
  return `${begin}; set local app.tenant_id = '${tenant}'`
}
