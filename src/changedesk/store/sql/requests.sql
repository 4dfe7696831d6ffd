-- name: requests.insert
INSERT INTO desk.request (client_id, id, ref, subject_id, person_id, initiated_by, kind, operation, state, channel, requested_by, entered_by,
    entered_team, on_behalf_of, interaction, reason_code, fields, base_ver, digest, key_id, proposal_ct, route,
    needs_level, needs_consent, needs_approvals, reverts, effective_at, received_at, submitted_at, state_at, expires_at)
SELECT %(client)s, r.id, r.ref, r.subject_id, r.person_id, r.initiated_by, r.kind, r.operation, 'submitted', r.channel, r.requested_by, r.entered_by,
    r.entered_team, r.on_behalf_of, r.interaction, r.reason_code, string_to_array(r.fields, ' '), r.base_ver, r.digest,
    r.key_id, r.proposal_ct, r.route, r.needs_level, r.needs_consent, r.needs_approvals, r.reverts, r.effective_at,
    r.received_at, r.submitted_at, r.submitted_at, r.expires_at
FROM unnest(%(id)s::uuid[], %(ref)s::text[], %(subject_id)s::uuid[], %(person_id)s::uuid[], %(initiated_by)s::text[],
    %(kind)s::text[], %(operation)s::text[],
    %(channel)s::text[], %(requested_by)s::text[], %(entered_by)s::text[], %(entered_team)s::text[],
    %(on_behalf_of)s::text[], %(interaction)s::text[], %(reason_code)s::text[], %(fields)s::text[], %(base_ver)s::int[],
    %(digest)s::bytea[], %(key_id)s::uuid[], %(proposal_ct)s::bytea[], %(route)s::jsonb[], %(needs_level)s::smallint[],
    %(needs_consent)s::text[], %(needs_approvals)s::smallint[], %(reverts)s::uuid[], %(effective_at)s::timestamptz[],
    %(received_at)s::timestamptz[], %(submitted_at)s::timestamptz[], %(expires_at)s::timestamptz[])
    AS r (id, ref, subject_id, person_id, initiated_by, kind, operation, channel, requested_by, entered_by, entered_team, on_behalf_of,
          interaction, reason_code, fields, base_ver, digest, key_id, proposal_ct, route, needs_level, needs_consent,
          needs_approvals, reverts, effective_at, received_at, submitted_at, expires_at)

-- One open request per subject and field: the rows that another open request holds are not taken, and are missing
-- from the answer.

-- name: requests.take_fields
INSERT INTO desk.open_field (client_id, subject_id, field, request_id)
SELECT %(client)s, f.subject_id, f.field, f.request_id
FROM unnest(%(subject_id)s::uuid[], %(field)s::text[], %(request_id)s::uuid[]) AS f (subject_id, field, request_id)
ON CONFLICT (client_id, subject_id, field) DO NOTHING
RETURNING request_id, field

-- name: requests.give_back_fields
DELETE FROM desk.open_field WHERE client_id = %(client)s AND request_id = ANY(%(requests)s::uuid[])

-- Which open requests hold some fields of some subjects.

-- name: requests.holders_of_fields
SELECT o.subject_id, o.field, o.request_id, r.ref
FROM desk.open_field o JOIN desk.request r ON r.client_id = o.client_id AND r.id = o.request_id
WHERE o.client_id = %(client)s AND o.subject_id = ANY(%(subjects)s::uuid[]) AND o.field = ANY(%(fields)s::text[])

-- name: requests.load
SELECT * FROM desk.request WHERE client_id = %(client)s AND id = ANY(%(ids)s::uuid[])

-- name: requests.by_refs
SELECT * FROM desk.request WHERE client_id = %(client)s AND ref = ANY(%(refs)s::text[])

-- Locked until the end of the transaction, in one order, so that two verbs on one request follow one another.

-- name: requests.hold
SELECT * FROM desk.request WHERE client_id = %(client)s AND id = ANY(%(ids)s::uuid[]) ORDER BY id FOR NO KEY UPDATE

-- What never changes of some requests: enough to lock them, and to ask for their evidence, in one round trip.

-- name: requests.places
SELECT id, ref, subject_id, person_id, kind, received_at FROM desk.request
WHERE client_id = %(client)s AND ref = ANY(%(refs)s::text[])

-- The one query that moves a state. The guard is here: a request that is not in an expected state stays, and is
-- missing from the answer. Their ids are said twice, and the states IS TRUE, so that no plan looks for them among all
-- those in that state.

-- name: requests.move
UPDATE desk.request r
SET state = m.target, version = r.version + 1, state_at = %(at)s,
    applied_change = coalesce(m.change_id, r.applied_change), hold_until = m.hold_until
FROM unnest(%(id)s::uuid[], %(target)s::text[], %(change_id)s::uuid[], %(hold_until)s::timestamptz[])
    AS m (id, target, change_id, hold_until)
WHERE r.client_id = %(client)s AND r.id = ANY(%(id)s::uuid[]) AND r.id = m.id
  AND (r.state = ANY(%(sources)s::text[])) IS TRUE
RETURNING r.*

-- A revision puts new content in place of the old: a new digest, so that whatever was bound to the old one is void.

-- name: requests.revise
UPDATE desk.request r
SET state = 'submitted', version = r.version + 1, revision = r.revision + 1, operation = %(operation)s,
    fields = %(fields)s, base_ver = %(base_ver)s,
    digest = %(digest)s, proposal_ct = %(proposal_ct)s, route = %(route)s, needs_level = %(needs_level)s,
    needs_consent = %(needs_consent)s, needs_approvals = %(needs_approvals)s, effective_at = %(effective_at)s,
    reason_code = %(reason_code)s, entered_by = %(entered_by)s, entered_team = %(entered_team)s, submitted_at = %(at)s,
    state_at = %(at)s, expires_at = %(expires_at)s
WHERE client_id = %(client)s AND id = %(id)s AND version = %(version)s AND state = ANY(%(sources)s::text[])
RETURNING r.*

-- A question goes into the sealed proposal; what is asked for stays as it was, and so does its digest.

-- name: requests.ask
UPDATE desk.request SET proposal_ct = %(proposal_ct)s WHERE client_id = %(client)s AND id = %(id)s

-- name: requests.reschedule
UPDATE desk.request r
SET effective_at = %(effective_at)s, version = r.version + 1, state_at = %(at)s
WHERE client_id = %(client)s AND id = %(id)s AND version = %(version)s AND state IN ('approved', 'scheduled')
RETURNING r.*

-- Work in some states, oldest first, by keyset on (received_at, id). An absent filter is NULL.

-- name: requests.queue
SELECT * FROM desk.request r
WHERE r.client_id = %(client)s AND r.state = ANY(%(states)s::text[])
  AND (r.received_at, r.id) > (%(after_at)s::timestamptz, %(after_id)s::uuid)
  AND (%(kind)s::text IS NULL OR r.kind = %(kind)s::text)
  AND (%(channel)s::text IS NULL OR r.channel = %(channel)s::text)
  AND (%(entered_by)s::text IS NULL OR r.entered_by = %(entered_by)s::text)
ORDER BY r.received_at, r.id LIMIT %(limit)s

-- The newest requests of a client: their ids grow with time.

-- name: requests.newest
SELECT * FROM desk.request WHERE client_id = %(client)s ORDER BY id DESC LIMIT %(limit)s

-- name: requests.of_subject
(SELECT * FROM desk.request WHERE client_id = %(client)s AND subject_id = %(subject)s
 ORDER BY received_at DESC LIMIT %(limit)s)
UNION ALL
(SELECT * FROM desk.request WHERE client_id = %(client)s AND person_id = %(subject)s AND person_id <> subject_id
 ORDER BY received_at DESC LIMIT %(limit)s)
ORDER BY received_at DESC LIMIT %(limit)s

-- What the clock must do now: apply what is scheduled and due, release holds that are over, expire what waited too long.

-- name: requests.due
(SELECT id, 'apply' AS duty FROM desk.request
 WHERE client_id = %(client)s AND state IN ('approved', 'scheduled')
   AND greatest(effective_at, hold_until, '-infinity') <= %(now)s
 ORDER BY greatest(effective_at, hold_until, '-infinity') LIMIT %(limit)s)
UNION ALL
(SELECT id, 'release' FROM desk.request
 WHERE client_id = %(client)s AND state = 'on_hold' AND hold_until <= %(now)s LIMIT %(limit)s)
UNION ALL
(SELECT id, 'expire' FROM desk.request
 WHERE client_id = %(client)s AND expires_at <= %(now)s
   AND state IN ('submitted', 'awaiting_verification', 'awaiting_consent', 'awaiting_approval', 'awaiting_information', 'stale')
 LIMIT %(limit)s)
