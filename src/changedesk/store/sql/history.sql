-- The one statement that writes history: it moves the subjects from the version that the caller saw, and writes
-- entries, sealed payloads, the blind index and the sequencer's queue with it. A subject that moved meanwhile
-- takes none of its entries along. The subject row is locked before the sequence value is taken, so that the ids
-- of one subject's entries follow its versions. Whether a subject moved is asked of a hash (IN within an OR, or IS TRUE):
-- a join would be planned for few rows and compare every row with every other.

-- name: history.append
WITH move AS (
    SELECT * FROM unnest(%(m_subject)s::uuid[], %(m_expected)s::int[], %(m_target)s::int[], %(m_head)s::bytea[],
                         %(m_state)s::bytea[], %(m_status)s::text[], %(m_next)s::timestamptz[])
        AS m (subject_id, expected, target, head_leaf, state_ct, status, next_at)
), moved AS (
    UPDATE desk.subject s
    SET ver = m.target, head_leaf = m.head_leaf, state_ct = m.state_ct, status = m.status, next_effective_at = m.next_at
    FROM move m
    WHERE s.client_id = %(client)s AND s.id = m.subject_id AND s.ver = m.expected
      AND (s.erased_at IS NULL OR m.state_ct IS NULL)
    RETURNING s.id
), item AS (
    SELECT nextval('desk.entry_id') AS id, o.* FROM (
        SELECT i.* FROM unnest(
            %(change_id)s::uuid[], %(subject_id)s::uuid[], %(ver)s::int[], %(at)s::timestamptz[], %(request_id)s::uuid[],
            %(kind)s::text[], %(actor)s::text[], %(channel)s::text[], %(fields)s::text[], %(fields_hash)s::bytea[],
            %(meta_hash)s::bytea[], %(leaf)s::bytea[], %(ct)s::bytea[], %(meta_ct)s::bytea[], %(fresh)s::boolean[])
            WITH ORDINALITY AS i (change_id, subject_id, ver, recorded_at, request_id, kind, actor, channel, fields,
                                  fields_hash, meta_hash, leaf_hash, ct, meta_ct, fresh, place)
        WHERE i.ver IS NULL OR i.fresh OR i.subject_id IN (SELECT id FROM moved)
        ORDER BY i.place) o
), entries AS (
    INSERT INTO desk.entry (client_id, id, change_id, subject_id, ver, recorded_at, request_id, kind, actor, channel,
                            fields, fields_hash, meta_hash, leaf_hash)
    SELECT %(client)s, id, change_id, subject_id, ver, recorded_at, request_id, kind, actor, channel, fields,
           fields_hash, meta_hash, leaf_hash
    FROM item
), payloads AS (
    INSERT INTO desk.payload (client_id, entry_id, meta_epoch, ct, meta_ct)
    SELECT %(client)s, id, %(meta_epoch)s, ct, meta_ct FROM item
), queue AS (
    INSERT INTO desk.staged (client_id, entry_id) SELECT %(client)s, id FROM item
), lost AS (
    DELETE FROM desk.blind_index b
    USING unnest(%(lost_subject)s::uuid[], %(lost_field)s::text[], %(lost_epoch)s::smallint[], %(lost_tag)s::bytea[])
        AS l (subject_id, field, epoch, tag)
    WHERE (l.subject_id IN (SELECT id FROM moved)) IS TRUE AND b.client_id = %(client)s AND b.field = l.field
      AND b.epoch = l.epoch AND b.tag = l.tag AND b.subject_id = l.subject_id
), found AS (
    INSERT INTO desk.blind_index (client_id, field, epoch, tag, subject_id)
    SELECT %(client)s, f.field, f.epoch, f.tag, f.subject_id
    FROM unnest(%(found_subject)s::uuid[], %(found_field)s::text[], %(found_epoch)s::smallint[], %(found_tag)s::bytea[],
                %(found_fresh)s::boolean[]) AS f (subject_id, field, epoch, tag, fresh)
    WHERE f.fresh OR f.subject_id IN (SELECT id FROM moved)
    ON CONFLICT DO NOTHING
), answers AS (
    -- Answers of calls that are told of with what they wrote: a key that another call used meanwhile stops all of it.
    INSERT INTO desk.once (client_id, actor, key_hash, body_mac, reply, recorded_at)
    SELECT %(client)s, %(once_actor)s, o.key_hash, o.body_mac, o.reply, %(once_at)s
    FROM unnest(%(once_key)s::bytea[], %(once_body)s::bytea[], %(once_reply)s::jsonb[]) AS o (key_hash, body_mac, reply)
)
SELECT id, change_id FROM item

-- A subject's history, newest first, by keyset, narrowed to some fields at once (a category has several), with the
-- place of each entry in the log. An absent filter is NULL. Changes come by version (history.version_before), observations
-- by id. Looking is no part of it: who looked is asked of seen.of_subject.

-- name: history.timeline
WITH wanted AS NOT MATERIALIZED (
    SELECT e.id, e.change_id, e.subject_id, e.ver, e.recorded_at, e.request_id, e.kind, e.actor, e.channel, e.fields,
           e.leaf_hash
    FROM desk.entry e
    WHERE e.client_id = %(client)s AND e.subject_id = %(subject)s
      AND (%(kinds)s::text[] IS NULL OR e.kind = ANY(%(kinds)s::text[]))
      AND (%(fields)s::text[] IS NULL OR string_to_array(e.fields, ' ') && %(fields)s::text[])
      AND (%(channel)s::text IS NULL OR e.channel = %(channel)s::text)
      AND (%(actor)s::text IS NULL OR e.actor = %(actor)s::text)
      AND (%(since)s::timestamptz IS NULL OR e.recorded_at >= %(since)s::timestamptz)
      AND (%(until)s::timestamptz IS NULL OR e.recorded_at < %(until)s::timestamptz)
), found AS (
    (SELECT * FROM wanted WHERE ver <= %(newest)s::int ORDER BY ver DESC LIMIT %(limit)s)
    UNION ALL
    (SELECT * FROM wanted WHERE ver IS NULL AND kind NOT IN ('record.viewed', 'record.searched', 'value.revealed')
        AND id < %(before)s::bigint ORDER BY id DESC LIMIT %(limit)s)
)
SELECT e.*, p.meta_epoch, p.ct, p.meta_ct, l.idx
FROM (SELECT * FROM found ORDER BY id DESC LIMIT %(limit)s) e
JOIN desk.payload p ON p.client_id = %(client)s AND p.entry_id = e.id
LEFT JOIN desk.log_leaf l ON l.client_id = %(client)s AND l.entry_id = e.id
ORDER BY e.id DESC

-- The newest version of a subject ahead of an entry's id, 0 where there is none: ids of one subject follow its versions,
-- so it is found by halving. A join would read the record whole at every step: a LATERAL of one row does not.

-- name: history.version_before
WITH RECURSIVE place (low, high) AS (
    SELECT 0, s.ver FROM desk.subject s WHERE s.client_id = %(client)s AND s.id = %(subject)s
    UNION ALL
    SELECT CASE WHEN e.older THEN e.ver ELSE p.low END, CASE WHEN e.older THEN p.high ELSE e.ver - 1 END
    FROM place p CROSS JOIN LATERAL (
        SELECT e.ver, e.id < %(before)s::bigint AS older FROM desk.entry e
        WHERE e.client_id = %(client)s AND e.subject_id = %(subject)s AND e.ver = (p.low + p.high + 1) / 2 LIMIT 1) e
    WHERE p.low < p.high
)
SELECT max(low) AS ver FROM place

-- The versions of a subject that fold to a state: newest first.

-- name: history.versions
SELECT e.ver AS told, e.recorded_at, e.change_id, p.ct
FROM desk.entry e JOIN desk.payload p ON p.client_id = e.client_id AND p.entry_id = e.id
WHERE e.client_id = %(client)s AND e.subject_id = %(subject)s AND e.ver <= %(newest)s AND e.ver > %(oldest)s
ORDER BY e.ver DESC

-- A subject's changes after a version, newest first: what a revert must not run over.

-- name: history.changes_since
SELECT e.id, e.change_id, e.subject_id, e.ver, e.recorded_at, e.request_id, e.kind, e.actor, e.channel, e.fields,
       e.leaf_hash, p.meta_epoch, p.ct, p.meta_ct
FROM desk.entry e JOIN desk.payload p ON p.client_id = e.client_id AND p.entry_id = e.id
WHERE e.client_id = %(client)s AND e.subject_id = %(subject)s AND e.ver > %(version)s
ORDER BY e.ver DESC

-- A record as it stands, beside each version that tells what it was as of an instant, when all its changes were true from
-- when they were recorded on: the last snapshot that was recorded by then, and the newest of those after it that speak of the
-- same fields. Two who wrote at once may stand in the other order than their clocks: so a few versions beyond the next
-- snapshot are looked at. What such a question costs is mostly that the server sets up the parts of its plan: so they are few,
-- and a record that has no snapshot yet is not asked for one.

-- name: history.as_of
SELECT s.id, s.type, s.ver, s.head_leaf, s.key_id, s.state_ct, s.status, s.created_at, s.next_effective_at,
       s.erased_at, k.epoch, k.wrapped,
       CASE WHEN s.type = 'account' THEN ARRAY(
           SELECT h.customer_id FROM desk.holding h
           WHERE h.client_id = %(client)s AND h.account_id = s.id AND h.until IS NULL ORDER BY h.since, h.customer_id
       ) END AS holders,
       e.ver AS told, e.fields, e.recorded_at, e.change_id,
       (SELECT p.ct FROM desk.payload p WHERE p.client_id = %(client)s AND p.entry_id = e.id) AS ct
FROM desk.subject s
JOIN desk.subject_key k ON k.client_id = s.client_id AND k.key_id = s.key_id
CROSS JOIN LATERAL (
    SELECT CASE WHEN s.ver < %(every)s::int THEN 0
                ELSE desk.snapshot_by(%(client)s, s.id, s.ver, %(known_at)s, %(every)s::int) END AS ver OFFSET 0) f
LEFT JOIN LATERAL (
    SELECT DISTINCT ON (e.ver = f.ver, e.fields COLLATE "C") e.id, e.ver, e.fields, e.recorded_at, e.change_id
    FROM desk.entry e
    WHERE e.client_id = %(client)s AND e.subject_id = %(subject)s AND e.ver >= f.ver AND e.ver < f.ver + %(every)s::int + 9
      AND e.recorded_at <= %(known_at)s
    ORDER BY e.ver = f.ver, e.fields COLLATE "C", e.ver DESC) e ON true
WHERE s.client_id = %(client)s AND s.id = %(subject)s

-- Where some change says another time than its own: every version that was recorded by then.

-- name: history.recorded_by
SELECT e.ver AS told, e.recorded_at, e.change_id,
       (SELECT p.ct FROM desk.payload p WHERE p.client_id = %(client)s AND p.entry_id = e.id) AS ct
FROM desk.entry e
WHERE e.client_id = %(client)s AND e.subject_id = %(subject)s AND e.ver IS NOT NULL AND e.recorded_at <= %(known_at)s
ORDER BY e.ver DESC

-- The entry before is looked up by its key: a join under row security would read the record whole for it.

-- name: history.by_change
SELECT e.id, e.change_id, e.subject_id, e.ver, e.recorded_at, e.request_id, e.kind, e.actor, e.channel, e.fields,
       e.fields_hash, e.meta_hash,
       (SELECT b.leaf_hash FROM desk.entry b
        WHERE b.client_id = %(client)s AND b.subject_id = e.subject_id AND b.ver = e.ver - 1) AS prev_leaf,
       e.leaf_hash, p.meta_epoch, p.ct, p.meta_ct, l.idx
FROM desk.entry e
JOIN desk.payload p ON p.client_id = e.client_id AND p.entry_id = e.id
LEFT JOIN desk.log_leaf l ON l.client_id = e.client_id AND l.entry_id = e.id
WHERE e.client_id = %(client)s AND e.change_id = %(change)s

-- A request's whole evidence, oldest first.

-- name: history.of_request
SELECT e.id, e.change_id, e.subject_id, e.ver, e.recorded_at, e.request_id, e.kind, e.actor, e.channel, e.fields,
       e.leaf_hash, p.meta_epoch, p.ct, p.meta_ct, l.idx
FROM desk.entry e
JOIN desk.payload p ON p.client_id = e.client_id AND p.entry_id = e.id
LEFT JOIN desk.log_leaf l ON l.client_id = e.client_id AND l.entry_id = e.id
WHERE e.client_id = %(client)s AND e.request_id = %(request)s ORDER BY e.id

-- The entries that set some versions of a subject: the provenance of its values.

-- name: history.provenance
SELECT e.ver, e.change_id, e.recorded_at, e.actor, e.channel, e.kind, e.request_id, p.meta_epoch, p.meta_ct
FROM desk.entry e JOIN desk.payload p ON p.client_id = e.client_id AND p.entry_id = e.id
WHERE e.client_id = %(client)s AND e.subject_id = %(subject)s AND e.ver = ANY(%(versions)s::int[])

-- The feed: the log by dense index.

-- name: history.feed
SELECT l.idx, e.id, e.change_id, e.subject_id, e.ver, e.recorded_at, e.request_id, e.kind, e.actor, e.channel,
       e.fields, e.leaf_hash, p.meta_epoch, p.ct, p.meta_ct
FROM desk.log_leaf l
JOIN desk.entry e ON e.client_id = l.client_id AND e.id = l.entry_id
JOIN desk.payload p ON p.client_id = l.client_id AND p.entry_id = l.entry_id
WHERE l.client_id = %(client)s AND l.idx >= %(start)s ORDER BY l.idx LIMIT %(limit)s
