-- How a subject stands, move by move: written in the transaction of the entry that says so.

-- name: moves.record
INSERT INTO desk.status_move (client_id, change_id, path, subject_id, was, became, reason, initiated_by, effective_at,
                              recorded_at)
SELECT %(client)s, m.change_id, m.path, m.subject_id, m.was, m.became, m.reason, m.initiated_by, m.effective_at,
       m.recorded_at
FROM unnest(%(change_id)s::uuid[], %(path)s::text[], %(subject_id)s::uuid[], %(was)s::text[], %(became)s::text[],
            %(reason)s::text[], %(initiated_by)s::text[], %(effective_at)s::timestamptz[], %(recorded_at)s::timestamptz[])
    AS m (change_id, path, subject_id, was, became, reason, initiated_by, effective_at, recorded_at)

-- name: moves.of_subject
SELECT change_id, path, subject_id, was, became, reason, initiated_by, effective_at, recorded_at
FROM desk.status_move WHERE client_id = %(client)s AND subject_id = %(subject)s
ORDER BY recorded_at DESC, change_id DESC, path LIMIT %(limit)s
