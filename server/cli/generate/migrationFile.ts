import type { Resource } from './resource.ts'

const breakpoint = '\n--> statement-breakpoint\n'

/** What no schema in TypeScript says: row security and grants, for the end of the migration that makes the table. */
export const rowSecurity = ({ names: { snakes }, isTenant }: Resource): string =>
  [
    '',
    ...(isTenant ? ofTenants(snakes) : ofAll(snakes)),
    `GRANT SELECT, INSERT, UPDATE, DELETE ON "${snakes}" TO app;\n`,
  ].join(breakpoint)

const ofTenants = (table: string) => [
  `ALTER TABLE "${table}" ENABLE ROW LEVEL SECURITY;`,
  `CREATE POLICY ${table}_seen ON "${table}" FOR SELECT TO app USING (in_bucket(tenant_id));`,
  `CREATE POLICY ${table}_added ON "${table}" FOR INSERT TO app WITH CHECK (in_bucket(tenant_id));`,
  `CREATE POLICY ${table}_changed ON "${table}" FOR UPDATE TO app USING (in_bucket(tenant_id)) WITH CHECK (in_bucket(tenant_id));`,
  `CREATE POLICY ${table}_removed ON "${table}" FOR DELETE TO app USING (in_bucket(tenant_id));`,
]

const ofAll = (table: string) => [
  `-- All tenants share them, so only work in the global bucket changes them.\nALTER TABLE "${table}" ENABLE ROW LEVEL SECURITY;`,
  `CREATE POLICY ${table}_seen ON "${table}" FOR SELECT TO app USING (true);`,
  `CREATE POLICY ${table}_written ON "${table}" TO app USING (in_bucket(NULL)) WITH CHECK (in_bucket(NULL));`,
]
