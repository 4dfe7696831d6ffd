-- Run by an administrator inside the database, after roles.sql, and harmless when run again.
-- Facts live in the schema "desk", what people edit and what the framework keeps in "public".
-- The rights on each table come after every migration, from store/grants.sql.

REVOKE ALL ON SCHEMA public FROM PUBLIC;
GRANT USAGE, CREATE ON SCHEMA public TO changedesk_owner;
GRANT USAGE ON SCHEMA public TO changedesk_app;

CREATE SCHEMA IF NOT EXISTS desk AUTHORIZATION changedesk_owner;
GRANT USAGE ON SCHEMA desk TO changedesk_app;

-- TEMPORARY is taken away: a temporary table could stand in front of a real one in the search path.
DO $$
BEGIN
    EXECUTE format('REVOKE ALL ON DATABASE %I FROM PUBLIC', current_database());
    EXECUTE format('GRANT CONNECT, TEMPORARY ON DATABASE %I TO changedesk_owner', current_database());
    EXECUTE format('GRANT CONNECT ON DATABASE %I TO changedesk_app', current_database());
    EXECUTE format('ALTER DATABASE %I SET search_path = public, desk', current_database());
    EXECUTE format('ALTER DATABASE %I SET timezone = ''UTC''', current_database());
END
$$;
