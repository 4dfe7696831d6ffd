-- Audits of a log, each from when it began. note is signed by the log's key: what was audited up to which size and root,
-- so that the next one may go on from there. fault, idx and change_id name the first bad entry; findings is how many.
CREATE TABLE desk.audit_run (
    client_id   integer     NOT NULL,
    id          uuid        NOT NULL,
    whole       boolean     NOT NULL,
    started_at  timestamptz NOT NULL,
    finished_at timestamptz,
    start       bigint,
    size        bigint,
    findings    integer,
    fault       text,
    idx         bigint,
    change_id   uuid,
    note        bytea,
    PRIMARY KEY (client_id, id),
    CHECK ((finished_at IS NULL) = (findings IS NULL))
);
-- Read by audits.newest and audits.newest_finished: the last ones.
CREATE INDEX audit_run_newest ON desk.audit_run (client_id, started_at DESC);

CREATE FUNCTION desk.guard_audit_run() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN
    IF TG_OP <> 'UPDATE' OR OLD.finished_at IS NOT NULL
       OR (NEW.id, NEW.whole, NEW.started_at) IS DISTINCT FROM (OLD.id, OLD.whole, OLD.started_at) THEN
        RAISE EXCEPTION 'what an audit found stays' USING ERRCODE = 'CD019';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER audit_run_guard BEFORE UPDATE OR DELETE ON desk.audit_run FOR EACH ROW
    EXECUTE FUNCTION desk.guard_audit_run();

-- Bundles of evidence that left the house. What was asked for is sealed in the entry that says so; change_id names the first
-- of them, and grows with time.
CREATE TABLE desk.bundle (
    client_id integer     NOT NULL,
    change_id uuid        NOT NULL,
    id        uuid        NOT NULL,
    taken_by  text        NOT NULL,
    taken_at  timestamptz NOT NULL,
    PRIMARY KEY (client_id, change_id),
    UNIQUE (client_id, id)
);
