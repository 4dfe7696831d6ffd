-- What opens values to a member of staff, in one look: the callers they verified of late, and the glass that they broke.

-- name: seen.standing
SELECT c.subject_id, c.purpose, c.method, c.contact_path, c.contact_version, c.digest, c.decided_at,
       g.id, g.actor, g.level, g.reason, g.reference, g.started_at, g.until, g.reviewed_by, g.reviewed_at, g.verdict
FROM (SELECT 1) AS once
LEFT JOIN LATERAL (
    SELECT * FROM desk.break_glass b
    WHERE b.client_id = %(client)s AND b.actor = %(actor)s AND b.until > %(at)s AND b.started_at <= %(at)s
    ORDER BY b.level DESC, b.until DESC LIMIT 1) g ON true
LEFT JOIN desk.challenge c
    ON c.client_id = %(client)s AND c.subject_id = ANY(%(people)s::uuid[]) AND c.purpose = 'caller'
    AND c.state = 'confirmed' AND c.started_by = %(actor)s AND c.decided_at > %(since)s

-- Who looked at whom, newest first, by keyset over time: at some records, by one actor, at anybody.

-- name: seen.of_subject
SELECT e.id, e.change_id, e.subject_id, e.ver, e.recorded_at, e.kind, e.actor, e.channel, p.meta_epoch, p.meta_ct
FROM desk.entry e JOIN desk.payload p ON p.client_id = e.client_id AND p.entry_id = e.id
WHERE e.client_id = %(client)s AND e.kind IN ('record.viewed', 'record.searched', 'value.revealed')
  AND e.subject_id = %(subject)s AND (%(actor)s::text IS NULL OR e.actor = %(actor)s)
  AND e.recorded_at >= %(since)s AND e.recorded_at < %(until)s AND (e.recorded_at, e.id) < (%(at)s, %(id)s)
ORDER BY e.recorded_at DESC, e.id DESC LIMIT %(limit)s

-- name: seen.by_actor
SELECT e.id, e.change_id, e.subject_id, e.ver, e.recorded_at, e.kind, e.actor, e.channel, p.meta_epoch, p.meta_ct
FROM desk.entry e JOIN desk.payload p ON p.client_id = e.client_id AND p.entry_id = e.id
WHERE e.client_id = %(client)s AND e.kind IN ('record.viewed', 'record.searched', 'value.revealed', 'glass.broken', 'glass.reviewed')
  AND e.actor = %(actor)s
  AND e.recorded_at >= %(since)s AND e.recorded_at < %(until)s AND (e.recorded_at, e.id) < (%(at)s, %(id)s)
ORDER BY e.recorded_at DESC, e.id DESC LIMIT %(limit)s

-- name: seen.newest
SELECT e.id, e.change_id, e.subject_id, e.ver, e.recorded_at, e.kind, e.actor, e.channel, p.meta_epoch, p.meta_ct
FROM desk.entry e JOIN desk.payload p ON p.client_id = e.client_id AND p.entry_id = e.id
WHERE e.client_id = %(client)s AND e.kind IN ('record.viewed', 'record.searched', 'value.revealed', 'glass.broken', 'glass.reviewed')
  AND e.recorded_at >= %(since)s AND e.recorded_at < %(until)s AND (e.recorded_at, e.id) < (%(at)s, %(id)s)
ORDER BY e.recorded_at DESC, e.id DESC LIMIT %(limit)s

-- The reveals of one actor of late: counted one at a time, so that two at once cannot both be the last one.

-- name: seen.lock_reveals
SELECT pg_advisory_xact_lock(hashtext('changedesk.reveal'), hashtext(%(client)s || %(actor)s))

-- name: seen.revealed_since
SELECT e.recorded_at FROM desk.entry e
WHERE e.client_id = %(client)s AND e.actor = %(actor)s AND e.kind = 'value.revealed' AND e.recorded_at > %(since)s
ORDER BY e.recorded_at DESC

-- name: seen.keep_note
INSERT INTO desk.reveal_note (client_id, change_id, note_ct) VALUES (%(client)s, %(change)s, %(note)s)

-- name: seen.notes_of
SELECT change_id, note_ct FROM desk.reveal_note
WHERE client_id = %(client)s AND change_id = ANY(%(changes)s::uuid[])

-- Everybody who looked at one record: where several who lost something were seen by the same person, that is a lead.

-- name: seen.viewers
SELECT e.actor, min(e.recorded_at) AS first, max(e.recorded_at) AS last, count(*) AS views,
       count(*) FILTER (WHERE e.kind = 'value.revealed') AS reveals
FROM desk.entry e
WHERE e.client_id = %(client)s AND e.kind IN ('record.viewed', 'record.searched', 'value.revealed')
  AND e.subject_id = %(subject)s AND e.recorded_at >= %(since)s
GROUP BY e.actor ORDER BY last DESC, e.actor

-- Broken glass, and its review.

-- name: seen.break_glass
INSERT INTO desk.break_glass (client_id, id, actor, level, reason, reference, started_at, until)
VALUES (%(client)s, %(id)s, %(actor)s, %(level)s, %(reason)s, %(reference)s, %(started_at)s, %(until)s)

-- name: seen.hold_glass
SELECT * FROM desk.break_glass WHERE client_id = %(client)s AND id = %(id)s FOR UPDATE

-- name: seen.review
UPDATE desk.break_glass SET reviewed_by = %(by)s, reviewed_at = %(at)s, verdict = %(verdict)s
WHERE client_id = %(client)s AND id = %(id)s

-- name: seen.unreviewed
SELECT * FROM desk.break_glass WHERE client_id = %(client)s AND reviewed_at IS NULL
ORDER BY started_at LIMIT %(limit)s

-- name: seen.glass
SELECT * FROM desk.break_glass WHERE client_id = %(client)s AND started_at < %(before)s
ORDER BY started_at DESC LIMIT %(limit)s
