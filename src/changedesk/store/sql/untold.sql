-- Entries that could not be told of: each is tried again, at doubling waits of at most an hour.

-- name: untold.note
INSERT INTO desk.untold (client_id, idx, since, next_at)
SELECT %(client)s, i, %(at)s, %(at)s::timestamptz + interval '1 minute' FROM unnest(%(places)s::bigint[]) AS i
ON CONFLICT (client_id, idx) DO UPDATE SET tries = desk.untold.tries + 1,
    next_at = %(at)s::timestamptz + least(interval '1 minute' * 2 ^ least(desk.untold.tries, 6), interval '1 hour')

-- name: untold.due
SELECT idx FROM desk.untold WHERE client_id = %(client)s AND next_at <= %(now)s
ORDER BY next_at LIMIT %(limit)s FOR UPDATE SKIP LOCKED

-- name: untold.told
DELETE FROM desk.untold WHERE client_id = %(client)s AND idx = ANY(%(places)s::bigint[])

-- name: untold.standing
SELECT count(*) AS entries, min(idx) AS first, min(since) AS since FROM desk.untold WHERE client_id = %(client)s
