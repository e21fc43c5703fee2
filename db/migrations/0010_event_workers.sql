CREATE TABLE "event_workers" (
	"consumer" text NOT NULL,
	"holder" text NOT NULL,
	"seen_until" timestamp (3) with time zone NOT NULL,
	CONSTRAINT "event_workers_consumer_holder_pk" PRIMARY KEY("consumer","holder")
);
--> statement-breakpoint
CREATE INDEX "event_dead_letters_to_redrive" ON "event_dead_letters" USING btree ("consumer") WHERE redrive_at is not null;
--> statement-breakpoint
GRANT SELECT, INSERT, UPDATE, DELETE ON "event_workers" TO app;
