-- The newest version with a snapshot (every so many) that was recorded by an instant, 0 where there is none: found by halving.
-- Called by history.as_of for records that have one. A recursive query would cost every question its setting up.
CREATE FUNCTION desk.snapshot_by(client integer, subject uuid, newest integer, known_at timestamptz, every integer)
RETURNS integer LANGUAGE plpgsql STABLE AS
$$
DECLARE
    low integer := 0;
    high integer := newest / every;
    middle integer;
BEGIN
    WHILE low < high LOOP
        middle := (low + high + 1) / 2;
        IF (SELECT e.recorded_at FROM desk.entry e
            WHERE e.client_id = client AND e.subject_id = subject AND e.ver = middle * every) <= known_at
        THEN low := middle; ELSE high := middle - 1; END IF;
    END LOOP;
    RETURN low * every;
END $$;
