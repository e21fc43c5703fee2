CREATE TABLE "members" (
	"tenant_id" uuid NOT NULL,
	"user_id" uuid NOT NULL,
	"is_owner" boolean DEFAULT false NOT NULL,
	"joined_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "members_tenant_id_user_id_pk" PRIMARY KEY("tenant_id","user_id")
);
--> statement-breakpoint
CREATE TABLE "tenants" (
	"id" uuid PRIMARY KEY NOT NULL,
	"slug" text NOT NULL,
	"name" text NOT NULL,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "tenants_slug_unique" UNIQUE("slug")
);
--> statement-breakpoint
ALTER TABLE "members" ADD CONSTRAINT "members_tenant_id_tenants_id_fk" FOREIGN KEY ("tenant_id") REFERENCES "public"."tenants"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "members" ADD CONSTRAINT "members_user_id_users_id_fk" FOREIGN KEY ("user_id") REFERENCES "public"."users"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "members_by_user" ON "members" USING btree ("user_id");
--> statement-breakpoint
-- Whether a row belongs to the bucket of this transaction: the tenant in app.tenant_id, or the rows without one when
-- that says 'global'. Unset, nothing does.
CREATE FUNCTION in_bucket(row_tenant uuid) RETURNS boolean LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT CASE coalesce(current_setting('app.tenant_id', true), '')
    WHEN '' THEN false
    WHEN 'global' THEN row_tenant IS NULL
    ELSE row_tenant = current_setting('app.tenant_id', true)::uuid
  END
$$;
--> statement-breakpoint
-- Whether a row may be read there: a tenant also sees what all tenants share.
CREATE FUNCTION in_sight(row_tenant uuid) RETURNS boolean LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT in_bucket(row_tenant)
    OR (row_tenant IS NULL AND coalesce(current_setting('app.tenant_id', true), '') <> '')
$$;
--> statement-breakpoint
-- The person of this transaction, who may find their own memberships in whatever bucket they work.
CREATE FUNCTION current_person() RETURNS uuid LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT nullif(current_setting('app.user_id', true), '')::uuid
$$;
--> statement-breakpoint
ALTER TABLE "members" ENABLE ROW LEVEL SECURITY;
--> statement-breakpoint
CREATE POLICY members_seen ON "members" FOR SELECT TO app USING (in_bucket(tenant_id) OR user_id = current_person());
--> statement-breakpoint
CREATE POLICY members_added ON "members" FOR INSERT TO app WITH CHECK (in_bucket(tenant_id));
--> statement-breakpoint
CREATE POLICY members_changed ON "members" FOR UPDATE TO app USING (in_bucket(tenant_id)) WITH CHECK (in_bucket(tenant_id));
--> statement-breakpoint
CREATE POLICY members_removed ON "members" FOR DELETE TO app USING (in_bucket(tenant_id));
--> statement-breakpoint
GRANT SELECT, INSERT, UPDATE, DELETE ON "members" TO app;
--> statement-breakpoint
CREATE POLICY members_at_the_gate ON "members" FOR SELECT TO gate USING (true);
--> statement-breakpoint
GRANT SELECT ON "members" TO gate;
--> statement-breakpoint
ALTER TABLE "tenants" ENABLE ROW LEVEL SECURITY;
--> statement-breakpoint
CREATE POLICY tenants_seen ON "tenants" FOR SELECT TO app USING (in_bucket(id) OR EXISTS (SELECT FROM members WHERE members.tenant_id = tenants.id AND members.user_id = current_person()));
--> statement-breakpoint
CREATE POLICY tenants_added ON "tenants" FOR INSERT TO app WITH CHECK (in_bucket(id));
--> statement-breakpoint
CREATE POLICY tenants_changed ON "tenants" FOR UPDATE TO app USING (in_bucket(id)) WITH CHECK (in_bucket(id));
--> statement-breakpoint
CREATE POLICY tenants_removed ON "tenants" FOR DELETE TO app USING (in_bucket(id));
--> statement-breakpoint
GRANT SELECT, INSERT, UPDATE, DELETE ON "tenants" TO app;
--> statement-breakpoint
CREATE POLICY tenants_at_the_gate ON "tenants" FOR SELECT TO gate USING (true);
--> statement-breakpoint
GRANT SELECT ("id") ON "tenants" TO gate;
