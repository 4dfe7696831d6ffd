-- name: subject_requests.insert
INSERT INTO desk.subject_request (client_id, id, ref, subject_id, asked, jurisdictions, clocks, level, channel, entered_by,
                                  received_at, created_at, version, state, due_at, due_rule, ack_by, identity_level, delay,
                                  stops, outcome, ground)
VALUES (%(client)s, %(id)s, %(ref)s, %(subject)s, %(asked)s, string_to_array(%(jurisdictions)s, ' '), %(clocks)s, %(level)s,
        %(channel)s, %(entered_by)s, %(received_at)s, %(created_at)s, 1, 'open', %(due_at)s, %(due_rule)s, %(ack_by)s, 0, '',
        '[]', '', '')

-- Locked, by its public name: steps of one request come one after the other.

-- name: subject_requests.hold
SELECT * FROM desk.subject_request WHERE client_id = %(client)s AND ref = %(ref)s FOR NO KEY UPDATE

-- name: subject_requests.by_ref
SELECT * FROM desk.subject_request WHERE client_id = %(client)s AND ref = %(ref)s

-- name: subject_requests.by_id
SELECT * FROM desk.subject_request WHERE client_id = %(client)s AND id = %(id)s

-- name: subject_requests.move
UPDATE desk.subject_request
SET version = version + 1, state = %(state)s, due_at = %(due_at)s, due_rule = %(due_rule)s,
    acknowledged_at = %(acknowledged_at)s, identified_at = %(identified_at)s, identity_level = %(identity_level)s,
    extended_at = %(extended_at)s, delay = %(delay)s, stops = %(stops)s, closed_at = %(closed_at)s,
    outcome = %(outcome)s, ground = %(ground)s, appealed_at = %(appealed_at)s
WHERE client_id = %(client)s AND id = %(id)s

-- The most urgent first, by keyset.

-- name: subject_requests.waiting
SELECT * FROM desk.subject_request
WHERE client_id = %(client)s AND state IN ('open', 'appealed')
  AND (due_at, id) > (%(after_at)s::timestamptz, %(after_id)s::uuid)
ORDER BY due_at, id LIMIT %(limit)s

-- name: subject_requests.newest
SELECT * FROM desk.subject_request
WHERE client_id = %(client)s AND (created_at, id) < (%(before_at)s::timestamptz, %(before_id)s::uuid)
ORDER BY created_at DESC, id DESC LIMIT %(limit)s

-- name: subject_requests.of_subject
SELECT * FROM desk.subject_request WHERE client_id = %(client)s AND subject_id = %(subject)s
ORDER BY created_at DESC, id DESC

-- What a year's figures are made of (11 CCR 7102): no person, only what was asked and how long it took.

-- name: subject_requests.received_in
SELECT asked, state, outcome, ground, received_at, closed_at FROM desk.subject_request
WHERE client_id = %(client)s AND received_at >= %(since)s AND received_at < %(until)s AND created_at >= %(since)s

-- name: subject_requests.link
INSERT INTO desk.subject_request_link (client_id, subject_request_id, request_id, linked_at)
VALUES (%(client)s, %(id)s, %(request)s, %(at)s) ON CONFLICT DO NOTHING

-- name: subject_requests.linked
SELECT request_id FROM desk.subject_request_link
WHERE client_id = %(client)s AND subject_request_id = %(id)s ORDER BY linked_at, request_id

-- name: subject_requests.note
INSERT INTO desk.subject_request_note (client_id, id, subject_request_id, subject_id, step, text_ct, written_by, written_at)
VALUES (%(client)s, %(note)s, %(id)s, %(subject)s, %(step)s, %(text_ct)s, %(by)s, %(at)s)

-- name: subject_requests.notes_of
SELECT id, step, text_ct, written_by, written_at FROM desk.subject_request_note
WHERE client_id = %(client)s AND subject_request_id = %(id)s ORDER BY written_at, id

-- name: subject_requests.statements
SELECT n.id, n.text_ct, n.written_at, r.ref FROM desk.subject_request_note n
JOIN desk.subject_request r ON r.client_id = n.client_id AND r.id = n.subject_request_id
WHERE n.client_id = %(client)s AND n.subject_id = %(subject)s AND n.step = 'statement' ORDER BY n.written_at, n.id

-- name: subject_requests.keep_copy
INSERT INTO desk.subject_copy (client_id, id, subject_request_id, subject_id, digest, body_ct, built_by, built_at, expires_at)
VALUES (%(client)s, %(copy)s, %(id)s, %(subject)s, %(digest)s, %(body_ct)s, %(by)s, %(at)s, %(expires_at)s)

-- name: subject_requests.copy_of
SELECT id, digest, body_ct, built_by, built_at, expires_at FROM desk.subject_copy
WHERE client_id = %(client)s AND subject_request_id = %(id)s

-- name: subject_requests.copy_by_id
SELECT subject_request_id FROM desk.subject_copy WHERE client_id = %(client)s AND id = %(copy)s

-- name: subject_requests.expire_copies
UPDATE desk.subject_copy SET body_ct = NULL
WHERE client_id = %(client)s AND expires_at <= %(at)s AND body_ct IS NOT NULL

-- name: subject_requests.empty_copies
UPDATE desk.subject_copy SET body_ct = NULL
WHERE client_id = %(client)s AND subject_id = %(subject)s AND body_ct IS NOT NULL

-- name: subject_requests.empty_notes
UPDATE desk.subject_request_note SET text_ct = NULL
WHERE client_id = %(client)s AND subject_id = %(subject)s AND text_ct IS NOT NULL

-- What stays of somebody of whom only a part is forgotten, to be sealed under their new key.

-- name: subject_requests.notes_kept
SELECT id, text_ct FROM desk.subject_request_note
WHERE client_id = %(client)s AND subject_id = %(subject)s AND text_ct IS NOT NULL

-- name: subject_requests.set_note
UPDATE desk.subject_request_note SET text_ct = %(text_ct)s WHERE client_id = %(client)s AND id = %(note)s
