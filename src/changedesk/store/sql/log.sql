-- The sequencer. The row lock on the head is what makes it safe; a second sequencer does not wait for it.

-- name: log.open_head
INSERT INTO desk.log_head (client_id) VALUES (%(client)s) ON CONFLICT DO NOTHING

-- name: log.head
SELECT size, frontier FROM desk.log_head WHERE client_id = %(client)s FOR UPDATE SKIP LOCKED

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
    RETURNING idx, entry_id, leaf_hash
)
SELECT coalesce(p.leaf_hash, e.leaf_hash) AS leaf_hash
FROM placed p LEFT JOIN desk.entry e ON e.client_id = %(client)s AND e.id = p.entry_id ORDER BY p.idx

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


-- Publishing. One publisher a log; the lock is held while its files are written.

-- name: log.claim_publisher
SELECT pg_try_advisory_xact_lock(hashtext('changedesk.publisher'), %(client)s) AS claimed

-- The log's head, and its newest checkpoint, signed or only begun.

-- name: log.standing
SELECT h.size AS head_size, h.frontier, c.size, c.root, c.begun_at, c.note
FROM desk.log_head h
LEFT JOIN LATERAL (SELECT size, root, begun_at, note FROM desk.checkpoint
                   WHERE client_id = h.client_id ORDER BY size DESC LIMIT 1) c ON true
WHERE h.client_id = %(client)s

-- name: log.newest_signed
SELECT size, root, note FROM desk.checkpoint
WHERE client_id = %(client)s AND note IS NOT NULL ORDER BY size DESC LIMIT 1

-- Compare-and-swap: begun from the size that was read, and never beside another one that is not finished.

-- name: log.begin_checkpoint
INSERT INTO desk.checkpoint (client_id, size, root, begun_at)
SELECT %(client)s, %(size)s, %(root)s, %(at)s
WHERE NOT EXISTS (SELECT FROM desk.checkpoint
                  WHERE client_id = %(client)s AND (size > %(was)s::bigint OR note IS NULL AND size >= %(was)s::bigint))

-- name: log.sign_checkpoint
UPDATE desk.checkpoint SET note = %(note)s
WHERE client_id = %(client)s AND size = %(size)s AND root = %(root)s AND note IS NULL

-- The widths that signed checkpoints had in the part of a tile's row that is not yet full.

-- name: log.partial_widths
SELECT DISTINCT ((size >> %(shift)s::int) & 255)::int AS width FROM desk.checkpoint
WHERE client_id = %(client)s AND note IS NOT NULL AND size >= %(since)s AND size <= %(until)s
ORDER BY width

-- The leaf documents' columns by dense index, with the hash that was logged. Each entry, and the one before it, is
-- looked up by its key: whatever the planner believes of the tables, this costs the same.

-- name: log.leaves
SELECT l.idx, e.leaf_hash, e.change_id, e.kind, e.subject_id, e.ver,
       (SELECT b.leaf_hash FROM desk.entry b
        WHERE b.client_id = %(client)s AND b.subject_id = e.subject_id AND b.ver = e.ver - 1) AS prev_leaf,
       e.recorded_at, e.fields_hash, e.meta_hash
FROM desk.log_leaf l
LEFT JOIN LATERAL (SELECT * FROM desk.entry WHERE client_id = %(client)s AND id = l.entry_id OFFSET 0) e ON true
WHERE l.client_id = %(client)s AND l.idx >= %(start)s AND l.idx < %(until)s ORDER BY l.idx

-- name: log.cosignatures
SELECT line FROM desk.cosignature WHERE client_id = %(client)s AND size = %(size)s ORDER BY witness

-- How far a witness has come with a log.

-- name: log.witnessed
SELECT size FROM desk.cosignature
WHERE client_id = %(client)s AND witness = %(witness)s ORDER BY size DESC LIMIT 1

-- name: log.cosign
INSERT INTO desk.cosignature (client_id, size, witness, line) VALUES (%(client)s, %(size)s, %(witness)s, %(line)s)
ON CONFLICT DO NOTHING

-- The installation's own log: a checkpoint is anchored once, and queued for the sequencer like any entry.

-- name: log.anchor
WITH made AS (
    INSERT INTO desk.anchor (client_id, id, log, size, digest)
    VALUES (%(client)s, nextval('desk.entry_id'), %(log)s, %(size)s, %(digest)s)
    ON CONFLICT DO NOTHING RETURNING id
)
INSERT INTO desk.staged (client_id, entry_id, leaf_hash) SELECT %(client)s, id, %(leaf_hash)s FROM made

-- name: log.anchored
SELECT l.idx, l.leaf_hash, a.digest
FROM desk.log_leaf l LEFT JOIN desk.anchor a ON a.client_id = l.client_id AND a.id = l.entry_id
WHERE l.client_id = %(client)s AND l.idx >= %(start)s AND l.idx < %(until)s ORDER BY l.idx

-- The newest checkpoint of a log that the installation's log holds, and its place there.

-- name: log.anchor_of
SELECT l.idx, a.size FROM desk.anchor a
JOIN desk.log_leaf l ON l.client_id = a.client_id AND l.entry_id = a.id
WHERE a.client_id = %(client)s AND a.log = %(log)s AND l.idx < %(until)s ORDER BY a.size DESC LIMIT 1

-- name: log.recent
SELECT size, root, begun_at FROM desk.checkpoint WHERE client_id = %(client)s AND note IS NOT NULL
ORDER BY size DESC LIMIT %(limit)s

-- name: log.note_at
SELECT note FROM desk.checkpoint WHERE client_id = %(client)s AND size = %(size)s

-- The keys that sign the log, oldest first; kept and wrapped as the client's other keys.

-- name: log.keys
SELECT purpose, epoch, key_id, wrapped, master, phase FROM desk.client_key
WHERE client_id = %(client)s AND purpose = ANY(%(purposes)s::text[]) ORDER BY purpose, epoch
