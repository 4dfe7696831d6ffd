-- What makes the search: the next entries of the log with the keys that open them. Each row is looked up by its key.

-- name: audit_search.follow
SELECT l.idx, e.change_id, e.subject_id, e.ver, e.recorded_at, e.request_id, e.kind, e.actor, e.channel, e.fields,
       p.meta_epoch, p.ct, p.meta_ct, s.key_id, k.epoch, k.wrapped
FROM desk.log_leaf l
JOIN desk.entry e ON e.client_id = l.client_id AND e.id = l.entry_id
JOIN desk.payload p ON p.client_id = l.client_id AND p.entry_id = l.entry_id
LEFT JOIN desk.subject s ON s.client_id = l.client_id AND s.id = e.subject_id
LEFT JOIN desk.subject_key k ON k.client_id = l.client_id AND k.key_id = s.key_id
WHERE l.client_id = %(client)s AND l.idx >= %(start)s AND l.idx < %(until)s ORDER BY l.idx

-- name: audit_search.put_block
INSERT INTO desk.found_block (client_id, block, entries, first_at, last_at, times)
VALUES (%(client)s, %(block)s, %(entries)s, %(first_at)s, %(last_at)s, %(times)s)
ON CONFLICT (client_id, block) DO UPDATE SET entries = excluded.entries,
    first_at = least(found_block.first_at, excluded.first_at),
    last_at = greatest(found_block.last_at, excluded.last_at), times = excluded.times

-- name: audit_search.put_terms
INSERT INTO desk.found_term (client_id, block, term, bits)
SELECT %(client)s, %(block)s, t.term, t.bits FROM unnest(%(terms)s::text[], %(bits)s::bytea[]) AS t (term, bits)
ON CONFLICT (client_id, block, term) DO UPDATE SET bits = excluded.bits

-- name: audit_search.put_former
INSERT INTO desk.found_former (client_id, tag, subject_id)
SELECT %(client)s, f.tag, f.subject_id FROM unnest(%(tags)s::int[], %(subjects)s::uuid[]) AS f (tag, subject_id)
ON CONFLICT DO NOTHING

-- name: audit_search.forget_former
DELETE FROM desk.found_former WHERE client_id = %(client)s AND subject_id = ANY(%(subjects)s::uuid[])

-- How many entries of the log are not found yet.

-- name: audit_search.behind
SELECT h.size - coalesce((SELECT c.next_idx FROM desk.cursor c
                          WHERE c.client_id = %(client)s AND c.consumer = %(consumer)s), 0) AS behind
FROM desk.log_head h WHERE h.client_id = %(client)s

-- Everything that was derived goes, to be made anew.

-- name: audit_search.drop_blocks
DELETE FROM desk.found_block WHERE client_id = %(client)s

-- name: audit_search.drop_terms
DELETE FROM desk.found_term WHERE client_id = %(client)s

-- name: audit_search.drop_former
DELETE FROM desk.found_former WHERE client_id = %(client)s

-- Searching: stretches by number, newest first or oldest first; terms of some stretches.

-- name: audit_search.blocks_down
SELECT block, entries, first_at, last_at, times FROM desk.found_block
WHERE client_id = %(client)s AND block <= %(from)s ORDER BY block DESC LIMIT %(limit)s

-- name: audit_search.blocks_up
SELECT block, entries, first_at, last_at, times FROM desk.found_block
WHERE client_id = %(client)s AND block >= %(from)s ORDER BY block LIMIT %(limit)s

-- name: audit_search.bits
SELECT block, term, bits FROM desk.found_term
WHERE client_id = %(client)s AND block = ANY(%(blocks)s::int[]) AND term = ANY(%(terms)s::text[])

-- All terms of some stretches: what lists of choices count.

-- name: audit_search.all_bits
SELECT block, term, bits FROM desk.found_term
WHERE client_id = %(client)s AND block = ANY(%(blocks)s::int[])
  AND substr(term, 1, 2) = ANY(%(facets)s::text[])

-- Of the entries of a step at the edge of a time, those that lie inside it.

-- name: audit_search.recorded_within
SELECT l.idx FROM desk.log_leaf l JOIN desk.entry e ON e.client_id = l.client_id AND e.id = l.entry_id
WHERE l.client_id = %(client)s AND l.idx = ANY(%(places)s::bigint[])
  AND (%(since)s::timestamptz IS NULL OR e.recorded_at >= %(since)s::timestamptz)
  AND (%(until)s::timestamptz IS NULL OR e.recorded_at < %(until)s::timestamptz)

-- The places in the log of what was recorded about a request, about some records, or under an id.

-- name: audit_search.places_of_request
SELECT l.idx FROM desk.entry e JOIN desk.log_leaf l ON l.client_id = e.client_id AND l.entry_id = e.id
WHERE e.client_id = %(client)s AND e.request_id = %(request)s

-- name: audit_search.places_of_subjects
SELECT l.idx FROM desk.entry e JOIN desk.log_leaf l ON l.client_id = e.client_id AND l.entry_id = e.id
WHERE e.client_id = %(client)s AND e.subject_id = ANY(%(subjects)s::uuid[]) LIMIT %(limit)s

-- name: audit_search.place_of_change
SELECT l.idx FROM desk.entry e JOIN desk.log_leaf l ON l.client_id = e.client_id AND l.entry_id = e.id
WHERE e.client_id = %(client)s AND e.change_id = %(change)s

-- What was changed on some records, to be opened and compared; one more than the limit says that there is more.

-- name: audit_search.changes_of
SELECT l.idx, e.change_id, e.subject_id, e.ver, e.recorded_at, p.ct
FROM desk.entry e
JOIN desk.payload p ON p.client_id = e.client_id AND p.entry_id = e.id
JOIN desk.log_leaf l ON l.client_id = e.client_id AND l.entry_id = e.id
WHERE e.client_id = %(client)s AND e.subject_id = ANY(%(subjects)s::uuid[]) AND e.fields IS NOT NULL
LIMIT %(limit)s

-- name: audit_search.former
SELECT subject_id FROM desk.found_former
WHERE client_id = %(client)s AND tag = ANY(%(tags)s::int[]) GROUP BY subject_id LIMIT %(limit)s

-- The entries of a page. What each was built on is of one entry's own page: here it would be read for fifty.

-- name: audit_search.entries
SELECT e.id, e.change_id, e.subject_id, e.ver, e.recorded_at, e.request_id, e.kind, e.actor, e.channel, e.fields,
       e.leaf_hash, p.meta_epoch, p.ct, p.meta_ct, l.idx
FROM desk.log_leaf l
JOIN desk.entry e ON e.client_id = l.client_id AND e.id = l.entry_id
JOIN desk.payload p ON p.client_id = e.client_id AND p.entry_id = e.id
WHERE l.client_id = %(client)s AND l.idx = ANY(%(places)s::bigint[])

-- The entries of one record before and after one, in the log's order: its chain.

-- name: audit_search.neighbours
SELECT (SELECT l.idx FROM desk.entry e JOIN desk.log_leaf l ON l.client_id = e.client_id AND l.entry_id = e.id
        WHERE e.client_id = %(client)s AND e.subject_id = %(subject)s AND e.ver = %(version)s::int - 1) AS before,
       (SELECT l.idx FROM desk.entry e JOIN desk.log_leaf l ON l.client_id = e.client_id AND l.entry_id = e.id
        WHERE e.client_id = %(client)s AND e.subject_id = %(subject)s AND e.ver = %(version)s::int + 1) AS after

-- Kept searches.

-- name: audit_search.keep
INSERT INTO desk.kept_search (client_id, id, actor, sealed, made_at, expires_at)
VALUES (%(client)s, %(id)s, %(actor)s, %(sealed)s, %(at)s, %(expires_at)s)

-- name: audit_search.searches_of
SELECT id, sealed, made_at FROM desk.kept_search
WHERE client_id = %(client)s AND actor = %(actor)s AND expires_at IS NULL ORDER BY made_at, id LIMIT %(limit)s

-- name: audit_search.search_by_id
SELECT id, sealed, made_at FROM desk.kept_search
WHERE client_id = %(client)s AND id = %(id)s AND actor = %(actor)s AND (expires_at IS NULL OR expires_at > %(at)s)

-- name: audit_search.drop_search
DELETE FROM desk.kept_search WHERE client_id = %(client)s AND id = %(id)s AND actor = %(actor)s

-- name: audit_search.drop_ended
DELETE FROM desk.kept_search WHERE client_id = %(client)s AND expires_at <= %(at)s

-- Files.

-- name: audit_search.export
INSERT INTO desk.audit_export (client_id, id, actor, format, asked, entries, digest, made_at, expires_at)
VALUES (%(client)s, %(id)s, %(actor)s, %(format)s, %(asked)s, %(entries)s, %(digest)s, %(at)s, %(expires_at)s)

-- Whose entries a file holds, by their places in the log.

-- name: audit_search.export_about
INSERT INTO desk.audit_export_about (client_id, subject_id, export_id)
SELECT DISTINCT e.client_id, e.subject_id, %(id)s::uuid
FROM desk.log_leaf l JOIN desk.entry e ON e.client_id = l.client_id AND e.id = l.entry_id
WHERE l.client_id = %(client)s AND l.idx = ANY(%(places)s::bigint[])

-- Files that were handed over with entries of a record in them, oldest first.

-- name: audit_search.exports_about
SELECT x.id, x.actor, x.taken_at
FROM desk.audit_export_about a JOIN desk.audit_export x ON x.client_id = a.client_id AND x.id = a.export_id
WHERE a.client_id = %(client)s AND a.subject_id = %(subject)s AND x.taken_at IS NOT NULL ORDER BY x.taken_at, x.id

-- Handed over once, to whoever asked for it, while it stands.

-- name: audit_search.take_export
UPDATE desk.audit_export SET taken_at = %(at)s
WHERE client_id = %(client)s AND id = %(id)s AND actor = %(actor)s AND taken_at IS NULL AND expires_at > %(at)s
RETURNING format, entries, digest

-- The record of the desk itself is opened once: two who would do it at once come one after the other.

-- name: audit_search.claim_own
SELECT pg_advisory_xact_lock(hashtext('changedesk.own_record'), %(client)s)
