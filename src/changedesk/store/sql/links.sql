-- Where merged records lead now.

-- name: links.of_merged
SELECT * FROM desk.link WHERE client_id = %(client)s AND merged_id = ANY(%(merged)s::uuid[]) AND until IS NULL

-- Where a record leads now, and all that was ever merged into it, the oldest first.

-- name: links.around
SELECT * FROM desk.link WHERE client_id = %(client)s AND merged_id = %(subject)s AND until IS NULL
UNION ALL
SELECT * FROM desk.link WHERE client_id = %(client)s AND survivor_id = %(subject)s
ORDER BY since, id

-- All that is merged into a record now, step by step: a chain of merges has an end (guards.sql).

-- name: links.family
WITH RECURSIVE f (id, far) AS (
    SELECT merged_id, 1 FROM desk.link
    WHERE client_id = %(client)s AND survivor_id = %(survivor)s AND until IS NULL
    UNION ALL
    SELECT l.merged_id, f.far + 1 FROM f
    JOIN desk.link l ON l.client_id = %(client)s AND l.survivor_id = f.id AND l.until IS NULL
)
SELECT id FROM f ORDER BY far, id

-- name: links.by_id
SELECT * FROM desk.link WHERE client_id = %(client)s AND id = %(id)s

-- name: links.begin
INSERT INTO desk.link (client_id, id, merged_id, survivor_id, survivor_change, request_id, since)
VALUES (%(client)s, %(id)s, %(merged)s, %(survivor)s, %(survivor_change)s, %(request)s, %(since)s)

-- name: links.end
UPDATE desk.link SET until = %(until)s, undo_request_id = %(request)s, undo_change = %(change)s
WHERE client_id = %(client)s AND id = %(id)s AND until IS NULL

-- Ends holdings that stand, one by one; those that ended meanwhile are missing from the answer.

-- name: links.end_holdings
UPDATE desk.holding h SET until = %(until)s
FROM unnest(%(account)s::uuid[], %(customer)s::uuid[], %(role)s::text[]) AS e (account_id, customer_id, role)
WHERE h.client_id = %(client)s AND h.account_id = e.account_id AND h.customer_id = e.customer_id AND h.role = e.role
  AND h.until IS NULL
RETURNING h.account_id, h.customer_id, h.role, h.since, h.until

-- name: links.begin_holdings
INSERT INTO desk.holding (client_id, account_id, customer_id, role, since)
SELECT %(client)s, h.account_id, h.customer_id, h.role, %(since)s
FROM unnest(%(account)s::uuid[], %(customer)s::uuid[], %(role)s::text[]) AS h (account_id, customer_id, role)
ON CONFLICT DO NOTHING
RETURNING account_id, customer_id, role, since, until

-- A holding that stands, locked: a transfer ends it, and a merge may want to move it at the same moment.

-- name: links.hold_holding
SELECT account_id, customer_id, role, since, until FROM desk.holding
WHERE client_id = %(client)s AND account_id = %(account)s AND customer_id = %(customer)s AND until IS NULL
FOR NO KEY UPDATE

-- The open requests about a record, or of a customer for their accounts: what a merge closes.

-- name: links.pending
SELECT id FROM desk.request
WHERE client_id = %(client)s AND (subject_id = %(subject)s OR person_id = %(subject)s)
  AND state NOT IN ('applied', 'rejected', 'withdrawn', 'cancelled', 'expired', 'failed')
ORDER BY id

-- The same, locked: those that somebody is acting on at this moment are missing from the answer. Waiting for them here,
-- with a request locked already, could be waiting in a circle.

-- name: links.hold_pending
SELECT id FROM desk.request
WHERE client_id = %(client)s AND (subject_id = %(subject)s OR person_id = %(subject)s)
  AND state NOT IN ('applied', 'rejected', 'withdrawn', 'cancelled', 'expired', 'failed')
ORDER BY id FOR NO KEY UPDATE SKIP LOCKED

-- name: links.ask_new_holder
INSERT INTO desk.transfer (client_id, request_id, digest, account_id, from_id, to_id, asked_at)
VALUES (%(client)s, %(request)s, %(digest)s, %(account)s, %(from_)s, %(to)s, %(at)s)
ON CONFLICT DO NOTHING

-- name: links.list_work
INSERT INTO desk.unmerge_work (client_id, link_id, what, why, at)
SELECT %(client)s, %(link)s, w.what, w.why, %(at)s
FROM unnest(%(what)s::text[], %(why)s::text[]) AS w (what, why)
ON CONFLICT DO NOTHING

-- name: links.work_open
SELECT w.link_id, w.what, w.why, w.at, l.merged_id, l.survivor_id
FROM desk.unmerge_work w JOIN desk.link l ON l.client_id = w.client_id AND l.id = w.link_id
WHERE w.client_id = %(client)s AND w.settled_at IS NULL
ORDER BY w.at, w.link_id, w.what LIMIT %(limit)s

-- name: links.settle
UPDATE desk.unmerge_work SET settled_at = %(at)s, settled_by = %(by)s
WHERE client_id = %(client)s AND link_id = %(link)s AND what = %(what)s AND settled_at IS NULL
