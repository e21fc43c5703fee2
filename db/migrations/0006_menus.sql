CREATE TABLE "menus" (
	"id" uuid PRIMARY KEY NOT NULL,
	"tenant_id" uuid,
	"parent_id" uuid,
	"code" text NOT NULL,
	"label" text NOT NULL,
	"icon" text DEFAULT '' NOT NULL,
	"path" text DEFAULT '' NOT NULL,
	"sort_order" integer DEFAULT 0 NOT NULL,
	"required_permission_code" text,
	"is_visible" boolean DEFAULT true NOT NULL,
	"metadata" jsonb DEFAULT '{}'::jsonb NOT NULL,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "menus_code_unique" UNIQUE NULLS NOT DISTINCT("tenant_id","code")
);
--> statement-breakpoint
ALTER TABLE "menus" ADD CONSTRAINT "menus_tenant_id_tenants_id_fk" FOREIGN KEY ("tenant_id") REFERENCES "public"."tenants"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "menus" ADD CONSTRAINT "menus_parent_id_menus_id_fk" FOREIGN KEY ("parent_id") REFERENCES "public"."menus"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "menus_by_parent" ON "menus" USING btree ("parent_id");--> statement-breakpoint
CREATE INDEX "menus_by_permission" ON "menus" USING btree ("required_permission_code");
--> statement-breakpoint
ALTER TABLE "menus" ENABLE ROW LEVEL SECURITY;
--> statement-breakpoint
CREATE POLICY menus_seen ON "menus" FOR SELECT TO app USING (in_sight(tenant_id));
--> statement-breakpoint
CREATE POLICY menus_added ON "menus" FOR INSERT TO app WITH CHECK (in_bucket(tenant_id));
--> statement-breakpoint
CREATE POLICY menus_changed ON "menus" FOR UPDATE TO app USING (in_bucket(tenant_id)) WITH CHECK (in_bucket(tenant_id));
--> statement-breakpoint
CREATE POLICY menus_removed ON "menus" FOR DELETE TO app USING (in_bucket(tenant_id));
--> statement-breakpoint
GRANT SELECT, INSERT, UPDATE, DELETE ON "menus" TO app;
