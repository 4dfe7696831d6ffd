-- How readers looked in a time, each on one line. A look has something at hand when a request about the record, or by its
-- person, was open around it, or the reader verified its holder as a caller around it.

-- name: readers.looked
SELECT e.actor,
       count(DISTINCT (e.recorded_at AT TIME ZONE %(zone)s)::date) AS days,
       count(*) FILTER (WHERE e.kind <> 'record.searched') AS looks,
       count(DISTINCT e.subject_id) FILTER (WHERE e.kind <> 'record.searched') AS customers,
       count(DISTINCT e.subject_id) FILTER (WHERE e.kind = 'record.searched') AS found,
       count(*) FILTER (WHERE e.kind = 'value.revealed') AS reveals,
       count(*) FILTER (WHERE e.kind <> 'record.searched' AND NOT hand.full) AS unasked
FROM desk.entry e
CROSS JOIN LATERAL (
    SELECT e.kind = 'record.searched' OR EXISTS (
        SELECT FROM desk.request r
        WHERE r.client_id = e.client_id AND r.subject_id = e.subject_id AND r.received_at <= e.recorded_at + interval '1 hour'
          AND (r.state <> ALL(%(ended)s::text[]) OR r.state_at >= e.recorded_at - interval '1 day')
    ) OR EXISTS (
        SELECT FROM desk.request r
        WHERE r.client_id = e.client_id AND r.person_id = e.subject_id AND r.person_id <> r.subject_id
          AND r.received_at <= e.recorded_at + interval '1 hour'
          AND (r.state <> ALL(%(ended)s::text[]) OR r.state_at >= e.recorded_at - interval '1 day')
    ) OR EXISTS (
        SELECT FROM desk.challenge c
        WHERE c.client_id = e.client_id AND c.purpose = 'caller' AND c.started_by = e.actor
          AND c.subject_id = ANY(ARRAY(SELECT e.subject_id UNION ALL SELECT h.customer_id FROM desk.holding h
                                       WHERE h.client_id = e.client_id AND h.account_id = e.subject_id))
          AND c.started_at BETWEEN e.recorded_at - interval '1 hour' AND e.recorded_at + interval '1 hour'
    ) AS full
) hand
WHERE e.client_id = %(client)s AND e.kind IN ('record.viewed', 'record.searched', 'value.revealed')
  AND e.recorded_at >= %(since)s AND e.recorded_at < %(until)s AND e.subject_id <> %(own)s AND e.actor ~ '^[sk][0-9]+$'
GROUP BY e.actor ORDER BY e.actor

-- At which hours of the client's day they looked: in the time, and before it, from which their habit is known.

-- name: readers.hours
SELECT e.actor, extract(hour FROM e.recorded_at AT TIME ZONE %(zone)s)::int AS hour,
       count(*) FILTER (WHERE e.recorded_at >= %(since)s) AS looks,
       count(*) FILTER (WHERE e.recorded_at < %(since)s) AS before
FROM desk.entry e
WHERE e.client_id = %(client)s AND e.kind IN ('record.viewed', 'record.searched', 'value.revealed')
  AND e.recorded_at >= %(habit)s AND e.recorded_at < %(until)s AND e.kind <> 'record.searched'
  AND e.actor ~ '^[sk][0-9]+$'
GROUP BY e.actor, hour

-- How many of those they looked at bear every word of a name: the reader's surname, or a colleague's whole name.

-- name: readers.namesakes
SELECT bearing.actor, bearing.own, count(DISTINCT bearing.subject_id) AS customers
FROM (
    SELECT t.actor, t.own, t.person, looked.subject_id
    FROM (
        SELECT DISTINCT e.actor, e.subject_id FROM desk.entry e
        WHERE e.client_id = %(client)s AND e.kind IN ('record.viewed', 'record.searched', 'value.revealed')
          AND e.kind <> 'record.searched' AND e.recorded_at >= %(since)s AND e.recorded_at < %(until)s
          AND e.actor = ANY(%(readers)s::text[])
    ) looked
    JOIN unnest(%(actor)s::text[], %(own)s::boolean[], %(person)s::text[], %(word)s::text[], %(words)s::int[],
                %(epoch)s::smallint[], %(tag)s::bytea[]) AS t (actor, own, person, word, words, epoch, tag) ON t.actor = looked.actor
    JOIN desk.blind_index b ON b.client_id = %(client)s AND b.field = %(field)s
        AND b.epoch = t.epoch AND b.tag = t.tag AND b.subject_id = looked.subject_id
    GROUP BY t.actor, t.own, t.person, t.words, looked.subject_id
    HAVING count(DISTINCT t.word) = t.words
) bearing
GROUP BY bearing.actor, bearing.own

-- What was certified of readers, newest first: entries of the desk's own record.

-- name: readers.certified
SELECT e.id, e.change_id, e.subject_id, e.ver, e.recorded_at, e.kind, e.actor, e.channel, p.meta_epoch, p.meta_ct
FROM desk.entry e JOIN desk.payload p ON p.client_id = e.client_id AND p.entry_id = e.id
WHERE e.client_id = %(client)s AND e.subject_id = %(own)s AND e.ver IS NULL
  AND e.kind NOT IN ('record.viewed', 'record.searched', 'value.revealed') AND e.kind = 'access.certified'
ORDER BY e.id DESC LIMIT %(limit)s
