-- Audits that were made. Of two workers one begins: the lock is held to the end of the transaction.

-- name: audits.claim
SELECT pg_try_advisory_xact_lock(hashtext('changedesk.audit'), %(client)s) AS claimed

-- name: audits.newest
SELECT id, whole, started_at, finished_at, start, size, findings, fault, idx, change_id, note FROM desk.audit_run
WHERE client_id = %(client)s ORDER BY started_at DESC, id DESC LIMIT %(limit)s

-- name: audits.newest_whole
SELECT started_at FROM desk.audit_run
WHERE client_id = %(client)s AND whole AND finished_at IS NOT NULL AND findings = 0 ORDER BY started_at DESC LIMIT 1

-- name: audits.newest_finished
SELECT id, whole, started_at, finished_at, start, size, findings, fault, idx, change_id, note FROM desk.audit_run
WHERE client_id = %(client)s AND finished_at IS NOT NULL ORDER BY started_at DESC, id DESC LIMIT 1

-- name: audits.begin
INSERT INTO desk.audit_run (client_id, id, whole, started_at) VALUES (%(client)s, %(id)s, %(whole)s, %(at)s)

-- name: audits.end
UPDATE desk.audit_run
SET finished_at = %(at)s, start = %(start)s, size = %(size)s, findings = %(findings)s, fault = %(fault)s, idx = %(idx)s,
    change_id = %(change)s, note = %(note)s
WHERE client_id = %(client)s AND id = %(id)s AND finished_at IS NULL
