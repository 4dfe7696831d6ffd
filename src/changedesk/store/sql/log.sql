-- The sequencer. The advisory lock keeps a second one from waiting in vain; the row lock on the head is what makes
-- it safe.

-- name: log.claim
SELECT pg_try_advisory_xact_lock(hashtext('changedesk.sequencer'), %(client)s) AS claimed

-- name: log.open_head
INSERT INTO desk.log_head (client_id) VALUES (%(client)s) ON CONFLICT DO NOTHING

-- name: log.head
SELECT size, frontier FROM desk.log_head WHERE client_id = %(client)s FOR UPDATE

-- name: log.size
SELECT size, frontier FROM desk.log_head WHERE client_id = %(client)s

-- Staged entries get the next dense places in id order.

-- name: log.take
WITH taken AS (
    DELETE FROM desk.staged s USING (
        SELECT entry_id FROM desk.staged WHERE client_id = %(client)s ORDER BY entry_id LIMIT %(limit)s) next
    WHERE s.client_id = %(client)s AND s.entry_id = next.entry_id
    RETURNING s.entry_id, s.leaf_hash
), placed AS (
    INSERT INTO desk.log_leaf (client_id, idx, entry_id, leaf_hash)
    SELECT %(client)s, %(size)s::bigint + row_number() OVER (ORDER BY entry_id) - 1, entry_id, leaf_hash FROM taken
    RETURNING idx, leaf_hash
)
SELECT leaf_hash FROM placed ORDER BY idx

-- Compare-and-swap on the size: never two roots for one size.

-- name: log.advance
UPDATE desk.log_head SET size = %(size)s, frontier = %(frontier)s WHERE client_id = %(client)s AND size = %(was)s

-- name: log.notify
SELECT pg_notify('changedesk_log', %(payload)s)

-- A consumer's place in the log. Claimed for the transaction, so that two workers do not tell the same thing.

-- name: log.open_cursor
INSERT INTO desk.cursor (client_id, consumer) VALUES (%(client)s, %(consumer)s) ON CONFLICT DO NOTHING

-- name: log.cursor
SELECT next_idx FROM desk.cursor WHERE client_id = %(client)s AND consumer = %(consumer)s FOR UPDATE SKIP LOCKED

-- name: log.cursors
SELECT consumer, next_idx FROM desk.cursor WHERE client_id = %(client)s ORDER BY consumer

-- name: log.move_cursor
UPDATE desk.cursor SET next_idx = %(next)s WHERE client_id = %(client)s AND consumer = %(consumer)s
