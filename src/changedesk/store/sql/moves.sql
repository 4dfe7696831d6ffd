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

-- What became of a client's customers and accounts, by month of its own time zone.

-- name: moves.trend
SELECT to_char(effective_at AT TIME ZONE %(zone)s, 'YYYY-MM') AS month, was, became, count(*)::integer AS times
FROM desk.status_move
WHERE client_id = %(client)s AND path = 'status.state' AND effective_at >= %(since)s AND effective_at < %(until)s
GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
