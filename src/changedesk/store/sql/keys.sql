-- A client's own keys, newest epoch first: the newest seals, the older ones still open what they sealed. age: for how
-- long this transaction has seen things as it does, in seconds.

-- name: keys.of_client
SELECT purpose, epoch, key_id, wrapped, master, phase,
       extract(epoch FROM clock_timestamp() - transaction_timestamp())::float8 AS age
FROM desk.client_key
WHERE client_id = %(client)s AND purpose NOT IN ('log', 'log_pq') AND phase <> 'destroyed' ORDER BY purpose, epoch DESC

-- New keys: a client's first, or a further epoch. Two that start at once agree on the first one's.

-- name: keys.create
INSERT INTO desk.client_key (client_id, purpose, epoch, key_id, wrapped, master, phase)
SELECT %(client)s, k.purpose, k.epoch, k.key_id, k.wrapped, k.master, %(phase)s::text
FROM unnest(%(purpose)s::text[], %(epochs)s::int[], %(key_id)s::uuid[], %(wrapped)s::bytea[], %(master)s::text[])
    AS k (purpose, epoch, key_id, wrapped, master)
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
