-- A call's keys, each claimed for this transaction, in the order given. A second call in flight does not wait: it is told
-- so.

-- name: once.lock
SELECT pg_try_advisory_xact_lock(hashtextextended(encode(k.key_hash, 'hex') || %(actor)s, %(client)s)) AS claimed
FROM unnest(%(keys)s::bytea[]) WITH ORDINALITY AS k (key_hash, place) ORDER BY k.place

-- What is known of them: asked after they were claimed, by a statement of its own, whose snapshot has whatever the call
-- before this one committed. Each key is looked up by itself (LIMIT keeps it so): joined, all that the actor ever kept
-- would be read for one of them.

-- name: once.claim
SELECT k.key_hash, o.body_mac, o.reply
FROM unnest(%(keys)s::bytea[]) AS k (key_hash)
LEFT JOIN LATERAL (SELECT o.body_mac, o.reply FROM desk.once o
                   WHERE o.client_id = %(client)s AND o.actor = %(actor)s AND o.key_hash = k.key_hash LIMIT 1) o ON true

-- The same, and the subjects of the calls that go on, locked in one order until the end of the transaction, in one round
-- trip: a call that is answered already, or is in flight, waits for nobody's lock (a key that is ours already is claimed
-- once more). Rows with a place are keys, the others are subjects.

-- name: once.claim_holding
WITH claim AS MATERIALIZED (
    SELECT k.place, k.subject_id, o.body_mac, o.reply,
           pg_try_advisory_xact_lock(hashtextextended(encode(k.key_hash, 'hex') || %(actor)s, %(client)s)) AS claimed
    FROM unnest(%(keys)s::bytea[], %(subjects)s::uuid[]) WITH ORDINALITY AS k (key_hash, subject_id, place)
    LEFT JOIN LATERAL (SELECT o.body_mac, o.reply FROM desk.once o
                       WHERE o.client_id = %(client)s AND o.actor = %(actor)s AND o.key_hash = k.key_hash LIMIT 1) o
           ON true
), held AS MATERIALIZED (
    SELECT s.id, s.type, s.ver, s.head_leaf, s.key_id, s.state_ct, s.status, s.created_at, s.next_effective_at,
           s.erased_at, k.epoch, k.wrapped
    FROM desk.subject s JOIN desk.subject_key k ON k.client_id = s.client_id AND k.key_id = s.key_id
    WHERE s.client_id = %(client)s AND s.id = ANY(ARRAY(SELECT subject_id FROM claim WHERE claimed AND body_mac IS NULL))
    ORDER BY s.id FOR NO KEY UPDATE OF s
)
SELECT c.place, c.body_mac, c.reply, NULL::uuid AS id, NULL::text AS type, NULL::int AS ver,
       NULL::bytea AS head_leaf, NULL::uuid AS key_id, NULL::bytea AS state_ct, NULL::text AS status,
       NULL::timestamptz AS created_at, NULL::timestamptz AS next_effective_at, NULL::timestamptz AS erased_at,
       NULL::int AS epoch, NULL::bytea AS wrapped
FROM claim c
UNION ALL
SELECT NULL, NULL, NULL, h.* FROM held h

-- name: once.record
INSERT INTO desk.once (client_id, actor, key_hash, body_mac, reply, recorded_at)
SELECT %(client)s, %(actor)s, o.key_hash, o.body_mac, o.reply, %(at)s
FROM unnest(%(key_hash)s::bytea[], %(body_mac)s::bytea[], %(reply)s::jsonb[]) AS o (key_hash, body_mac, reply)
ON CONFLICT DO NOTHING
