-- Who looked at whom. Views, reveals and searches are entries of the history like any other; these indexes hold them alone.

-- Read by seen.of_subject and seen.viewers: who looked at a customer, newest first.
CREATE INDEX entry_seen_of_subject ON desk.entry (client_id, subject_id, recorded_at, id)
    WHERE kind IN ('record.viewed', 'record.searched', 'value.revealed');
-- Read by seen.by_actor, seen.revealed_since and readers.namesakes: at whom somebody looked.
CREATE INDEX entry_seen_by_actor ON desk.entry (client_id, actor, recorded_at, id)
    WHERE kind IN ('record.viewed', 'record.searched', 'value.revealed', 'glass.broken', 'glass.reviewed');
-- Read by seen.newest, readers.looked and readers.hours: who looked at anybody.
CREATE INDEX entry_seen_newest ON desk.entry (client_id, recorded_at, id)
    WHERE kind IN ('record.viewed', 'record.searched', 'value.revealed', 'glass.broken', 'glass.reviewed');

-- What was noted about a reveal, under the customer's key: it is forgotten with them.
CREATE TABLE desk.reveal_note (
    client_id integer NOT NULL,
    change_id uuid    NOT NULL,
    note_ct   bytea   NOT NULL,
    PRIMARY KEY (client_id, change_id),
    FOREIGN KEY (client_id, change_id) REFERENCES desk.entry (client_id, change_id) DEFERRABLE INITIALLY DEFERRED
);

-- Broken glass: one person's wider sight of a client's customers. It ends by itself, and another person reviews it.
CREATE TABLE desk.break_glass (
    client_id   integer     NOT NULL,
    id          uuid        NOT NULL,
    actor       text        NOT NULL,
    level       smallint    NOT NULL CHECK (level BETWEEN 2 AND 3),
    reason      text        NOT NULL,
    reference   text        NOT NULL CHECK (reference <> ''),
    started_at  timestamptz NOT NULL,
    until       timestamptz NOT NULL,
    reviewed_by text,
    reviewed_at timestamptz,
    verdict     text CHECK (verdict IN ('justified', 'not_justified')),
    PRIMARY KEY (client_id, id),
    CHECK (until > started_at AND until <= started_at + interval '60 minutes'),
    CHECK (reviewed_by <> actor),
    CHECK ((reviewed_by IS NULL) = (reviewed_at IS NULL) AND (reviewed_by IS NULL) = (verdict IS NULL))
);
-- Read by seen.standing: what somebody may see now.
CREATE INDEX break_glass_of_actor ON desk.break_glass (client_id, actor, until);
-- Read by seen.unreviewed: what waits for a review, oldest first.
CREATE INDEX break_glass_unreviewed ON desk.break_glass (client_id, started_at) WHERE reviewed_at IS NULL;
-- Read by seen.glass: all of it, newest first.
CREATE INDEX break_glass_newest ON desk.break_glass (client_id, started_at);

CREATE FUNCTION desk.guard_break_glass() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN
    IF TG_OP = 'INSERT' THEN
        IF NEW.reviewed_at IS NOT NULL THEN
            RAISE EXCEPTION 'nothing is reviewed before it happens' USING ERRCODE = 'CD023';
        END IF;
        RETURN NEW;
    END IF;
    IF TG_OP <> 'UPDATE' OR OLD.reviewed_at IS NOT NULL
       OR to_jsonb(NEW) - ARRAY['reviewed_by', 'reviewed_at', 'verdict']
          <> to_jsonb(OLD) - ARRAY['reviewed_by', 'reviewed_at', 'verdict'] THEN
        RAISE EXCEPTION 'broken glass stays broken' USING ERRCODE = 'CD023';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER break_glass_guard BEFORE INSERT OR UPDATE OR DELETE ON desk.break_glass FOR EACH ROW
    EXECUTE FUNCTION desk.guard_break_glass();
