-- name: challenges.insert
INSERT INTO desk.challenge (client_id, id, subject_id, request_id, purpose, method, contact_path, contact_version,
                            digest, code_mac, state, started_by, started_at, expires_at)
SELECT %(client)s, c.id, c.subject_id, c.request_id, c.purpose, c.method, c.contact_path, c.contact_version, c.digest,
       c.code_mac, 'open', c.started_by, c.started_at, c.expires_at
FROM unnest(%(id)s::uuid[], %(subject_id)s::uuid[], %(request_id)s::uuid[], %(purpose)s::text[], %(method)s::text[],
            %(contact_path)s::text[], %(contact_version)s::int[], %(digest)s::bytea[], %(code_mac)s::bytea[],
            %(started_by)s::text[], %(started_at)s::timestamptz[], %(expires_at)s::timestamptz[])
    AS c (id, subject_id, request_id, purpose, method, contact_path, contact_version, digest, code_mac, started_by,
          started_at, expires_at)

-- Whom some challenges are about, and the requests that they are of: what never changes of them.

-- name: challenges.places
SELECT c.id AS challenge, c.subject_id AS whom, r.id, r.ref, r.subject_id, r.person_id, r.kind, r.received_at
FROM desk.challenge c LEFT JOIN desk.request r ON r.client_id = %(client)s AND r.id = c.request_id
WHERE c.client_id = %(client)s AND c.id = ANY(%(ids)s::uuid[])

-- Challenges, locked in one order: two answers to one at once are counted one after the other.

-- name: challenges.hold
SELECT * FROM desk.challenge WHERE client_id = %(client)s AND id = ANY(%(ids)s::uuid[]) ORDER BY id FOR NO KEY UPDATE

-- Their ids are said twice, here and below, so that no plan looks for them among all that are open.

-- name: challenges.decide
UPDATE desk.challenge c SET state = d.state, tries = d.tries,
       decided_at = CASE WHEN d.state = 'open' THEN NULL ELSE %(at)s::timestamptz END
FROM unnest(%(id)s::uuid[], %(state)s::text[], %(tries)s::smallint[]) AS d (id, state, tries)
WHERE c.client_id = %(client)s AND c.id = ANY(%(id)s::uuid[]) AND c.id = d.id AND c.state = 'open'

-- Some customers' challenges of late: sends and states, across channels and codes.

-- name: challenges.of_subjects
SELECT * FROM desk.challenge
WHERE client_id = %(client)s AND subject_id = ANY(%(subjects)s::uuid[]) AND started_at > %(since)s
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
UPDATE desk.challenge c SET state = 'void', decided_at = %(at)s
FROM unnest(%(subject_id)s::uuid[], %(purpose)s::text[], %(method)s::text[], %(request_id)s::uuid[])
    AS n (subject_id, purpose, method, request_id)
WHERE c.client_id = %(client)s AND c.subject_id = ANY(%(subject_id)s::uuid[]) AND c.subject_id = n.subject_id
  AND c.purpose = n.purpose AND c.method = n.method AND c.request_id IS NOT DISTINCT FROM n.request_id
  AND c.state = 'open'

-- name: challenges.count_tries
INSERT INTO desk.try (client_id, subject_id, challenge_id, nth, at)
SELECT %(client)s, t.subject_id, t.challenge_id, t.nth, %(at)s
FROM unnest(%(subject)s::uuid[], %(challenge)s::uuid[], %(nth)s::smallint[]) AS t (subject_id, challenge_id, nth)

-- name: challenges.tries_since
SELECT subject_id, at FROM desk.try
WHERE client_id = %(client)s AND subject_id = ANY(%(subjects)s::uuid[]) AND at > %(since)s ORDER BY at

-- Serialises what counts against customers' budgets of tries and sends, in the order given.

-- name: challenges.lock_budgets
SELECT pg_advisory_xact_lock(hashtextextended(s.id::text, %(client)s)) AS locked
FROM unnest(%(subjects)s::uuid[]) AS s (id)

-- name: factors.insert
INSERT INTO desk.factor (client_id, id, subject_id, method, secret_ct, bound_at)
VALUES (%(client)s, %(id)s, %(subject)s, %(method)s, %(secret_ct)s, %(at)s)

-- name: factors.of_subjects
SELECT id, subject_id, method, secret_ct, last_step, bound_at FROM desk.factor
WHERE client_id = %(client)s AND subject_id = ANY(%(subjects)s::uuid[]) AND removed_at IS NULL

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
