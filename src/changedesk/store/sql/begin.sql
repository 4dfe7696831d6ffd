-- How a transaction starts, with its first statement in one round trip. The client that row security lets it see is set
-- for the transaction only.

-- name: begin.write
BEGIN

-- name: begin.read
BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY

-- name: begin.client
SELECT set_config('changedesk.client', %(client)s::int::text, true)
