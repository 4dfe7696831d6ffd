-- That something was written at some clients (store/wake.py). Nothing is lost without a flush: who waits for one waits
-- for those of others too.

-- name: wake.tell
SELECT pg_notify(%(channel)s::text, c::text), set_config('synchronous_commit', 'off', true) FROM unnest(%(clients)s::int[]) c
