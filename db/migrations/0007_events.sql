CREATE TABLE "event_consumers" (
	"name" text NOT NULL,
	"partition" integer NOT NULL,
	"position" bigint DEFAULT 0 NOT NULL,
	"lease" bigint DEFAULT 0 NOT NULL,
	"holder" text,
	"leased_until" timestamp (3) with time zone,
	"attempts" integer DEFAULT 0 NOT NULL,
	"retry_at" timestamp (3) with time zone,
	CONSTRAINT "event_consumers_name_partition_pk" PRIMARY KEY("name","partition")
);
--> statement-breakpoint
CREATE TABLE "event_dead_letters" (
	"consumer" text NOT NULL,
	"position" bigint NOT NULL,
	"attempts" integer NOT NULL,
	"failure" text NOT NULL,
	"failed_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"redrive_at" timestamp (3) with time zone,
	CONSTRAINT "event_dead_letters_consumer_position_pk" PRIMARY KEY("consumer","position")
);
--> statement-breakpoint
CREATE TABLE "event_log" (
	"id" boolean PRIMARY KEY DEFAULT true NOT NULL,
	"epoch" text NOT NULL,
	"first_position" bigint DEFAULT 1 NOT NULL,
	"last_position" bigint DEFAULT 0 NOT NULL,
	CONSTRAINT "event_log_one_row" CHECK (id)
);
--> statement-breakpoint
CREATE TABLE "events" (
	"sequence" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "events_sequence_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"position" bigint,
	"tenant_id" uuid,
	"actor_id" uuid,
	"person_id" uuid,
	"topic" text NOT NULL,
	"target" text NOT NULL,
	"payload" jsonb NOT NULL,
	"request_id" text,
	"traceparent" text,
	"occurred_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "events_position_unique" UNIQUE("position")
);
--> statement-breakpoint
CREATE TABLE "stream_tickets" (
	"hash" "bytea" PRIMARY KEY NOT NULL,
	"user_id" uuid NOT NULL,
	"credential_id" uuid NOT NULL,
	"kind" text NOT NULL,
	"bucket" text NOT NULL,
	"expires_at" timestamp (3) with time zone NOT NULL
);
--> statement-breakpoint
ALTER TABLE "stream_tickets" ADD CONSTRAINT "stream_tickets_user_id_users_id_fk" FOREIGN KEY ("user_id") REFERENCES "public"."users"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "events_unnumbered" ON "events" USING btree ("sequence") WHERE position is null;--> statement-breakpoint
CREATE INDEX "stream_tickets_by_expiry" ON "stream_tickets" USING btree ("expires_at");
--> statement-breakpoint
INSERT INTO "event_log" ("epoch") VALUES (left(md5(gen_random_uuid()::text), 8));
--> statement-breakpoint
-- Writers may add to their own bucket and to what belongs to no tenant; they read nothing. A person's own matters have no
-- tenant, whatever tenant the call was made in.
ALTER TABLE "events" ENABLE ROW LEVEL SECURITY;
--> statement-breakpoint
CREATE POLICY events_added ON "events" FOR INSERT TO app WITH CHECK (position IS NULL AND (tenant_id IS NULL OR in_bucket(tenant_id)));
--> statement-breakpoint
GRANT INSERT ON "events" TO app;
--> statement-breakpoint
-- The streams and consumers of all tenants read as gate, and check each event against the one who is to have it.
CREATE POLICY events_at_the_gate ON "events" FOR SELECT TO gate USING (true);
--> statement-breakpoint
GRANT SELECT ON "events" TO gate;
--> statement-breakpoint
GRANT SELECT ON "event_log" TO app, gate;
--> statement-breakpoint
-- Gives the next positions to rows that have committed since, in the order of recording, and tells the listeners. The
-- row of event_log elects: whoever holds it numbers, the others wait a moment and then see what it did. Returns the
-- last position.
CREATE FUNCTION number_events(batch integer) RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
  head bigint;
  numbered bigint;
BEGIN
  IF NOT EXISTS (SELECT FROM events WHERE position IS NULL) THEN
    RETURN (SELECT last_position FROM event_log);
  END IF;
  SELECT last_position INTO head FROM event_log FOR UPDATE;
  WITH pending AS (
    SELECT sequence, row_number() OVER (ORDER BY sequence) AS step
    FROM (SELECT sequence FROM events WHERE position IS NULL ORDER BY sequence LIMIT batch) AS unnumbered
  )
  UPDATE events SET position = head + pending.step FROM pending WHERE events.sequence = pending.sequence;
  GET DIAGNOSTICS numbered = ROW_COUNT;
  IF numbered > 0 THEN
    UPDATE event_log SET last_position = head + numbered;
    PERFORM pg_notify('tsforge_events', (head + numbered)::text);
  END IF;
  RETURN head + numbered;
END
$$;
--> statement-breakpoint
-- Forgets up to `batch` events that happened before `until`, the oldest first, but none that is still a dead letter; and
-- those that were kept for a dead letter which has gone since. Returns how many.
CREATE FUNCTION trim_events(until timestamp with time zone, batch integer) RETURNS integer LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
  trimmed integer;
  settled integer;
BEGIN
  PERFORM FROM event_log FOR UPDATE;
  DELETE FROM events WHERE events.position IN (
    SELECT kept.position FROM events AS kept
    WHERE kept.position < (SELECT first_position FROM event_log)
      AND NOT EXISTS (SELECT FROM event_dead_letters WHERE event_dead_letters.position = kept.position)
    ORDER BY kept.position LIMIT batch
  );
  GET DIAGNOSTICS settled = ROW_COUNT;
  WITH oldest AS (
    SELECT position, occurred_at FROM events WHERE position >= (SELECT first_position FROM event_log) ORDER BY position LIMIT batch
  ), past AS (
    SELECT position FROM oldest
    WHERE position < coalesce((SELECT min(position) FROM oldest WHERE occurred_at >= until), 9223372036854775807)
  ), moved AS (
    UPDATE event_log SET first_position = past.last + 1 FROM (SELECT max(position) AS last FROM past) AS past
    WHERE past.last IS NOT NULL
  ), gone AS (
    DELETE FROM events USING past WHERE events.position = past.position
      AND NOT EXISTS (SELECT FROM event_dead_letters WHERE event_dead_letters.position = past.position)
  )
  SELECT count(*) INTO trimmed FROM past;
  RETURN trimmed + settled;
END
$$;
--> statement-breakpoint
REVOKE EXECUTE ON FUNCTION number_events(integer), trim_events(timestamp with time zone, integer) FROM PUBLIC;
--> statement-breakpoint
GRANT EXECUTE ON FUNCTION number_events(integer), trim_events(timestamp with time zone, integer) TO app;
--> statement-breakpoint
GRANT SELECT, INSERT, UPDATE, DELETE ON "event_consumers", "event_dead_letters" TO app;
--> statement-breakpoint
GRANT SELECT, INSERT, DELETE ON "stream_tickets" TO app;
