-- What the planner takes for true of tables that nobody has analysed yet. A client has all of the rows as far as it knows:
-- without that, an index is as good to it as any other that starts with the client, and every plan of a desk's first
-- minute looks for one row among all of a client's. PostgreSQL 18 can be told; an older one finds out by autovacuum.
DO $$
DECLARE t text;
BEGIN
    IF current_setting('server_version_num')::int >= 180000 THEN
        FOR t IN SELECT tablename FROM pg_tables WHERE schemaname = 'desk' LOOP
            PERFORM pg_restore_attribute_stats(
                'schemaname', 'desk'::text, 'relname', t, 'attname', 'client_id'::text, 'inherited', false,
                'null_frac', 0::real, 'avg_width', 4, 'n_distinct', 1::real);
        END LOOP;
    END IF;
END $$;
