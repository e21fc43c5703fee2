CREATE TABLE "permissions" (
	"id" uuid PRIMARY KEY NOT NULL,
	"code" text NOT NULL,
	"resource" text NOT NULL,
	"action" text NOT NULL,
	"description" text DEFAULT '' NOT NULL,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "permissions_code_unique" UNIQUE("code")
);
--> statement-breakpoint
CREATE TABLE "role_permissions" (
	"role_id" uuid NOT NULL,
	"permission_id" uuid NOT NULL,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "role_permissions_role_id_permission_id_pk" PRIMARY KEY("role_id","permission_id")
);
--> statement-breakpoint
CREATE TABLE "roles" (
	"id" uuid PRIMARY KEY NOT NULL,
	"tenant_id" uuid,
	"code" text NOT NULL,
	"name" text NOT NULL,
	"description" text DEFAULT '' NOT NULL,
	"is_system" boolean DEFAULT false NOT NULL,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "roles_code_unique" UNIQUE NULLS NOT DISTINCT("tenant_id","code")
);
--> statement-breakpoint
CREATE TABLE "user_roles" (
	"user_id" uuid NOT NULL,
	"role_id" uuid NOT NULL,
	"tenant_id" uuid,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "user_roles_unique" UNIQUE NULLS NOT DISTINCT("user_id","role_id","tenant_id")
);
--> statement-breakpoint
ALTER TABLE "role_permissions" ADD CONSTRAINT "role_permissions_role_id_roles_id_fk" FOREIGN KEY ("role_id") REFERENCES "public"."roles"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "role_permissions" ADD CONSTRAINT "role_permissions_permission_id_permissions_id_fk" FOREIGN KEY ("permission_id") REFERENCES "public"."permissions"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "roles" ADD CONSTRAINT "roles_tenant_id_tenants_id_fk" FOREIGN KEY ("tenant_id") REFERENCES "public"."tenants"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "user_roles" ADD CONSTRAINT "user_roles_user_id_users_id_fk" FOREIGN KEY ("user_id") REFERENCES "public"."users"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "user_roles" ADD CONSTRAINT "user_roles_role_id_roles_id_fk" FOREIGN KEY ("role_id") REFERENCES "public"."roles"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "user_roles" ADD CONSTRAINT "user_roles_tenant_id_tenants_id_fk" FOREIGN KEY ("tenant_id") REFERENCES "public"."tenants"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "role_permissions_by_permission" ON "role_permissions" USING btree ("permission_id");--> statement-breakpoint
CREATE INDEX "user_roles_by_role" ON "user_roles" USING btree ("role_id");--> statement-breakpoint
CREATE INDEX "user_roles_by_tenant" ON "user_roles" USING btree ("tenant_id");
--> statement-breakpoint
-- Permissions are shared by all tenants, so only work in the global bucket changes them.
ALTER TABLE "permissions" ENABLE ROW LEVEL SECURITY;
--> statement-breakpoint
CREATE POLICY permissions_seen ON "permissions" FOR SELECT TO app USING (true);
--> statement-breakpoint
CREATE POLICY permissions_written ON "permissions" TO app USING (in_bucket(NULL)) WITH CHECK (in_bucket(NULL));
--> statement-breakpoint
GRANT SELECT, INSERT, UPDATE, DELETE ON "permissions" TO app;
--> statement-breakpoint
CREATE POLICY permissions_at_the_gate ON "permissions" FOR SELECT TO gate USING (true);
--> statement-breakpoint
GRANT SELECT ON "permissions" TO gate;
--> statement-breakpoint
ALTER TABLE "roles" ENABLE ROW LEVEL SECURITY;
--> statement-breakpoint
CREATE POLICY roles_seen ON "roles" FOR SELECT TO app USING (in_sight(tenant_id));
--> statement-breakpoint
CREATE POLICY roles_added ON "roles" FOR INSERT TO app WITH CHECK (in_bucket(tenant_id));
--> statement-breakpoint
CREATE POLICY roles_changed ON "roles" FOR UPDATE TO app USING (in_bucket(tenant_id)) WITH CHECK (in_bucket(tenant_id));
--> statement-breakpoint
CREATE POLICY roles_removed ON "roles" FOR DELETE TO app USING (in_bucket(tenant_id));
--> statement-breakpoint
GRANT SELECT, INSERT, UPDATE, DELETE ON "roles" TO app;
--> statement-breakpoint
CREATE POLICY roles_at_the_gate ON "roles" FOR SELECT TO gate USING (true);
--> statement-breakpoint
GRANT SELECT ON "roles" TO gate;
--> statement-breakpoint
ALTER TABLE "role_permissions" ENABLE ROW LEVEL SECURITY;
--> statement-breakpoint
CREATE POLICY role_permissions_seen ON "role_permissions" FOR SELECT TO app USING (EXISTS (SELECT FROM roles WHERE roles.id = role_id));
--> statement-breakpoint
CREATE POLICY role_permissions_added ON "role_permissions" FOR INSERT TO app WITH CHECK (EXISTS (SELECT FROM roles WHERE roles.id = role_id AND in_bucket(roles.tenant_id)));
--> statement-breakpoint
CREATE POLICY role_permissions_changed ON "role_permissions" FOR UPDATE TO app USING (EXISTS (SELECT FROM roles WHERE roles.id = role_id AND in_bucket(roles.tenant_id))) WITH CHECK (EXISTS (SELECT FROM roles WHERE roles.id = role_id AND in_bucket(roles.tenant_id)));
--> statement-breakpoint
CREATE POLICY role_permissions_removed ON "role_permissions" FOR DELETE TO app USING (EXISTS (SELECT FROM roles WHERE roles.id = role_id AND in_bucket(roles.tenant_id)));
--> statement-breakpoint
GRANT SELECT, INSERT, UPDATE, DELETE ON "role_permissions" TO app;
--> statement-breakpoint
CREATE POLICY role_permissions_at_the_gate ON "role_permissions" FOR SELECT TO gate USING (true);
--> statement-breakpoint
GRANT SELECT ON "role_permissions" TO gate;
--> statement-breakpoint
-- A tenant sees global grants too, because they count in it.
ALTER TABLE "user_roles" ENABLE ROW LEVEL SECURITY;
--> statement-breakpoint
CREATE POLICY user_roles_seen ON "user_roles" FOR SELECT TO app USING (in_sight(tenant_id));
--> statement-breakpoint
CREATE POLICY user_roles_added ON "user_roles" FOR INSERT TO app WITH CHECK (in_bucket(tenant_id));
--> statement-breakpoint
CREATE POLICY user_roles_changed ON "user_roles" FOR UPDATE TO app USING (in_bucket(tenant_id)) WITH CHECK (in_bucket(tenant_id));
--> statement-breakpoint
CREATE POLICY user_roles_removed ON "user_roles" FOR DELETE TO app USING (in_bucket(tenant_id));
--> statement-breakpoint
GRANT SELECT, INSERT, UPDATE, DELETE ON "user_roles" TO app;
--> statement-breakpoint
CREATE POLICY user_roles_at_the_gate ON "user_roles" FOR SELECT TO gate USING (true);
--> statement-breakpoint
GRANT SELECT ON "user_roles" TO gate;
