-- What an audit reads. All of it as it stands, in one snapshot, in stretches that fit into memory.

-- A stretch of the log: each entry with what it was built on and its sealed parts. Each row is looked up by its key:
-- whatever the planner believes of the tables, this costs the same. The values of changes are read with their records.

-- name: audit.entries
SELECT l.idx, l.leaf_hash AS logged, e.id, e.change_id, e.kind, e.subject_id, e.ver, b.leaf_hash AS prev_leaf,
       b.id AS prev_id, e.recorded_at, e.fields_hash, e.meta_hash, e.leaf_hash, e.actor, e.channel, e.fields,
       e.request_id, p.entry_id AS sealed, p.meta_epoch, CASE WHEN e.ver IS NULL THEN p.ct END AS ct, p.meta_ct,
       EXISTS (SELECT FROM desk.subject s WHERE s.client_id = %(client)s AND s.id = e.subject_id) AS known
FROM desk.log_leaf l
LEFT JOIN LATERAL (SELECT * FROM desk.entry WHERE client_id = %(client)s AND id = l.entry_id OFFSET 0) e ON true
LEFT JOIN LATERAL (SELECT * FROM desk.payload WHERE client_id = %(client)s AND entry_id = l.entry_id OFFSET 0) p ON true
LEFT JOIN LATERAL (SELECT id, leaf_hash FROM desk.entry
                   WHERE client_id = %(client)s AND subject_id = e.subject_id AND ver = e.ver - 1 OFFSET 0) b ON true
WHERE l.client_id = %(client)s AND l.idx >= %(start)s AND l.idx < %(until)s ORDER BY l.idx

-- What the log does not hold: entries that wait for their place (queued), and what nobody put there.

-- name: audit.unplaced
SELECT -1 AS idx, NULL::bytea AS logged, e.id, e.change_id, e.kind, e.subject_id, e.ver, b.leaf_hash AS prev_leaf,
       b.id AS prev_id, e.recorded_at, e.fields_hash, e.meta_hash, e.leaf_hash, e.actor, e.channel, e.fields,
       e.request_id, p.entry_id AS sealed, p.meta_epoch, CASE WHEN e.ver IS NULL THEN p.ct END AS ct, p.meta_ct,
       EXISTS (SELECT FROM desk.subject s WHERE s.client_id = %(client)s AND s.id = e.subject_id) AS known,
       EXISTS (SELECT FROM desk.staged q WHERE q.client_id = %(client)s AND q.entry_id = e.id) AS queued
FROM desk.entry e
LEFT JOIN desk.payload p ON p.client_id = e.client_id AND p.entry_id = e.id
LEFT JOIN LATERAL (SELECT id, leaf_hash FROM desk.entry
                   WHERE client_id = %(client)s AND subject_id = e.subject_id AND ver = e.ver - 1 OFFSET 0) b ON true
WHERE e.client_id = %(client)s
  AND NOT EXISTS (SELECT FROM desk.log_leaf l WHERE l.client_id = %(client)s AND l.entry_id = e.id)
ORDER BY e.id LIMIT %(limit)s

-- Sealed parts, queue rows and places that belong to no entry.

-- name: audit.strays
SELECT 'payload' AS what, p.entry_id FROM desk.payload p WHERE p.client_id = %(client)s
  AND NOT EXISTS (SELECT FROM desk.entry e WHERE e.client_id = %(client)s AND e.id = p.entry_id)
UNION ALL
SELECT 'staged', q.entry_id FROM desk.staged q WHERE q.client_id = %(client)s
  AND (NOT EXISTS (SELECT FROM desk.entry e WHERE e.client_id = %(client)s AND e.id = q.entry_id)
       OR EXISTS (SELECT FROM desk.log_leaf l WHERE l.client_id = %(client)s AND l.entry_id = q.entry_id))
UNION ALL
SELECT 'log_leaf', l.entry_id FROM desk.log_leaf l WHERE l.client_id = %(client)s AND l.idx >= %(size)s
LIMIT %(limit)s

-- name: audit.head
SELECT size, frontier FROM desk.log_head WHERE client_id = %(client)s

-- What was signed, and cosigned, of sizes above one and up to another; and what the installation's log holds of it.

-- name: audit.checkpoints
SELECT size, root, note, begun_at FROM desk.checkpoint
WHERE client_id = %(client)s AND size > %(above)s AND size <= %(upto)s ORDER BY size

-- name: audit.cosignatures
SELECT size, witness, line FROM desk.cosignature
WHERE client_id = %(client)s AND size > %(above)s AND size <= %(upto)s ORDER BY size, witness

-- name: audit.anchored
SELECT size, digest FROM desk.anchor
WHERE client_id = %(client)s AND log = %(log)s AND size > %(above)s AND size <= %(upto)s ORDER BY size

-- Records in order of their ids, and some of them with their keys, also where the key is gone.

-- name: audit.subject_ids
SELECT id FROM desk.subject WHERE client_id = %(client)s AND id > %(after)s ORDER BY id LIMIT %(limit)s

-- name: audit.subjects
SELECT s.id, s.type, s.ver, s.head_leaf, s.key_id, s.state_ct, s.status, s.created_at, s.next_effective_at, s.erased_at,
       k.epoch, k.wrapped, k.shredded_at, k.subject_id AS key_of
FROM desk.subject s LEFT JOIN desk.subject_key k ON k.client_id = s.client_id AND k.key_id = s.key_id
WHERE s.client_id = %(client)s AND s.id = ANY(%(ids)s::uuid[]) ORDER BY s.id

-- The changes of some records, version by version.

-- name: audit.versions
SELECT e.subject_id, e.ver, e.id, e.recorded_at, e.change_id, e.kind, e.leaf_hash, e.fields, e.fields_hash, p.ct
FROM desk.entry e LEFT JOIN desk.payload p ON p.client_id = e.client_id AND p.entry_id = e.id
WHERE e.client_id = %(client)s AND e.subject_id = ANY(%(ids)s::uuid[]) AND e.ver IS NOT NULL
  AND (e.subject_id, e.ver) > (%(after)s::uuid, %(after_ver)s::integer)
ORDER BY e.subject_id, e.ver LIMIT %(limit)s

-- Of some records, those of which an entry says that something was forgotten.

-- name: audit.forgotten
SELECT DISTINCT subject_id FROM desk.entry
WHERE client_id = %(client)s AND subject_id = ANY(%(ids)s::uuid[])
  AND (kind LIKE 'erasure.%%' OR kind LIKE 'retention.%%')

-- The places of some entries.

-- name: audit.places
SELECT entry_id, idx FROM desk.log_leaf WHERE client_id = %(client)s AND entry_id = ANY(%(entries)s::bigint[])

-- The whole blind index, record by record.

-- name: audit.lookups
SELECT subject_id, field, epoch, tag FROM desk.blind_index WHERE client_id = %(client)s ORDER BY subject_id

-- Of some terms, those that the blind index does not hold.

-- name: audit.lookups_missing
SELECT t.subject_id
FROM unnest(%(subject)s::uuid[], %(field)s::text[], %(epoch)s::smallint[], %(tag)s::bytea[])
    AS t (subject_id, field, epoch, tag)
WHERE NOT EXISTS (SELECT FROM desk.blind_index b WHERE b.client_id = %(client)s AND b.field = t.field
                  AND b.epoch = t.epoch AND b.tag = t.tag AND b.subject_id = t.subject_id)

-- What entries speak of: requests, consents, decisions and confirmed challenges.

-- name: audit.requests
SELECT id, ref, subject_id, person_id, kind, operation, initiated_by, requested_by, entered_by, state, fields, digest,
       reason_code, applied_change
FROM desk.request WHERE client_id = %(client)s AND id = ANY(%(ids)s::uuid[])

-- name: audit.consents
SELECT request_id, digest, statement, version, language, way, wording_hash, recorded_by
FROM desk.consent WHERE client_id = %(client)s AND request_id = ANY(%(ids)s::uuid[])

-- name: audit.decisions
SELECT request_id, digest, actor, verdict, reason_code
FROM desk.decision WHERE client_id = %(client)s AND request_id = ANY(%(ids)s::uuid[])

-- name: audit.challenges
SELECT id, subject_id, request_id, method, purpose, state, digest, contact_path
FROM desk.challenge WHERE client_id = %(client)s AND id = ANY(%(ids)s::uuid[])

-- Rows that no entry speaks of: decisions, consents, confirmed challenges and ended requests come with one.

-- name: audit.unspoken
SELECT 'decision' AS what, d.request_id, NULL::uuid AS subject_id FROM desk.decision d
WHERE d.client_id = %(client)s AND NOT EXISTS (
    SELECT FROM desk.entry e WHERE e.client_id = %(client)s AND e.request_id = d.request_id AND e.actor = d.actor
    AND e.kind = CASE d.verdict WHEN 'approve' THEN 'request.approved' ELSE 'request.rejected' END)
UNION ALL
SELECT 'consent', c.request_id, NULL FROM desk.consent c
WHERE c.client_id = %(client)s AND NOT EXISTS (
    SELECT FROM desk.entry e WHERE e.client_id = %(client)s AND e.request_id = c.request_id
    AND e.kind = 'consent.recorded')
UNION ALL
SELECT 'challenge', c.request_id, c.subject_id FROM desk.challenge c
WHERE c.client_id = %(client)s AND c.state = 'confirmed' AND NOT EXISTS (
    SELECT FROM desk.entry e WHERE e.client_id = %(client)s AND e.subject_id = c.subject_id
    AND e.ver IS NULL AND e.kind = 'identity.verified')
UNION ALL
SELECT 'request', r.id, r.subject_id FROM desk.request r
WHERE r.client_id = %(client)s AND (
    NOT EXISTS (SELECT FROM desk.entry e WHERE e.client_id = %(client)s AND e.request_id = r.id)
    OR r.state IN ('rejected', 'withdrawn', 'cancelled', 'expired') AND NOT EXISTS (
        SELECT FROM desk.entry e WHERE e.client_id = %(client)s AND e.request_id = r.id
        AND e.kind = 'request.' || r.state)
    OR r.state = 'applied' AND NOT EXISTS (
        SELECT FROM desk.entry e WHERE e.client_id = %(client)s AND e.change_id = r.applied_change
        AND e.request_id = r.id))
LIMIT %(limit)s
