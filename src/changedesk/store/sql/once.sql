-- A call's keys, each claimed for this transaction, with what is known of it. A second call in flight does not wait:
-- it is told so. A key that another call committed between this snapshot and the lock is missing from what
-- the insert touches.

-- name: once.claim
SELECT k.key_hash, pg_try_advisory_xact_lock(hashtextextended(encode(k.key_hash, 'hex') || %(actor)s, %(client)s)) AS claimed,
       o.body_mac, o.reply
FROM unnest(%(keys)s::bytea[]) AS k (key_hash)
LEFT JOIN desk.once o ON o.client_id = %(client)s AND o.actor = %(actor)s AND o.key_hash = k.key_hash

-- name: once.record
INSERT INTO desk.once (client_id, actor, key_hash, body_mac, reply, recorded_at)
SELECT %(client)s, %(actor)s, o.key_hash, o.body_mac, o.reply, %(at)s
FROM unnest(%(key_hash)s::bytea[], %(body_mac)s::bytea[], %(reply)s::jsonb[]) AS o (key_hash, body_mac, reply)
ON CONFLICT DO NOTHING
