-- What somebody is at this client. Asked at every call and every page of a member of staff, and never remembered.

-- name: people.membership
SELECT m.roles, m.team FROM public.membership m JOIN public.person p ON p.id = m.person_id
WHERE m.client_id = %(client)s AND m.person_id = %(person)s AND m.active AND p.is_active
