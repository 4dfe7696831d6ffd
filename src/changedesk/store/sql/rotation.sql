-- Renewing keys (flow.rotating decides what comes next).

-- Of two workers one goes on: the lock is held to the end of the transaction.

-- name: rotation.claim
SELECT pg_try_advisory_xact_lock(hashtext('changedesk.rotation'), %(client)s) AS claimed

-- Whether every other transaction began so recently that it knows the phases of now.

-- name: rotation.quiet
SELECT NOT EXISTS (
    SELECT FROM pg_stat_activity
    WHERE datname = current_database() AND usename = current_user AND pid <> pg_backend_pid()
      AND xact_start < clock_timestamp() - make_interval(secs => %(seconds)s)) AS quiet

-- name: rotation.running
SELECT purpose, epoch, step, step_at, after_id, todo, done, old, started_by, started_at, finished_at FROM desk.rotation
WHERE client_id = %(client)s AND finished_at IS NULL ORDER BY purpose

-- name: rotation.newest
SELECT purpose, epoch, step, step_at, after_id, todo, done, old, started_by, started_at, finished_at FROM desk.rotation
WHERE client_id = %(client)s ORDER BY started_at DESC, purpose LIMIT %(limit)s

-- name: rotation.begin
INSERT INTO desk.rotation (client_id, purpose, epoch, step, step_at, todo, old, started_by, started_at)
VALUES (%(client)s, %(purpose)s, %(epoch)s, %(step)s, %(at)s, %(todo)s, %(old)s, %(by)s, %(at)s)
ON CONFLICT DO NOTHING

-- name: rotation.advance
UPDATE desk.rotation
SET step = %(step)s, step_at = %(step_at)s, after_id = %(after)s, done = %(done)s, old = %(old)s,
    finished_at = %(finished_at)s
WHERE client_id = %(client)s AND purpose = %(purpose)s AND epoch = %(epoch)s AND finished_at IS NULL

-- A client's keys, every epoch that ever was, without the keys themselves.

-- name: rotation.epochs
SELECT purpose, epoch, master, phase, created_at FROM desk.client_key WHERE client_id = %(client)s
ORDER BY purpose, epoch

-- name: rotation.go_on
UPDATE desk.client_key SET phase = %(phase)s
WHERE client_id = %(client)s AND purpose = %(purpose)s AND epoch = %(epoch)s

-- name: rotation.destroy
UPDATE desk.client_key SET phase = 'destroyed', wrapped = NULL
WHERE client_id = %(client)s AND purpose = %(purpose)s AND epoch < %(epoch)s AND phase = 'leaving'

-- What still stands under older epochs, counted.

-- name: rotation.old_keys
SELECT count(*) AS n FROM desk.subject_key
WHERE client_id = %(client)s AND epoch < %(epoch)s AND wrapped IS NOT NULL

-- name: rotation.old_terms
SELECT count(*) AS n FROM desk.blind_index WHERE client_id = %(client)s AND epoch < %(epoch)s

-- name: rotation.subjects
SELECT count(*) AS n FROM desk.subject WHERE client_id = %(client)s AND erased_at IS NULL

-- Data keys to wrap again. One that somebody else holds is passed over: the count at the end finds it.

-- name: rotation.keys
SELECT key_id, subject_id, epoch, wrapped FROM desk.subject_key
WHERE client_id = %(client)s AND key_id > %(after)s AND epoch < %(epoch)s AND wrapped IS NOT NULL
ORDER BY key_id LIMIT %(limit)s FOR NO KEY UPDATE SKIP LOCKED

-- name: rotation.wrap_again
UPDATE desk.subject_key k SET wrapped = n.wrapped, epoch = %(epoch)s
FROM unnest(%(key_id)s::uuid[], %(wrapped)s::bytea[]) AS n (key_id, wrapped)
WHERE k.client_id = %(client)s AND k.key_id = n.key_id AND k.wrapped IS NOT NULL

-- Records whose terms are to be written again, by id.

-- name: rotation.page
SELECT id FROM desk.subject WHERE client_id = %(client)s AND id > %(after)s AND erased_at IS NULL ORDER BY id LIMIT %(limit)s

-- name: rotation.write_terms
INSERT INTO desk.blind_index (client_id, field, epoch, tag, subject_id)
SELECT %(client)s, t.field, %(epoch)s, t.tag, t.subject_id
FROM unnest(%(field)s::text[], %(tag)s::bytea[], %(subject)s::uuid[]) AS t (field, tag, subject_id)
ON CONFLICT DO NOTHING

-- Terms under older epochs go, field by field: the index leads to them by field and epoch.

-- name: rotation.sweep
WITH RECURSIVE f (field) AS (
    SELECT min(field) FROM desk.blind_index WHERE client_id = %(client)s
    UNION ALL
    SELECT (SELECT min(b.field) FROM desk.blind_index b WHERE b.client_id = %(client)s AND b.field > f.field)
    FROM f WHERE f.field IS NOT NULL
), older (epoch) AS (
    SELECT epoch FROM desk.client_key
    WHERE client_id = %(client)s AND purpose = 'blind' AND epoch < %(epoch)s
), gone AS MATERIALIZED (
    SELECT b.field, b.epoch, b.tag, b.subject_id FROM f CROSS JOIN older o CROSS JOIN LATERAL (
        SELECT field, epoch, tag, subject_id FROM desk.blind_index
        WHERE client_id = %(client)s AND field = f.field AND epoch = o.epoch LIMIT %(limit)s) b
    LIMIT %(limit)s
)
DELETE FROM desk.blind_index b USING gone g
WHERE b.client_id = %(client)s AND b.field = g.field AND b.epoch = g.epoch AND b.tag = g.tag
  AND b.subject_id = g.subject_id

-- What a version of the master wrapped that is not the newest one.

-- name: rotation.wrapped_keys
SELECT purpose, epoch, key_id, wrapped, master FROM desk.client_key
WHERE client_id = %(client)s AND phase <> 'destroyed' AND master <> %(master)s ORDER BY purpose, epoch
FOR NO KEY UPDATE

-- name: rotation.wrap_client_keys
UPDATE desk.client_key k SET wrapped = n.wrapped, master = n.master
FROM unnest(%(purpose)s::text[], %(epochs)s::int[], %(wrapped)s::bytea[], %(master)s::text[])
    AS n (purpose, epoch, wrapped, master)
WHERE k.client_id = %(client)s AND k.purpose = n.purpose AND k.epoch = n.epoch AND k.wrapped IS NOT NULL
