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
--> statement-breakpoint
-- As before, and forgets besides the events that were kept for a dead letter which has gone since.
CREATE OR REPLACE FUNCTION trim_events(until timestamp with time zone, batch integer) RETURNS integer LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
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
