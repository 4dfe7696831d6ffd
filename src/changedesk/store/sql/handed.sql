-- Parts of a file; those that wait already stay.

-- name: handed.add_parts
INSERT INTO desk.file_part (client_id, run_id, number, parts, given_by, sealed)
SELECT %(client)s, %(run)s, p.number, %(parts)s, %(by)s, p.sealed
FROM unnest(%(number)s::int[], %(sealed)s::bytea[]) AS p (number, sealed)
ON CONFLICT DO NOTHING

-- The next part of the file that waits longest: runs' ids grow with time.

-- name: handed.next_part
SELECT run_id, number, parts, given_by, sealed FROM desk.file_part
WHERE client_id = %(client)s ORDER BY run_id, number LIMIT 1

-- A part goes once, with what became of its rows; or all that is left of a file.

-- name: handed.drop_part
DELETE FROM desk.file_part WHERE client_id = %(client)s AND run_id = %(run)s AND number = %(number)s

-- name: handed.drop_file
DELETE FROM desk.file_part WHERE client_id = %(client)s AND run_id = %(run)s

-- How many parts of files are left, and of how many.

-- name: handed.left
SELECT run_id, min(parts) AS parts, count(*) AS left FROM desk.file_part
WHERE client_id = %(client)s AND run_id = ANY(%(runs)s::uuid[]) GROUP BY run_id
