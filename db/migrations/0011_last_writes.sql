CREATE TABLE "last_writes" (
	"person_id" uuid PRIMARY KEY NOT NULL,
	"written_at" timestamp (3) with time zone NOT NULL
);
--> statement-breakpoint
ALTER TABLE "last_writes" ADD CONSTRAINT "last_writes_person_id_users_id_fk" FOREIGN KEY ("person_id") REFERENCES "public"."users"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "last_writes" SET (fillfactor = 70);
--> statement-breakpoint
GRANT SELECT, INSERT, UPDATE ON "last_writes" TO app;
--> statement-breakpoint
GRANT SELECT ON "last_writes" TO gate;
