-- The entries of an evidence bundle, with what gives back their leaf documents and opens their commitments, in order.
-- Each row is looked up by its key: whatever the planner believes of the tables, this costs the same.

-- name: bundles.entries
SELECT e.id, e.change_id, e.subject_id, e.ver, e.recorded_at, e.request_id, e.kind, e.actor, e.channel, e.fields,
       e.fields_hash, e.meta_hash,
       (SELECT b.leaf_hash FROM desk.entry b
        WHERE b.client_id = %(client)s AND b.subject_id = e.subject_id AND b.ver = e.ver - 1) AS prev_leaf,
       e.leaf_hash, p.meta_epoch, p.ct, p.meta_ct, l.idx
FROM desk.entry e
JOIN LATERAL (SELECT * FROM desk.payload WHERE client_id = %(client)s AND entry_id = e.id OFFSET 0) p ON true
JOIN LATERAL (SELECT idx FROM desk.log_leaf WHERE client_id = %(client)s AND entry_id = e.id OFFSET 0) l ON true
WHERE e.client_id = %(client)s AND e.id = ANY(%(entries)s::bigint[]) AND l.idx < %(size)s ORDER BY l.idx

-- What a bundle is about, by id, oldest first: some records whole, a request, or what anybody (or one actor) did in a
-- period. A period is read by its ids, which follow the time but for entries of one moment.

-- name: bundles.of_records
SELECT e.id FROM desk.entry e
WHERE e.client_id = %(client)s AND e.subject_id = ANY(%(subjects)s::uuid[]) ORDER BY e.id LIMIT %(limit)s

-- name: bundles.of_request
SELECT e.id FROM desk.entry e
WHERE e.client_id = %(client)s AND e.request_id = %(request)s ORDER BY e.id LIMIT %(limit)s

-- name: bundles.of_period
SELECT e.id FROM desk.entry e
WHERE e.client_id = %(client)s AND e.recorded_at >= %(since)s AND e.recorded_at < %(until)s
  AND (%(actor)s::text IS NULL OR e.actor = %(actor)s::text)
ORDER BY e.id LIMIT %(limit)s

-- Bundles that left the house, each with what opens the entry that says so.

-- name: bundles.take
INSERT INTO desk.bundle (client_id, change_id, id, taken_by, taken_at)
VALUES (%(client)s, %(change)s, %(id)s, %(by)s, %(at)s)

-- name: bundles.taken
SELECT b.id, b.change_id, b.taken_by, b.taken_at, e.subject_id, e.ver, p.meta_epoch, p.meta_ct
FROM desk.bundle b
JOIN desk.entry e ON e.client_id = b.client_id AND e.change_id = b.change_id
JOIN desk.payload p ON p.client_id = e.client_id AND p.entry_id = e.id
WHERE b.client_id = %(client)s AND b.change_id < %(before)s::uuid ORDER BY b.change_id DESC LIMIT %(limit)s

-- name: bundles.one
SELECT b.id, b.change_id, b.taken_by, b.taken_at, e.subject_id, e.ver, p.meta_epoch, p.meta_ct
FROM desk.bundle b
JOIN desk.entry e ON e.client_id = b.client_id AND e.change_id = b.change_id
JOIN desk.payload p ON p.client_id = e.client_id AND p.entry_id = e.id
WHERE b.client_id = %(client)s AND b.id = %(id)s

-- Bundles that the worker makes.

-- name: bundles.ask
INSERT INTO desk.bundle_asked (client_id, id, asked_by, asked_at, state, asked, ends_at)
VALUES (%(client)s, %(id)s, %(by)s, %(at)s, 'waiting', %(asked)s, %(ends_at)s)

-- The one that waits longest: ids grow with time.

-- name: bundles.next_asked
SELECT id, asked_by, asked FROM desk.bundle_asked
WHERE client_id = %(client)s AND state = 'waiting' ORDER BY id LIMIT 1

-- name: bundles.keep
UPDATE desk.bundle_asked SET state = 'ready', subjects = %(subjects)s::uuid[], bundle_id = %(bundle)s, file = %(file)s
WHERE client_id = %(client)s AND id = %(id)s AND state = 'waiting'

-- name: bundles.refuse
UPDATE desk.bundle_asked SET state = 'refused', code = %(code)s
WHERE client_id = %(client)s AND id = %(id)s AND state = 'waiting'

-- One person's own, newest first; what is read of them is no file.

-- name: bundles.asked_by
SELECT id, asked_by, asked_at, state, asked, code, ends_at FROM desk.bundle_asked
WHERE client_id = %(client)s AND asked_by = %(by)s ORDER BY id DESC

-- Handed over once.

-- name: bundles.fetch
DELETE FROM desk.bundle_asked WHERE client_id = %(client)s AND id = %(id)s AND asked_by = %(by)s AND state = 'ready'
RETURNING bundle_id, file

-- Those whose time is over; and finished ones about somebody who is being forgotten.

-- name: bundles.drop_ended
DELETE FROM desk.bundle_asked WHERE client_id = %(client)s AND ends_at <= %(at)s

-- name: bundles.forget
DELETE FROM desk.bundle_asked WHERE client_id = %(client)s AND subjects @> ARRAY[%(subject)s::uuid]
