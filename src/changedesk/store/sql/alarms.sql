-- Alarms: raised with the end of an audit that found something, with broken glass, or with a hook that takes nothing, one
-- for each person to be told. Of a hook they are raised again with the next news.

-- name: alarms.raise
INSERT INTO desk.alarm (client_id, run_id, glass_id, hook_id, person, next_at)
SELECT %(client)s, %(run)s::uuid, %(glass)s::uuid, %(hook)s::uuid, p, %(at)s FROM unnest(%(people)s::int[]) AS p
ON CONFLICT (client_id, about, person) DO UPDATE SET state = 'pending', attempts = 0, next_at = EXCLUDED.next_at,
    last_error = NULL, done_at = NULL WHERE desk.alarm.hook_id IS NOT NULL

-- Taken for sending: until the lease ends nobody else takes it, and then it is tried again.

-- name: alarms.claim
UPDATE desk.alarm a SET attempts = a.attempts + 1, next_at = %(lease_until)s
FROM (SELECT about, run_id, glass_id, hook_id, person FROM desk.alarm
      WHERE client_id = %(client)s AND state = 'pending' AND next_at <= %(now)s
      ORDER BY next_at LIMIT %(limit)s FOR UPDATE SKIP LOCKED) due
LEFT JOIN desk.audit_run r ON r.client_id = %(client)s AND r.id = due.run_id
LEFT JOIN desk.break_glass g ON g.client_id = %(client)s AND g.id = due.glass_id
LEFT JOIN desk.hook h ON h.client_id = %(client)s AND h.id = due.hook_id
WHERE a.client_id = %(client)s AND a.about = due.about AND a.person = due.person
RETURNING a.about, a.person, a.attempts, coalesce(r.started_at, g.started_at, h.alarmed_at) AS at, r.fault, r.idx, g.until,
    h.place, h.why

-- name: alarms.finish
UPDATE desk.alarm SET state = %(state)s, last_error = %(error)s, next_at = coalesce(%(retry_at)s::timestamptz, next_at),
    done_at = CASE WHEN %(state)s = 'pending' THEN NULL ELSE %(at)s::timestamptz END
WHERE client_id = %(client)s AND about = %(about)s AND person = %(person)s AND state = 'pending'

-- Who was told of the newest failure of an audit.

-- name: alarms.newest
SELECT a.run_id, a.person, a.state, a.last_error, a.done_at FROM desk.alarm a
WHERE a.client_id = %(client)s AND a.run_id = (
    SELECT r.id FROM desk.audit_run r JOIN desk.alarm x ON x.client_id = r.client_id AND x.run_id = r.id
    WHERE r.client_id = %(client)s ORDER BY r.started_at DESC LIMIT 1)
ORDER BY a.person
