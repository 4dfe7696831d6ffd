-- Hooks of a client. A removed one stays for its deliveries, without its address and secrets.

-- name: hooks.add
INSERT INTO desk.hook (client_id, id, sealed, place, events, kinds, full_values, state, draft, created_by, created_at, since)
VALUES (%(client)s, %(id)s, %(sealed)s, %(place)s, %(events)s::text[], %(kinds)s::text[], %(full_values)s, %(state)s,
        %(draft)s, %(by)s, %(at)s, %(at)s)

-- Told is what is recorded from now on: nobody who follows for the first time goes over the whole log.

-- name: hooks.open_place
INSERT INTO desk.cursor (client_id, consumer, next_idx)
VALUES (%(client)s, %(consumer)s, coalesce((SELECT size FROM desk.log_head WHERE client_id = %(client)s), 0))
ON CONFLICT DO NOTHING

-- name: hooks.all
SELECT h.* FROM desk.hook h WHERE h.client_id = %(client)s AND h.state <> 'removed' ORDER BY h.created_at, h.id

-- name: hooks.one
SELECT h.* FROM desk.hook h WHERE h.client_id = %(client)s AND h.id = %(id)s AND h.state <> 'removed'

-- Locked, for whoever changes it; adding one too, so that they are counted one by one.

-- name: hooks.hold
SELECT h.* FROM desk.hook h WHERE h.client_id = %(client)s AND h.id = %(id)s AND h.state <> 'removed' FOR UPDATE

-- name: hooks.lock
SELECT pg_advisory_xact_lock(hashtext('hooks'), %(client)s)

-- name: hooks.change
UPDATE desk.hook SET sealed = %(sealed)s, place = %(place)s, events = %(events)s::text[], kinds = %(kinds)s::text[],
       full_values = %(full_values)s, state = %(state)s, why = %(why)s, failing_since = %(failing_since)s,
       since = %(since)s, draft = %(draft)s
WHERE client_id = %(client)s AND id = %(id)s

-- name: hooks.give_up
UPDATE desk.hook_delivery SET state = 'given_up', error = 'removed', done_at = %(at)s
WHERE client_id = %(client)s AND hook_id = %(id)s AND state = 'waiting'

-- How far the consumer is, asked in every round: most clients have no hook.

-- name: hooks.standing
SELECT (SELECT size FROM desk.log_head WHERE client_id = %(client)s) AS size,
       (SELECT next_idx FROM desk.cursor WHERE client_id = %(client)s AND consumer = %(consumer)s) AS place

-- Hooks that are sent what comes, and whether something is due already.

-- name: hooks.awake
SELECT h.*, EXISTS (
    SELECT FROM desk.hook_delivery d WHERE d.client_id = h.client_id AND d.hook_id = h.id AND d.state = 'waiting'
    AND d.next_at <= %(now)s) AS due
FROM desk.hook h WHERE h.client_id = %(client)s AND h.state = 'on' ORDER BY h.id

-- One delivery for each event and hook that wants it; of what was recorded before a hook was there, none. That somebody was
-- erased is told to each hook that was sent something of them, or is to be, whatever else it wants. As many of a hook as there is room for are taken for sending at once, as hooks.claim does.

-- name: hooks.queue
WITH made AS (
    INSERT INTO desk.hook_delivery AS d (client_id, hook_id, idx, event_id, type, tries, fence, next_at, created_at)
    SELECT q.client_id, q.id, q.idx, q.change_id, q.kind, (q.place <= w.room IS TRUE)::int,
           (q.place <= w.room IS TRUE)::int, CASE WHEN q.place <= w.room THEN %(lease_until)s::timestamptz ELSE %(at)s END,
           %(at)s
    FROM (SELECT h.client_id, h.id, l.idx, e.change_id, e.kind,
                 row_number() OVER (PARTITION BY h.id ORDER BY l.idx) AS place
          FROM desk.hook h
          JOIN desk.log_leaf l ON l.client_id = h.client_id AND l.idx >= %(start)s AND l.idx < %(until)s
          JOIN desk.entry e ON e.client_id = l.client_id AND e.id = l.entry_id
          LEFT JOIN desk.request r ON r.client_id = e.client_id AND r.id = e.request_id
          WHERE h.client_id = %(client)s AND h.state NOT IN ('draft', 'removed') AND e.recorded_at >= h.since
            AND (((h.events = '{}' OR e.kind = ANY(h.events)) AND (h.kinds = '{}' OR r.kind = ANY(h.kinds)))
                 OR (e.kind = 'erasure.confirmed' AND (
                     EXISTS (SELECT FROM desk.hook_told t
                             WHERE t.client_id = h.client_id AND t.subject_id = e.subject_id AND t.hook_id = h.id)
                     OR EXISTS (SELECT FROM desk.entry s
                                JOIN desk.log_leaf sl ON sl.client_id = s.client_id AND sl.entry_id = s.id
                                JOIN desk.hook_delivery sd ON sd.client_id = s.client_id AND sd.hook_id = h.id
                                     AND sd.idx = sl.idx
                                WHERE s.client_id = e.client_id AND s.subject_id = e.subject_id))))) q
    LEFT JOIN unnest(%(hook)s::uuid[], %(room)s::int[]) AS w (hook, room) ON w.hook = q.id
    ON CONFLICT (client_id, hook_id, idx) DO NOTHING
    RETURNING d.*)
SELECT * FROM made WHERE tries = 1

-- name: hooks.test
INSERT INTO desk.hook_delivery (client_id, id, hook_id, event_id, type, next_at, created_at)
VALUES (%(client)s, %(id)s, %(hook)s, %(event)s, %(type)s, %(at)s, %(at)s)

-- Taken for sending: until the lease ends nobody else takes it, and then it is tried again under the same event's id.

-- name: hooks.claim
WITH due AS MATERIALIZED (
    SELECT q.id FROM unnest(%(hook)s::uuid[], %(room)s::int[]) AS w (hook, room)
    CROSS JOIN LATERAL (
        SELECT d.id FROM desk.hook_delivery d
        WHERE d.client_id = %(client)s AND d.hook_id = w.hook AND d.state = 'waiting' AND d.next_at <= %(now)s
        ORDER BY d.next_at LIMIT w.room FOR UPDATE SKIP LOCKED) q)
UPDATE desk.hook_delivery d SET tries = d.tries + 1, fence = d.fence + 1, next_at = %(lease_until)s
FROM due WHERE d.client_id = %(client)s AND d.id = due.id
RETURNING d.*

-- What became of tries; of one whose lease had run out and that another sender has by now, nothing.

-- name: hooks.finish
UPDATE desk.hook_delivery d
SET state = f.state, next_at = coalesce(f.next_at, d.next_at), code = f.code, error = f.error,
    done_at = CASE WHEN f.state = 'waiting' THEN NULL ELSE %(at)s::timestamptz END
FROM unnest(%(id)s::uuid[], %(fence)s::bigint[], %(state)s::text[], %(next_at)s::timestamptz[], %(code)s::int[],
            %(error)s::text[]) AS f (id, fence, state, next_at, code, error)
WHERE d.client_id = %(client)s AND d.id = f.id AND d.fence = f.fence AND d.state = 'waiting'

-- What left the house of whom, in an order that two senders share; nothing of the desk's own record, which is nobody's.

-- name: hooks.told
INSERT INTO desk.hook_told AS t (client_id, subject_id, hook_id, place, clear, fields, first_at, last_at, times)
SELECT %(client)s, s.subject_id, s.hook, s.place, s.clear,
       ARRAY(SELECT DISTINCT f FROM unnest(string_to_array(s.said, ' ')) f WHERE f <> '' ORDER BY f), %(at)s, %(at)s, s.times
FROM (SELECT e.subject_id, g.hook, g.place, g.clear, string_agg(e.fields, ' ') AS said,
             count(*) FILTER (WHERE g.taken) AS times
      FROM unnest(%(hook)s::uuid[], %(place)s::text[], %(clear)s::boolean[], %(idx)s::bigint[], %(taken)s::boolean[])
           AS g (hook, place, clear, idx, taken)
      JOIN desk.log_leaf l ON l.client_id = %(client)s AND l.idx = g.idx
      JOIN desk.entry e ON e.client_id = l.client_id AND e.id = l.entry_id
      WHERE e.subject_id <> %(own)s
      GROUP BY 1, 2, 3, 4) s
ORDER BY s.subject_id, s.hook, s.place, s.clear
ON CONFLICT (client_id, subject_id, hook_id, place, clear) DO UPDATE SET
    last_at = greatest(t.last_at, excluded.last_at), times = t.times + excluded.times,
    fields = CASE WHEN t.fields @> excluded.fields THEN t.fields
                  ELSE ARRAY(SELECT DISTINCT f FROM unnest(t.fields || excluded.fields) f ORDER BY f) END

-- name: hooks.told_of
SELECT t.hook_id, t.place, t.clear, t.fields, t.first_at, t.last_at, t.times FROM desk.hook_told t
WHERE t.client_id = %(client)s AND t.subject_id = %(subject)s ORDER BY t.first_at, t.hook_id, t.place, t.clear

-- A hook took something, or did not; said only where that is news.

-- name: hooks.fared
UPDATE desk.hook h SET failing_since = CASE WHEN w.well THEN NULL ELSE %(at)s::timestamptz END
FROM unnest(%(hook)s::uuid[], %(well)s::boolean[]) AS w (hook, well)
WHERE h.client_id = %(client)s AND h.id = w.hook AND (h.failing_since IS NULL) <> w.well

-- name: hooks.disable
UPDATE desk.hook SET state = 'disabled', why = CASE WHEN %(gone)s::boolean THEN 'gone' ELSE 'failing' END
WHERE client_id = %(client)s AND id = %(id)s AND state = 'on'
  AND (%(gone)s::boolean OR failing_since < %(before)s::timestamptz)
RETURNING place, why

-- People are told of one hook at most once a day, unless it was disabled.

-- name: hooks.alarmed
UPDATE desk.hook SET alarmed_at = %(at)s
WHERE client_id = %(client)s AND id = %(id)s
  AND (%(anyway)s::boolean OR alarmed_at IS NULL OR alarmed_at < %(before)s::timestamptz)

-- name: hooks.deliveries
SELECT d.* FROM desk.hook_delivery d
WHERE d.client_id = %(client)s AND d.hook_id = %(hook)s AND (d.created_at, d.id) < (%(before)s, %(last)s::uuid)
  AND (%(state)s::text = '' OR d.state = %(state)s::text)
ORDER BY d.created_at DESC, d.id DESC LIMIT %(limit)s

-- Where a page of deliveries goes on.

-- name: hooks.place_of
SELECT d.created_at FROM desk.hook_delivery d
WHERE d.client_id = %(client)s AND d.hook_id = %(hook)s AND d.id = %(id)s

-- A person sends one again: at once, and with all its tries.

-- name: hooks.again
UPDATE desk.hook_delivery SET state = 'waiting', tries = 0, fence = fence + 1, next_at = %(at)s, error = '', done_at = NULL
WHERE client_id = %(client)s AND hook_id = %(hook)s AND id = %(id)s
RETURNING idx, event_id, type

-- A person sends again what failed in a time, or all that was tried: the oldest first, and no test.

-- name: hooks.again_range
WITH those AS MATERIALIZED (
    SELECT d.id FROM desk.hook_delivery d
    WHERE d.client_id = %(client)s AND d.hook_id = %(hook)s AND d.idx IS NOT NULL
      AND (d.created_at, d.id) > (%(since)s, %(after)s::uuid) AND d.created_at < %(until)s
      AND (d.state = 'given_up' OR d.error <> '' OR (d.state = 'sent' AND NOT %(failed)s::boolean))
    ORDER BY d.created_at, d.id LIMIT %(limit)s)
UPDATE desk.hook_delivery d SET state = 'waiting', tries = 0, fence = d.fence + 1, next_at = %(at)s, error = '', done_at = NULL
FROM those WHERE d.client_id = %(client)s AND d.id = those.id
RETURNING d.id, d.created_at

-- name: hooks.counts
SELECT d.hook_id, count(*) FILTER (WHERE d.state = 'waiting') AS waiting,
       count(*) FILTER (WHERE d.state = 'given_up') AS given_up
FROM desk.hook_delivery d WHERE d.client_id = %(client)s AND d.state IN ('waiting', 'given_up') GROUP BY 1

-- What is old goes, a piece at a time.

-- name: hooks.sweep
DELETE FROM desk.hook_delivery d USING (
    SELECT id FROM desk.hook_delivery WHERE client_id = %(client)s AND created_at < %(before)s
    ORDER BY created_at LIMIT %(limit)s) old
WHERE d.client_id = %(client)s AND d.id = old.id
