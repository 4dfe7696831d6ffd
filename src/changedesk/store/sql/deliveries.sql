-- A notice that is queued already is not queued again.

-- name: deliveries.enqueue
INSERT INTO desk.delivery (client_id, id, dedupe, subject_id, request_id, log_idx, event, channel, language, template,
                           required, key_id, message_ct, state, next_at, created_at)
SELECT %(client)s, d.id, d.dedupe, d.subject_id, d.request_id, d.log_idx, d.event, d.channel, d.language, d.template,
       d.required, d.key_id, d.message_ct, 'pending', d.next_at, d.next_at
FROM unnest(%(id)s::uuid[], %(dedupe)s::text[], %(subject_id)s::uuid[], %(request_id)s::uuid[], %(log_idx)s::bigint[],
            %(event)s::text[], %(channel)s::text[], %(language)s::text[], %(template)s::text[], %(required)s::boolean[],
            %(key_id)s::uuid[], %(message_ct)s::bytea[], %(next_at)s::timestamptz[])
    AS d (id, dedupe, subject_id, request_id, log_idx, event, channel, language, template, required, key_id, message_ct,
          next_at)
ON CONFLICT (client_id, dedupe) DO NOTHING

-- Asked in every round, so that a claim is made only where there is something to claim.

-- name: deliveries.due
SELECT EXISTS (SELECT FROM desk.delivery WHERE client_id = %(client)s AND state = 'pending' AND next_at <= %(now)s) AS due

-- Due notices, claimed with a lease and a fencing number that must come back with the result.

-- name: deliveries.claim
UPDATE desk.delivery d
SET state = 'sending', lease_until = %(lease_until)s, fence = d.fence + 1, attempts = d.attempts + 1
FROM (SELECT id FROM desk.delivery WHERE client_id = %(client)s AND state = 'pending' AND next_at <= %(now)s
      ORDER BY next_at, id LIMIT %(limit)s FOR UPDATE SKIP LOCKED) due
WHERE d.client_id = %(client)s AND d.id = due.id
RETURNING d.*, NULL::text AS ref

-- A sender that died between sending and saying so leaves an unknown: shown to people, never sent again by itself.

-- name: deliveries.lapse
UPDATE desk.delivery SET state = 'unconfirmed', last_error = 'sender-lost', done_at = %(now)s
WHERE client_id = %(client)s AND state = 'sending' AND lease_until < %(now)s
RETURNING id, subject_id, request_id, event, channel, template

-- name: deliveries.finish
UPDATE desk.delivery SET state = %(state)s, next_at = coalesce(%(next_at)s::timestamptz, next_at), last_error = %(error)s,
       provider_id = %(provider_id)s, done_at = %(done_at)s, lease_until = NULL,
       message_ct = CASE WHEN %(forget)s THEN NULL ELSE message_ct END
WHERE client_id = %(client)s AND id = %(id)s AND state = 'sending' AND fence = %(fence)s

-- A person sends a failed or unconfirmed notice again.

-- name: deliveries.resend
UPDATE desk.delivery SET state = 'pending', next_at = %(now)s, last_error = NULL, done_at = NULL
WHERE client_id = %(client)s AND id = %(id)s AND state IN ('failed', 'unconfirmed') AND message_ct IS NOT NULL
RETURNING id, subject_id, request_id

-- name: deliveries.attention
SELECT d.*, r.ref FROM desk.delivery d
LEFT JOIN desk.request r ON r.client_id = d.client_id AND r.id = d.request_id
WHERE d.client_id = %(client)s AND d.state IN ('failed', 'unconfirmed')
ORDER BY d.created_at DESC LIMIT %(limit)s

-- name: deliveries.of_request
SELECT d.*, r.ref FROM desk.delivery d
LEFT JOIN desk.request r ON r.client_id = d.client_id AND r.id = d.request_id
WHERE d.client_id = %(client)s AND d.request_id = %(request)s ORDER BY d.created_at, d.id

-- The in-app outbox, newest first.

-- name: deliveries.outbox
SELECT d.*, r.ref FROM desk.delivery d
LEFT JOIN desk.request r ON r.client_id = d.client_id AND r.id = d.request_id
WHERE d.client_id = %(client)s AND (d.created_at, d.id) < (%(before)s, %(last)s)
ORDER BY d.created_at DESC, d.id DESC LIMIT %(limit)s
