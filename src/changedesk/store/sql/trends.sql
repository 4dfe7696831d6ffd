-- Counting a stretch of the log. Each entry, and its request, is looked up by its key: whatever the planner believes of
-- the tables, this costs the same.

-- name: trends.count
INSERT INTO desk.trend AS t (client_id, action, day, channel, kind, times)
SELECT %(client)s, e.kind, (e.recorded_at AT TIME ZONE %(zone)s)::date, e.channel, coalesce(r.kind, ''), count(*)
FROM desk.log_leaf l
CROSS JOIN LATERAL (SELECT * FROM desk.entry WHERE client_id = %(client)s AND id = l.entry_id OFFSET 0) e
LEFT JOIN LATERAL (SELECT kind FROM desk.request
                   WHERE client_id = %(client)s AND id = e.request_id OFFSET 0) r ON true
WHERE l.client_id = %(client)s AND l.idx >= %(start)s AND l.idx < %(until)s
GROUP BY 2, 3, 4, 5
ON CONFLICT (client_id, action, day, channel, kind) DO UPDATE SET times = t.times + excluded.times

-- A status that was told of a record for the first time is no change of it, and is not counted.

-- name: trends.count_status
INSERT INTO desk.trend_status AS t (client_id, day, was, became, times)
SELECT %(client)s, (m.effective_at AT TIME ZONE %(zone)s)::date, m.was, m.became, count(*)
FROM desk.log_leaf l
CROSS JOIN LATERAL (SELECT * FROM desk.entry WHERE client_id = %(client)s AND id = l.entry_id OFFSET 0) e
CROSS JOIN LATERAL (SELECT * FROM desk.status_move
                    WHERE client_id = %(client)s AND change_id = e.change_id AND path = 'status.state' OFFSET 0) m
WHERE l.client_id = %(client)s AND l.idx >= %(start)s AND l.idx < %(until)s
  AND e.ver IS NOT NULL AND m.was IS NOT NULL AND m.became IS NOT NULL
GROUP BY 2, 3, 4
ON CONFLICT (client_id, day, was, became) DO UPDATE SET times = t.times + excluded.times

-- What was counted in some days: by day, by channel and by kind; what a row does not count by is NULL.

-- name: trends.counted
SELECT action, day, channel, kind, sum(times)::bigint AS times FROM desk.trend
WHERE client_id = %(client)s AND action = ANY(%(actions)s::text[]) AND day >= %(since)s AND day < %(until)s
GROUP BY GROUPING SETS ((action, day), (action, channel), (action, kind))

-- name: trends.status
SELECT to_char(day, 'YYYY-MM') AS month, was, became, sum(times)::bigint AS times FROM desk.trend_status
WHERE client_id = %(client)s AND day >= %(since)s AND day < %(until)s
GROUP BY 1, 2, 3 ORDER BY 1, 2, 3

-- Everything that was counted goes, to be counted anew.

-- name: trends.drop
DELETE FROM desk.trend WHERE client_id = %(client)s

-- name: trends.drop_status
DELETE FROM desk.trend_status WHERE client_id = %(client)s
