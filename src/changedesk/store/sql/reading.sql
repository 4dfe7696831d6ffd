-- A subject's history, newest first, narrowed to some fields at once (a category has several), with the place of
-- each entry in the log.

-- name: reading.timeline
SELECT e.id, e.change_id, e.subject_id, e.ver, e.recorded_at, e.request_id, e.kind, e.actor, e.channel, e.fields,
       e.leaf_hash, p.key_id, p.ct, p.meta_ct, l.idx
FROM desk.entry e
JOIN desk.payload p ON p.client_id = e.client_id AND p.entry_id = e.id
LEFT JOIN desk.log_leaf l ON l.client_id = e.client_id AND l.entry_id = e.id
WHERE e.client_id = %(client)s AND e.subject_id = %(subject)s AND e.id < %(before)s
  AND (%(kinds)s::text[] IS NULL OR e.kind = ANY(%(kinds)s::text[]))
  AND (%(fields)s::text[] IS NULL OR e.fields && %(fields)s::text[])
  AND (%(channel)s::text IS NULL OR e.channel = %(channel)s::text)
  AND (%(actor)s::text IS NULL OR e.actor = %(actor)s::text)
  AND (%(since)s::timestamptz IS NULL OR e.recorded_at >= %(since)s::timestamptz)
  AND (%(until)s::timestamptz IS NULL OR e.recorded_at < %(until)s::timestamptz)
ORDER BY e.id DESC LIMIT %(limit)s
