-- Which records share a term with one at hand, term by term. No term is read further than says that it is a crowd.

-- name: blocks.sharing
SELECT DISTINCT unnest(near.ids) AS subject_id
FROM unnest(%(field)s::text[], %(tag)s::bytea[]) AS t (field, tag)
CROSS JOIN LATERAL (
    SELECT array_agg(b.subject_id) AS ids FROM (
        SELECT subject_id FROM desk.blind_index
        WHERE client_id = %(client)s AND field = t.field AND epoch = %(epoch)s AND tag = t.tag
        ORDER BY subject_id LIMIT %(most)s + 1) b
) near
WHERE cardinality(near.ids) <= %(most)s
