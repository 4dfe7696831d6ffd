-- Run by an administrator, once per installation and harmless when run again.
-- Two roles: one owns the schema and migrates, the other is what the running programs are. Neither can go round row
-- security, and the application owns nothing, so that FORCE ROW LEVEL SECURITY holds for it.

DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'changedesk_owner') THEN
        CREATE ROLE changedesk_owner;
    END IF;
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'changedesk_app') THEN
        CREATE ROLE changedesk_app;
    END IF;
END
$$;

ALTER ROLE changedesk_owner LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE NOREPLICATION;
ALTER ROLE changedesk_app LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE NOREPLICATION;
