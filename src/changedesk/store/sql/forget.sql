-- A job, with what is decided of each field. An open one of the same subject stays the only one.

-- name: forget.start
INSERT INTO desk.erasure (client_id, id, subject_id, request_id, cause, whole, decisions, recipients, state, last_word,
                          along, accounts, requested_by, requested_at)
VALUES (%(client)s, %(id)s, %(subject)s, %(request)s, %(cause)s, %(whole)s, %(decisions)s,
        string_to_array(%(recipients)s, ' '), 'requested', %(last_word)s, %(along)s, %(accounts)s, %(by)s, %(at)s)
ON CONFLICT DO NOTHING

-- The one that is open for a subject, locked: two workers go on with it one after the other.

-- name: forget.open_now
SELECT * FROM desk.erasure WHERE client_id = %(client)s AND subject_id = %(subject)s AND state <> 'done' FOR NO KEY UPDATE

-- Jobs that are not done, the oldest first.

-- name: forget.waiting
SELECT * FROM desk.erasure WHERE client_id = %(client)s AND state <> 'done' ORDER BY requested_at, id LIMIT %(limit)s

-- name: forget.one
SELECT * FROM desk.erasure WHERE client_id = %(client)s AND id = %(id)s

-- Certificates, the newest first, by keyset.

-- name: forget.newest
SELECT * FROM desk.erasure
WHERE client_id = %(client)s AND (requested_at, id) < (%(before_at)s::timestamptz, %(before_id)s::uuid)
ORDER BY requested_at DESC, id DESC LIMIT %(limit)s

-- name: forget.of_subject
SELECT * FROM desk.erasure WHERE client_id = %(client)s AND subject_id = %(subject)s ORDER BY requested_at DESC, id DESC

-- The merged records that erasures took along, in order.

-- name: forget.taken_along
SELECT * FROM desk.erasure WHERE client_id = %(client)s AND along = ANY(%(erasure)s::uuid[]) ORDER BY along, id

-- name: forget.journaled
UPDATE desk.erasure SET state = 'journaled', journaled_at = %(at)s
WHERE client_id = %(client)s AND id = %(id)s AND state = 'requested'

-- name: forget.finish
UPDATE desk.erasure SET state = 'done', last_word = NULL, confirmed_at = %(at)s, confirmed_change = %(change)s
WHERE client_id = %(client)s AND id = %(id)s AND state = 'journaled'

-- From here on nothing of the subject is read.

-- name: forget.close
UPDATE desk.subject SET erased_at = %(at)s, state_ct = NULL, next_effective_at = NULL
WHERE client_id = %(client)s AND id = %(subject)s AND erased_at IS NULL

-- The wrapped keys of a subject are destroyed, but one; the tombstones stay.

-- name: forget.shred
UPDATE desk.subject_key SET wrapped = NULL, shredded_at = %(at)s
WHERE client_id = %(client)s AND subject_id = %(subject)s AND wrapped IS NOT NULL
  AND key_id IS DISTINCT FROM %(but)s::uuid

-- name: forget.rekey
UPDATE desk.subject SET key_id = %(key)s WHERE client_id = %(client)s AND id = %(subject)s

-- name: forget.open_requests
SELECT id FROM desk.request WHERE client_id = %(client)s AND (subject_id = %(subject)s OR person_id = %(subject)s)
  AND state NOT IN ('applied', 'rejected', 'withdrawn', 'cancelled', 'expired', 'failed')

-- What was asked of a record, and by its person of what they hold, with what they said. What is still open only with all
-- else: of a part, it was asked for since.

-- name: forget.proposals
UPDATE desk.request SET proposal_ct = NULL
WHERE client_id = %(client)s AND (subject_id = %(subject)s OR person_id = %(subject)s) AND proposal_ct IS NOT NULL
  AND (%(open)s OR state IN ('applied', 'rejected', 'withdrawn', 'cancelled', 'expired', 'failed'))

-- name: forget.asked
SELECT id, proposal_ct FROM desk.request
WHERE client_id = %(client)s AND subject_id = %(subject)s AND proposal_ct IS NOT NULL
  AND state NOT IN ('applied', 'rejected', 'withdrawn', 'cancelled', 'expired', 'failed')
FOR NO KEY UPDATE

-- name: forget.set_proposal
UPDATE desk.request SET proposal_ct = %(proposal_ct)s, key_id = %(key)s WHERE client_id = %(client)s AND id = %(id)s

-- What waits to be sent is not sent, but for the last word; what was sent is emptied.

-- name: forget.messages
UPDATE desk.delivery
SET message_ct = NULL, lease_until = NULL, fence = fence + 1,
    last_error = CASE WHEN state IN ('pending', 'sending') THEN 'erased' ELSE last_error END,
    done_at = coalesce(done_at, %(at)s),
    state = CASE WHEN state IN ('pending', 'sending') THEN 'failed' ELSE state END
WHERE client_id = %(client)s AND subject_id = %(subject)s AND key_id IS DISTINCT FROM %(but)s::uuid
  AND (message_ct IS NOT NULL OR state IN ('pending', 'sending'))

-- Whether the last word is still on its way.

-- name: forget.unsaid
SELECT id FROM desk.delivery WHERE client_id = %(client)s AND key_id = %(key)s AND subject_id = %(subject)s
  AND state IN ('pending', 'sending') LIMIT 1

-- name: forget.payloads
SELECT e.id, e.change_id, e.ver, e.recorded_at, p.ct
FROM desk.entry e JOIN desk.payload p ON p.client_id = e.client_id AND p.entry_id = e.id
WHERE e.client_id = %(client)s AND e.subject_id = %(subject)s AND e.ver IS NOT NULL AND p.ct IS NOT NULL

-- name: forget.observed
SELECT e.id, e.change_id, NULL::integer AS ver, e.recorded_at, p.ct
FROM desk.entry e JOIN desk.payload p ON p.client_id = e.client_id AND p.entry_id = e.id
WHERE e.client_id = %(client)s AND e.subject_id = %(subject)s AND e.ver IS NULL AND p.ct IS NOT NULL

-- name: forget.rewrite
UPDATE desk.payload p SET ct = n.ct
FROM unnest(%(entry)s::bigint[], %(ct)s::bytea[]) AS n (entry_id, ct)
WHERE p.client_id = %(client)s AND p.entry_id = n.entry_id

-- name: forget.wipe
UPDATE desk.payload p SET ct = NULL FROM desk.entry e
WHERE p.client_id = %(client)s AND p.ct IS NOT NULL AND e.client_id = p.client_id AND e.id = p.entry_id
  AND e.subject_id = %(subject)s

-- Terms by their tags: the index is by tag, and has no second order by subject that every change would pay for.

-- name: forget.terms
DELETE FROM desk.blind_index b USING unnest(%(field)s::text[], %(tag)s::bytea[]) AS t (field, tag)
WHERE b.client_id = %(client)s AND b.field = t.field AND b.tag = t.tag AND b.subject_id = %(subject)s

-- name: forget.consents
UPDATE desk.consent c SET evidence_ct = NULL FROM desk.request r
WHERE c.client_id = %(client)s AND c.evidence_ct IS NOT NULL AND r.client_id = c.client_id AND r.id = c.request_id
  AND (r.subject_id = %(subject)s OR r.person_id = %(subject)s)

-- name: forget.decisions
UPDATE desk.decision d SET note_ct = NULL FROM desk.request r
WHERE d.client_id = %(client)s AND d.note_ct IS NOT NULL AND r.client_id = d.client_id AND r.id = d.request_id
  AND (r.subject_id = %(subject)s OR r.person_id = %(subject)s)

-- name: forget.factors
SELECT id, secret_ct FROM desk.factor
WHERE client_id = %(client)s AND subject_id = %(subject)s AND secret_ct IS NOT NULL

-- name: forget.set_factor
UPDATE desk.factor SET secret_ct = %(secret_ct)s WHERE client_id = %(client)s AND id = %(id)s

-- name: forget.end_factors
UPDATE desk.factor SET secret_ct = NULL, removed_at = coalesce(removed_at, %(at)s)
WHERE client_id = %(client)s AND subject_id = %(subject)s AND (secret_ct IS NOT NULL OR removed_at IS NULL)

-- By whole table: an import writes millions of these and an erasure is rare, so no index pays for itself.

-- name: forget.import_rows
UPDATE desk.import_row SET body_mac = '' WHERE client_id = %(client)s AND subject_id = %(subject)s

-- Erasures of the journal that a restored database has not heard of: it knows their subject, and holds it still.

-- name: forget.unknown
SELECT j.id FROM unnest(%(id)s::uuid[], %(subject)s::uuid[]) AS j (id, subject_id)
JOIN desk.subject s ON s.client_id = %(client)s AND s.id = j.subject_id AND s.erased_at IS NULL
WHERE NOT EXISTS (SELECT FROM desk.erasure x WHERE x.client_id = %(client)s AND x.id = j.id)

-- How far the day's retention run is.

-- name: retention.run_of
SELECT day, after_id, looked_at, erased, finished_at FROM desk.retention_run
WHERE client_id = %(client)s AND day = %(day)s

-- name: retention.advance
INSERT INTO desk.retention_run (client_id, day, after_id, looked_at, erased, finished_at)
VALUES (%(client)s, %(day)s, %(after)s, %(looked_at)s, %(erased)s, %(finished_at)s)
ON CONFLICT (client_id, day) DO UPDATE SET after_id = excluded.after_id,
    looked_at = retention_run.looked_at + excluded.looked_at, erased = retention_run.erased + excluded.erased,
    finished_at = excluded.finished_at

-- Records old enough that something of them could be due, by id. An erased one holds nothing; one with a value to come,
-- or with an erasure under way, waits.

-- name: retention.page
SELECT s.id FROM desk.subject s
JOIN desk.entry e ON e.client_id = s.client_id AND e.subject_id = s.id AND e.ver = 1
WHERE s.client_id = %(client)s AND s.id > %(after)s AND s.erased_at IS NULL AND s.next_effective_at IS NULL
  AND e.recorded_at <= %(before)s
  AND NOT EXISTS (SELECT FROM desk.erasure x WHERE x.client_id = s.client_id AND x.subject_id = s.id AND x.state <> 'done')
ORDER BY s.id LIMIT %(limit)s
