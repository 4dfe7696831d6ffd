-- The client that row security lets a transaction see, set for that transaction only.

-- name: begin.client
SELECT set_config('changedesk.client', %(client)s::int::text, true)
