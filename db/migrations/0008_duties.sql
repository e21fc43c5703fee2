CREATE TABLE "duties" (
	"name" text PRIMARY KEY NOT NULL,
	"tick" timestamp (3) with time zone NOT NULL,
	"holder" text NOT NULL,
	"started_at" timestamp (3) with time zone NOT NULL,
	"finished_at" timestamp (3) with time zone,
	"outcome" text,
	"result" jsonb,
	"error" text
);

--> statement-breakpoint
GRANT SELECT, INSERT, UPDATE ON "duties" TO app;
