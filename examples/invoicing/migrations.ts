import type { Migration } from '../../db/migrationFiles.ts'

/** Row security as every table of tenants has it: a transaction sees and changes the rows of its bucket. */
const walled = (table: string) => `
alter table ${table} enable row level security;
create policy ${table}_seen on ${table} for select to app using (in_bucket(tenant_id));
create policy ${table}_added on ${table} for insert to app with check (in_bucket(tenant_id));
create policy ${table}_changed on ${table} for update to app using (in_bucket(tenant_id)) with check (in_bucket(tenant_id));
create policy ${table}_removed on ${table} for delete to app using (in_bucket(tenant_id));
grant select, insert, update, delete on ${table} to app;
`

/** Values and not files, so that they are in the bundle wherever it runs. One that has landed is never edited. */
export const migrations: readonly Migration[] = [
  {
    name: '0001_invoices',
    sql: `
create type invoice_status as enum ('draft', 'sent', 'overdue');
create table invoices (
  id uuid primary key,
  tenant_id uuid not null constraint invoices_tenant_id_tenants_id_fk references tenants (id) on delete cascade,
  number text not null,
  customer text not null,
  status invoice_status not null default 'draft',
  due_on date,
  total_cents bigint not null,
  delivered_at timestamp (3) with time zone,
  created_at timestamp (3) with time zone not null default now(),
  updated_at timestamp (3) with time zone not null default now(),
  constraint invoices_number_unique unique (tenant_id, number)
);
create index invoices_by_tenant on invoices (tenant_id, id);
create index invoices_due on invoices (due_on);
create table invoice_lines (
  id uuid primary key,
  tenant_id uuid not null constraint invoice_lines_tenant_id_tenants_id_fk references tenants (id) on delete cascade,
  invoice_id uuid not null constraint invoice_lines_invoice_id_invoices_id_fk references invoices (id) on delete cascade,
  position integer not null,
  text text not null,
  quantity integer not null,
  unit_cents bigint not null,
  created_at timestamp (3) with time zone not null default now()
);
create index invoice_lines_by_invoice on invoice_lines (invoice_id, position);
create index invoice_lines_by_tenant on invoice_lines (tenant_id);
${walled('invoices')}${walled('invoice_lines')}`,
  },
  {
    name: '0002_overdue',
    // The duty runs in no tenant, where row security shows it nothing; as the owner's, this function sees all of them and
    // does this one thing.
    sql: `
create function mark_overdue_invoices(batch integer) returns integer
language sql security definer set search_path = public as $$
  with due as (
    update invoices set status = 'overdue', updated_at = now()
    where id = any (array(
      select id from invoices where status = 'sent' and due_on < current_date limit batch for update skip locked
    ))
    returning id, tenant_id, number
  ), told as (
    insert into events (tenant_id, topic, target, payload)
    select tenant_id, 'invoice.overdue', id::text, jsonb_build_object('number', number) from due
    returning 1
  )
  select count(*)::integer from told
$$;
revoke all on function mark_overdue_invoices(integer) from public;
grant execute on function mark_overdue_invoices(integer) to app;
`,
  },
]
