-- name: imports.start
INSERT INTO desk.import_run (client_id, id, map, file_hash, started_by, started_at)
VALUES (%(client)s, %(id)s, %(map)s, %(file_hash)s, %(by)s, %(at)s)

-- Counts come on top of those that there are; finished_at with the last of them.

-- name: imports.count
UPDATE desk.import_run SET finished_at = %(finished_at)s, counts = coalesce((
    SELECT jsonb_object_agg(n.name, n.count) FROM (
        SELECT b.key AS name, sum(b.value::bigint) AS count
        FROM (SELECT * FROM jsonb_each_text(counts) UNION ALL SELECT * FROM jsonb_each_text(%(counts)s::jsonb)) b
        GROUP BY b.key) n), '{}')
WHERE client_id = %(client)s AND id = %(id)s AND finished_at IS NULL

-- Runs, the newest first: their ids grow with time.

-- name: imports.of_client
SELECT id, map, file_hash, started_by, started_at, finished_at, counts FROM desk.import_run
WHERE client_id = %(client)s AND id < %(before)s::uuid ORDER BY id DESC LIMIT %(limit)s

-- name: imports.one
SELECT id, map, file_hash, started_by, started_at, finished_at, counts FROM desk.import_run
WHERE client_id = %(client)s AND id = %(id)s

-- Of some source rows, those that were taken in already, and what for.

-- name: imports.known
SELECT row_mac, body_mac, subject_id, part FROM desk.import_row
WHERE client_id = %(client)s AND source = %(source)s AND row_mac = ANY(%(rows)s::bytea[])

-- name: imports.take
INSERT INTO desk.import_row (client_id, source, row_mac, body_mac, subject_id, part)
SELECT %(client)s, %(source)s, r.row_mac, r.body_mac, r.subject_id, r.part
FROM unnest(%(row_mac)s::bytea[], %(body_mac)s::bytea[], %(subject)s::uuid[], %(part)s::uuid[])
    AS r (row_mac, body_mac, subject_id, part)
ON CONFLICT DO NOTHING
