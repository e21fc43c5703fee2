CREATE TABLE "flags" (
	"name" text PRIMARY KEY NOT NULL,
	"value" jsonb,
	"rules" jsonb NOT NULL,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp (3) with time zone DEFAULT now() NOT NULL
);

--> statement-breakpoint
-- All tenants share the flags, so only work in the global bucket changes them.
ALTER TABLE "flags" ENABLE ROW LEVEL SECURITY;
--> statement-breakpoint
CREATE POLICY flags_seen ON "flags" FOR SELECT TO app USING (true);
--> statement-breakpoint
CREATE POLICY flags_written ON "flags" TO app USING (in_bucket(NULL)) WITH CHECK (in_bucket(NULL));
--> statement-breakpoint
GRANT SELECT, INSERT, UPDATE, DELETE ON "flags" TO app;
