-- Keys that are renewed while the desk works: how far it is, and what the database refuses on the way.

-- A renewal of a client's kek or blind key. old: what still stands under older epochs; todo and done: keys wrapped
-- again, or records whose terms were written again. step as flow.rotating goes through them.
CREATE TABLE desk.rotation (
    client_id   integer     NOT NULL,
    purpose     text        NOT NULL CHECK (purpose IN ('kek', 'blind')),
    epoch       integer     NOT NULL,
    step        text        NOT NULL CHECK (step IN ('announced', 'in_use', 'moving', 'leaving', 'done')),
    step_at     timestamptz NOT NULL,
    after_id    uuid        NOT NULL DEFAULT '00000000-0000-0000-0000-000000000000',
    todo        bigint      NOT NULL,
    done        bigint      NOT NULL DEFAULT 0,
    old         bigint      NOT NULL,
    started_by  text        NOT NULL,
    started_at  timestamptz NOT NULL,
    finished_at timestamptz,
    PRIMARY KEY (client_id, purpose, epoch),
    CHECK ((finished_at IS NOT NULL) = (step = 'done')),
    CHECK (step <> 'done' OR old = 0)
);
-- Read by rotation.running: what is under way. One of a sort at a time.
CREATE UNIQUE INDEX rotation_running ON desk.rotation (client_id, purpose) WHERE finished_at IS NULL;

-- A client's key is wrapped again, or goes on to its next phase. It is destroyed only when a newer one is in use and
-- nothing is left that needs it; the tombstone stays.
CREATE FUNCTION desk.guard_client_key() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN
    IF OLD.wrapped IS NULL OR to_jsonb(NEW) - ARRAY['wrapped', 'master', 'phase']
                              <> to_jsonb(OLD) - ARRAY['wrapped', 'master', 'phase'] THEN
        RAISE EXCEPTION 'a key stays what it is' USING ERRCODE = 'CD022';
    END IF;
    IF NEW.phase <> OLD.phase AND (OLD.phase, NEW.phase) NOT IN
       (('announced', 'in_use'), ('in_use', 'leaving'), ('leaving', 'destroyed')) THEN
        RAISE EXCEPTION 'a key does not go that way' USING ERRCODE = 'CD022';
    END IF;
    IF NEW.phase = 'leaving' AND NOT EXISTS (
        SELECT FROM desk.client_key k WHERE k.client_id = NEW.client_id AND k.purpose = NEW.purpose
        AND k.epoch > NEW.epoch AND k.phase = 'in_use') THEN
        RAISE EXCEPTION 'no newer key is in use' USING ERRCODE = 'CD022';
    END IF;
    IF NEW.wrapped IS NULL AND (
        NEW.purpose NOT IN ('kek', 'blind')
        OR NEW.purpose = 'kek' AND EXISTS (
            SELECT FROM desk.subject_key s WHERE s.client_id = NEW.client_id AND s.epoch = NEW.epoch
            AND s.wrapped IS NOT NULL)
        OR NEW.purpose = 'blind' AND EXISTS (
            SELECT FROM desk.blind_index b WHERE b.client_id = NEW.client_id AND b.epoch = NEW.epoch)) THEN
        RAISE EXCEPTION 'this key is still needed' USING ERRCODE = 'CD022';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER client_key_guard BEFORE UPDATE ON desk.client_key FOR EACH ROW EXECUTE FUNCTION desk.guard_client_key();

-- A data key is wrapped again only under the newer epoch of a renewal that runs. (Wiping it: guards.sql, key_forgets.)
CREATE FUNCTION desk.guard_wrapping() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN
    IF OLD.wrapped IS NULL
       OR to_jsonb(NEW) - ARRAY['wrapped', 'epoch'] <> to_jsonb(OLD) - ARRAY['wrapped', 'epoch']
       OR NEW.epoch <= OLD.epoch OR NOT EXISTS (
           SELECT FROM desk.rotation r WHERE r.client_id = NEW.client_id AND r.purpose = 'kek'
           AND r.epoch = NEW.epoch AND r.finished_at IS NULL) THEN
        RAISE EXCEPTION 'a data key is wrapped again by a renewal, and by nothing else' USING ERRCODE = 'CD022';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER key_wraps_again BEFORE UPDATE ON desk.subject_key FOR EACH ROW
    WHEN (NEW.wrapped IS NOT NULL) EXECUTE FUNCTION desk.guard_wrapping();
