-- The same file by the same map is the batch that there is already.

-- name: batches.start
INSERT INTO desk.batch (client_id, id, map, file_mark, entered_by, started_at)
VALUES (%(client)s, %(id)s, %(map)s, %(file_mark)s, %(by)s, %(at)s)
ON CONFLICT (client_id, map, file_mark) DO NOTHING

-- name: batches.by_file
SELECT * FROM desk.batch WHERE client_id = %(client)s AND map = %(map)s AND file_mark = %(file_mark)s

-- name: batches.one
SELECT * FROM desk.batch WHERE client_id = %(client)s AND id = %(id)s

-- Locked until the end of the transaction, so that two endings follow one another.

-- name: batches.hold
SELECT * FROM desk.batch WHERE client_id = %(client)s AND id = %(id)s FOR NO KEY UPDATE

-- Batches, the newest first: their ids grow with time.

-- name: batches.of_client
SELECT b.*, (SELECT count(*) FROM desk.batch_row r WHERE r.client_id = b.client_id AND r.batch_id = b.id) AS rows
FROM desk.batch b WHERE b.client_id = %(client)s AND b.id < %(before)s::uuid ORDER BY b.id DESC LIMIT %(limit)s

-- name: batches.finish
UPDATE desk.batch SET finished_at = %(at)s, digest = %(digest)s
WHERE client_id = %(client)s AND id = %(id)s AND finished_at IS NULL

-- A row that was recorded by the run before stays as it is.

-- name: batches.record
INSERT INTO desk.batch_row (client_id, batch_id, number, part, outcome, request_id, digest, reasons)
SELECT %(client)s, %(batch)s, r.number, r.part, r.outcome, r.request_id, r.digest, r.reasons
FROM unnest(%(number)s::int[], %(part)s::smallint[], %(outcome)s::text[], %(request_id)s::uuid[], %(digest)s::bytea[],
    %(reasons)s::jsonb[]) AS r (number, part, outcome, request_id, digest, reasons)
ON CONFLICT DO NOTHING

-- Rows with how their requests stand now; what is known of the request is NULL where a row made none.

-- name: batches.rows
SELECT r.number, r.part, r.outcome, r.request_id, r.digest, r.reasons, q.ref, q.state, q.digest AS digest_now,
       q.kind, q.needs_level, q.needs_consent, q.needs_approvals
FROM desk.batch_row r LEFT JOIN desk.request q ON q.client_id = r.client_id AND q.id = r.request_id
WHERE r.client_id = %(client)s AND r.batch_id = %(batch)s AND r.number >= %(first)s
ORDER BY r.number, r.part LIMIT %(limit)s

-- name: batches.approve
INSERT INTO desk.batch_approval (client_id, batch_id, actor, digest, at)
VALUES (%(client)s, %(batch)s, %(by)s, %(digest)s, %(at)s)
ON CONFLICT DO NOTHING

-- name: batches.approvals
SELECT actor, digest, at FROM desk.batch_approval WHERE client_id = %(client)s AND batch_id = %(batch)s ORDER BY at
