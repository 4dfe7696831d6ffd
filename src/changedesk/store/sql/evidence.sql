-- name: challenges.insert
INSERT INTO desk.challenge (client_id, id, subject_id, request_id, purpose, method, contact_path, contact_version,
                            digest, code_mac, state, started_by, started_at, expires_at)
VALUES (%(client)s, %(id)s, %(subject_id)s, %(request_id)s, %(purpose)s, %(method)s, %(contact_path)s,
        %(contact_version)s, %(digest)s, %(code_mac)s, 'open', %(started_by)s, %(started_at)s, %(expires_at)s)

-- Whom a challenge is about, and the request that it is of: what never changes of them.

-- name: challenges.place
SELECT c.subject_id AS whom, r.id, r.ref, r.subject_id, r.person_id, r.kind, r.received_at
FROM desk.challenge c LEFT JOIN desk.request r ON r.client_id = %(client)s AND r.id = c.request_id
WHERE c.client_id = %(client)s AND c.id = %(id)s

-- One challenge, locked: two answers at once are counted one after the other.

-- name: challenges.hold
SELECT * FROM desk.challenge WHERE client_id = %(client)s AND id = %(id)s FOR NO KEY UPDATE

-- name: challenges.decide
UPDATE desk.challenge SET state = %(state)s, tries = tries + %(tries)s::smallint,
       decided_at = CASE WHEN %(state)s = 'open' THEN NULL ELSE %(at)s::timestamptz END
WHERE client_id = %(client)s AND id = %(id)s AND state = 'open'

-- A customer's challenges of late: sends and states, across channels and codes.

-- name: challenges.of_subject
SELECT * FROM desk.challenge WHERE client_id = %(client)s AND subject_id = %(subject)s AND started_at > %(since)s
ORDER BY started_at DESC

-- The evidence of some requests: their own challenges, and the callers verified on those customers.

-- With who changed the contact point since, through which it was answered, other than by the request itself: who
-- entered that and when (seconds since 1970), NULLs where no request was asked for it. In the order of versions, so
-- that every plan reads the changes since, and no more of the history.

-- name: challenges.of_requests
SELECT c.*, CASE WHEN c.state = 'confirmed' AND c.purpose <> 'new_contact' AND c.contact_version IS NOT NULL THEN (
    SELECT jsonb_agg(coalesce((
        SELECT jsonb_build_array(r.entered_by, extract(epoch FROM r.submitted_at)) FROM desk.request r
        WHERE r.client_id = %(client)s AND r.id = e.request_id), '[null, null]'))
    FROM (SELECT request_id, fields FROM desk.entry
          WHERE client_id = %(client)s AND subject_id = c.subject_id AND ver > c.contact_version
          ORDER BY ver LIMIT 1000000) e
    WHERE c.contact_path = ANY(string_to_array(e.fields, ' '))
      AND (c.request_id IS NULL OR e.request_id IS DISTINCT FROM c.request_id)) END AS overtaken
FROM (
    SELECT * FROM desk.challenge WHERE client_id = %(client)s AND request_id = ANY(%(requests)s::uuid[])
    UNION ALL
    SELECT * FROM desk.challenge WHERE client_id = %(client)s AND subject_id = ANY(%(subjects)s::uuid[])
       AND purpose = 'caller' AND state = 'confirmed' AND decided_at > %(since)s) c

-- Older open codes of the same purpose die when a new one is sent.

-- name: challenges.void_open
UPDATE desk.challenge SET state = 'void', decided_at = %(at)s
WHERE client_id = %(client)s AND subject_id = %(subject)s AND purpose = %(purpose)s AND method = %(method)s
  AND request_id IS NOT DISTINCT FROM %(request)s AND state = 'open'

-- name: challenges.count_try
INSERT INTO desk.try (client_id, subject_id, challenge_id, nth, at)
VALUES (%(client)s, %(subject)s, %(challenge)s, %(nth)s, %(at)s)

-- name: challenges.tries_since
SELECT at FROM desk.try WHERE client_id = %(client)s AND subject_id = %(subject)s AND at > %(since)s ORDER BY at

-- Serialises what counts against one customer's budget of tries and sends.

-- name: challenges.lock_budget
SELECT pg_advisory_xact_lock(hashtextextended(%(subject)s::text, %(client)s)) AS locked

-- name: factors.insert
INSERT INTO desk.factor (client_id, id, subject_id, method, secret_ct, bound_at)
VALUES (%(client)s, %(id)s, %(subject)s, %(method)s, %(secret_ct)s, %(at)s)

-- name: factors.of_subject
SELECT id, method, secret_ct, last_step, bound_at FROM desk.factor
WHERE client_id = %(client)s AND subject_id = %(subject)s AND removed_at IS NULL

-- A time step of an authenticator counts once.

-- name: factors.use_step
UPDATE desk.factor SET last_step = %(step)s WHERE client_id = %(client)s AND id = %(id)s AND last_step < %(step)s

-- name: consents.insert
INSERT INTO desk.consent (client_id, request_id, digest, statement, version, language, wording_hash, way, evidence_ct,
                          recorded_by, given_at)
SELECT %(client)s, c.*
FROM unnest(%(request_id)s::uuid[], %(digest)s::bytea[], %(statement)s::text[], %(version)s::int[], %(language)s::text[],
            %(wording_hash)s::bytea[], %(way)s::text[], %(evidence_ct)s::bytea[], %(recorded_by)s::text[],
            %(given_at)s::timestamptz[]) AS c

-- name: consents.of_requests
SELECT * FROM desk.consent WHERE client_id = %(client)s AND request_id = ANY(%(requests)s::uuid[]) ORDER BY given_at

-- name: decisions.insert
INSERT INTO desk.decision (client_id, request_id, digest, actor, team, verdict, reason_code, note_ct, at)
SELECT %(client)s, d.request_id, d.digest, %(actor)s, %(team)s, %(verdict)s, %(reason_code)s, d.note_ct, %(at)s
FROM unnest(%(request)s::uuid[], %(digest)s::bytea[], %(note)s::bytea[]) AS d (request_id, digest, note_ct)
ON CONFLICT DO NOTHING

-- name: decisions.of_requests
SELECT * FROM desk.decision WHERE client_id = %(client)s AND request_id = ANY(%(requests)s::uuid[]) ORDER BY at

-- name: holds.insert
INSERT INTO desk.hold (client_id, id, subject_id, request_id, blocks, rule, release, placed_by, starts_at, ends_at,
                       carried_from)
SELECT %(client)s, h.id, h.subject_id, h.request_id, string_to_array(h.blocks, ' '), h.rule, h.release, h.placed_by,
       h.starts_at, h.ends_at, h.carried_from
FROM unnest(%(id)s::uuid[], %(subject_id)s::uuid[], %(request_id)s::uuid[], %(blocks)s::text[], %(rule)s::text[],
            %(release)s::text[], %(placed_by)s::text[], %(starts_at)s::timestamptz[], %(ends_at)s::timestamptz[],
            %(carried_from)s::uuid[])
    AS h (id, subject_id, request_id, blocks, rule, release, placed_by, starts_at, ends_at, carried_from)

-- What stands on some customers now.

-- name: holds.active
SELECT * FROM desk.hold
WHERE client_id = %(client)s AND subject_id = ANY(%(subjects)s::uuid[]) AND released_at IS NULL AND starts_at <= %(now)s
  AND (ends_at IS NULL OR ends_at > %(now)s)
ORDER BY starts_at, id

-- A hold is lifted with its copies.

-- name: holds.release
UPDATE desk.hold SET released_at = %(at)s, released_by = %(by)s
WHERE client_id = %(client)s AND (id = %(id)s OR carried_from = %(id)s) AND released_at IS NULL

-- What a merge brought from one record to another goes back: the copies end that are of a hold of the first.

-- name: holds.hand_back
UPDATE desk.hold h SET released_at = %(at)s, released_by = %(by)s
WHERE h.client_id = %(client)s AND h.subject_id = %(survivor)s AND h.released_at IS NULL AND EXISTS (
    SELECT FROM desk.hold m WHERE m.client_id = %(client)s AND m.subject_id = %(merged)s
    AND h.carried_from = coalesce(m.carried_from, m.id))

-- name: disputes.insert
INSERT INTO desk.dispute (client_id, id, subject_id, request_id, token_mac, issued_at, expires_at)
VALUES (%(client)s, %(id)s, %(subject)s, %(request)s, %(token_mac)s, %(at)s, %(expires_at)s)

-- name: disputes.by_token
SELECT * FROM desk.dispute WHERE client_id = %(client)s AND token_mac = %(token_mac)s

-- name: disputes.hold_by_token
SELECT * FROM desk.dispute WHERE client_id = %(client)s AND token_mac = %(token_mac)s FOR NO KEY UPDATE

-- A second click is harmless: the first one's moment stays.

-- name: disputes.open
UPDATE desk.dispute SET opened_at = %(at)s, hold_id = %(hold)s
WHERE client_id = %(client)s AND id = %(id)s AND opened_at IS NULL

-- name: disputes.of_requests
SELECT * FROM desk.dispute WHERE client_id = %(client)s AND request_id = ANY(%(requests)s::uuid[]) AND opened_at IS NOT NULL

-- Disputes that nobody has cleared up, the oldest first, by keyset.

-- name: disputes.open_now
SELECT * FROM desk.dispute
WHERE client_id = %(client)s AND opened_at IS NOT NULL AND resolved_at IS NULL
  AND (opened_at, id) > (%(after_at)s::timestamptz, %(after_id)s::uuid)
ORDER BY opened_at, id LIMIT %(limit)s

-- Disputes that were cleared up, the newest first, by keyset.

-- name: disputes.resolved
SELECT * FROM desk.dispute
WHERE client_id = %(client)s AND resolved_at IS NOT NULL
  AND (resolved_at, id) < (%(before_at)s::timestamptz, %(before_id)s::uuid)
ORDER BY resolved_at DESC, id DESC LIMIT %(limit)s

-- name: disputes.resolve
UPDATE desk.dispute SET resolved_at = %(at)s, resolution = %(resolution)s
WHERE client_id = %(client)s AND id = %(id)s AND opened_at IS NOT NULL AND resolved_at IS NULL
RETURNING subject_id, request_id, hold_id
