-- The subjects at hand as they stand now, with their keys: the one SELECT of the write path.

-- name: subjects.load
SELECT s.id, s.type, s.ver, s.head_leaf, s.key_id, s.state_ct, s.status, s.created_at, s.next_effective_at,
       s.erased_at, k.epoch, k.wrapped
FROM desk.subject s JOIN desk.subject_key k ON k.client_id = s.client_id AND k.key_id = s.key_id
WHERE s.client_id = %(client)s AND s.id = ANY(%(ids)s::uuid[])

-- One of them, and who holds it now where it is an account.

-- name: subjects.one
SELECT s.id, s.type, s.ver, s.head_leaf, s.key_id, s.state_ct, s.status, s.created_at, s.next_effective_at,
       s.erased_at, k.epoch, k.wrapped,
       CASE WHEN s.type = 'account' THEN ARRAY(
           SELECT h.customer_id FROM desk.holding h
           WHERE h.client_id = %(client)s AND h.account_id = s.id AND h.until IS NULL ORDER BY h.since, h.customer_id
       ) END AS holders
FROM desk.subject s JOIN desk.subject_key k ON k.client_id = s.client_id AND k.key_id = s.key_id
WHERE s.client_id = %(client)s AND s.id = %(id)s

-- Some, locked until the end of the transaction, always in one order so that two batches cannot deadlock.

-- name: subjects.hold
SELECT s.id, s.type, s.ver, s.head_leaf, s.key_id, s.state_ct, s.status, s.created_at, s.next_effective_at,
       s.erased_at, k.epoch, k.wrapped
FROM desk.subject s JOIN desk.subject_key k ON k.client_id = s.client_id AND k.key_id = s.key_id
WHERE s.client_id = %(client)s AND s.id = ANY(%(ids)s::uuid[])
ORDER BY s.id FOR NO KEY UPDATE OF s

-- New subjects; the deferred foreign key wants the entry of their version before the commit.

-- name: subjects.create
INSERT INTO desk.subject (client_id, id, type, ver, head_leaf, key_id, state_ct, status, created_at, next_effective_at)
SELECT %(client)s, s.id, s.type, s.ver, s.head_leaf, s.key_id, s.state_ct, s.status, s.created_at, s.next_at
FROM unnest(%(id)s::uuid[], %(type)s::text[], %(ver)s::int[], %(head)s::bytea[], %(key_id)s::uuid[], %(state)s::bytea[],
            %(status)s::text[], %(at)s::timestamptz[], %(next)s::timestamptz[])
    AS s (id, type, ver, head_leaf, key_id, state_ct, status, created_at, next_at)

-- Who holds which accounts, from an import: what is known of a customer and an account stays, also where it has ended.

-- name: subjects.hold_account
INSERT INTO desk.holding (client_id, account_id, customer_id, role, since)
SELECT %(client)s, h.account_id, h.customer_id, h.role, h.since
FROM unnest(%(account)s::uuid[], %(customer)s::uuid[], %(role)s::text[], %(since)s::timestamptz[])
    AS h (account_id, customer_id, role, since)
WHERE NOT EXISTS (SELECT FROM desk.holding k WHERE k.client_id = %(client)s AND k.account_id = h.account_id
                  AND k.customer_id = h.customer_id AND k.role = h.role)
ON CONFLICT DO NOTHING

-- name: subjects.accounts_of
SELECT account_id, customer_id, role, since, until FROM desk.holding
WHERE client_id = %(client)s AND customer_id = ANY(%(customers)s::uuid[]) ORDER BY since, account_id

-- name: subjects.holders_of
SELECT account_id, customer_id, role, since, until FROM desk.holding
WHERE client_id = %(client)s AND account_id = ANY(%(accounts)s::uuid[]) ORDER BY account_id, since, customer_id

-- What a term of the blind index points at, under any epoch of its key. One more than the limit is asked for, so that "more" can be said.

-- name: subjects.by_tag
SELECT DISTINCT subject_id FROM desk.blind_index
WHERE client_id = %(client)s AND field = %(field)s AND tag = ANY(%(tags)s::bytea[]) ORDER BY subject_id LIMIT %(limit)s

-- Of some subjects, those that carry a further term as well.

-- name: subjects.also_tagged
SELECT subject_id FROM desk.blind_index
WHERE client_id = %(client)s AND field = %(field)s AND tag = ANY(%(tags)s::bytea[]) AND subject_id = ANY(%(subjects)s::uuid[])

-- The accounts that some numbers lead to: an import's whole batch at once.

-- name: subjects.accounts_by_tag
SELECT DISTINCT s.id
FROM unnest(%(fields)s::text[], %(tags)s::bytea[]) AS t (field, tag)
JOIN desk.blind_index b ON b.client_id = %(client)s AND b.field = t.field AND b.tag = t.tag
JOIN desk.subject s ON s.client_id = b.client_id AND s.id = b.subject_id AND s.type = 'account'

-- Subjects that have a future-dated assertion whose time has come.

-- name: subjects.due
SELECT id FROM desk.subject
WHERE client_id = %(client)s AND next_effective_at <= %(now)s ORDER BY next_effective_at, id LIMIT %(limit)s

-- name: subjects.set_next
UPDATE desk.subject SET next_effective_at = %(at)s WHERE client_id = %(client)s AND id = %(id)s

-- A page of all customers by id, for demonstrations and checks that walk the whole client.

-- name: subjects.page
SELECT id FROM desk.subject WHERE client_id = %(client)s AND type = %(type)s AND id > %(after)s ORDER BY id LIMIT %(limit)s
