-- A client's own keys, newest epoch first: the newest seals, the older ones still open what they sealed.

-- name: keys.of_client
SELECT purpose, epoch, key_id, wrapped FROM desk.client_key
WHERE client_id = %(client)s AND purpose NOT IN ('log', 'log_pq') ORDER BY purpose, epoch DESC

-- A client's first keys. Two that start at once agree on the first one's.

-- name: keys.create_client
INSERT INTO desk.client_key (client_id, purpose, epoch, key_id, wrapped)
SELECT %(client)s, k.purpose, 1, k.key_id, k.wrapped
FROM unnest(%(purpose)s::text[], %(key_id)s::uuid[], %(wrapped)s::bytea[]) AS k (purpose, key_id, wrapped)
ON CONFLICT DO NOTHING

-- The wrapped keys of some subjects; a tombstone comes with wrapped NULL.

-- name: keys.of_subjects
SELECT key_id, subject_id, epoch, wrapped FROM desk.subject_key
WHERE client_id = %(client)s AND subject_id = ANY(%(subjects)s::uuid[])

-- name: keys.create_subjects
INSERT INTO desk.subject_key (client_id, key_id, subject_id, epoch, wrapped)
SELECT %(client)s, k.key_id, k.subject_id, k.epoch, k.wrapped
FROM unnest(%(key_id)s::uuid[], %(subject_id)s::uuid[], %(epoch)s::int[], %(wrapped)s::bytea[])
    AS k (key_id, subject_id, epoch, wrapped)
