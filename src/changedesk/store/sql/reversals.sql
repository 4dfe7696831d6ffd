-- Everything of one actor in a time, oldest first: of what was asked for, whoever entered it counts; else whoever wrote it.

-- name: reversals.changes
SELECT e.id, e.change_id, e.subject_id, e.ver, e.recorded_at, e.kind
FROM desk.entry e LEFT JOIN desk.request r ON r.client_id = e.client_id AND r.id = e.request_id
WHERE e.client_id = %(client)s AND e.ver IS NOT NULL
  AND e.recorded_at >= %(since)s::timestamptz AND e.recorded_at < %(until)s::timestamptz
  AND coalesce(r.entered_by, e.actor) = %(whose)s
ORDER BY e.id LIMIT %(limit)s

-- name: reversals.start
INSERT INTO desk.reversal (client_id, id, whose, since, until, reason, force, handed)
VALUES (%(client)s, %(id)s, %(whose)s, %(since)s, %(until)s, %(reason)s, %(force)s, %(handed)s)

-- name: reversals.plan
INSERT INTO desk.reversal_row (client_id, reversal_id, number, subject_id, kind, first_ver, changes)
SELECT %(client)s, %(reversal)s, r.number, r.subject_id, r.kind, r.first_ver, string_to_array(r.changes, ' ')::uuid[]
FROM unnest(%(number)s::int[], %(subject_id)s::uuid[], %(kind)s::text[], %(first_ver)s::int[],
            %(changes)s::text[]) AS r (number, subject_id, kind, first_ver, changes)

-- name: reversals.one
SELECT * FROM desk.reversal WHERE client_id = %(client)s AND id = %(id)s

-- The rows of a plan, in order, a page of them.

-- name: reversals.rows
SELECT number, subject_id, kind, first_ver, changes FROM desk.reversal_row
WHERE client_id = %(client)s AND reversal_id = %(reversal)s AND number >= %(first)s ORDER BY number LIMIT %(limit)s

-- name: reversals.of_client
SELECT v.*, b.entered_by, b.started_at, b.finished_at
FROM desk.reversal v JOIN desk.batch b ON b.client_id = v.client_id AND b.id = v.id
WHERE v.client_id = %(client)s AND v.id < %(before)s::uuid ORDER BY v.id DESC LIMIT %(limit)s

-- The oldest one that was handed to the worker and has not come to its end.

-- name: reversals.handed
SELECT v.id, b.entered_by
FROM desk.reversal v JOIN desk.batch b ON b.client_id = v.client_id AND b.id = v.id
WHERE v.client_id = %(client)s AND v.handed AND b.finished_at IS NULL ORDER BY v.id LIMIT 1

-- name: reversals.size
SELECT count(*) AS rows FROM desk.reversal_row WHERE client_id = %(client)s AND reversal_id = %(reversal)s
