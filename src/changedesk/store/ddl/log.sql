-- What is published of the log: checkpoints, cosignatures, and the installation's own log of them. The signing keys
-- stand with the client's other keys. Client 0 is the installation itself.

-- Every checkpoint of a log. Size and root are kept before anything of that size is published, the note once its
-- tiles stand: there are never two roots for one size, and what was begun is finished as it was begun.
CREATE TABLE desk.checkpoint (
    client_id integer     NOT NULL,
    size      bigint      NOT NULL CHECK (size > 0),
    root      bytea       NOT NULL CHECK (octet_length(root) = 32),
    begun_at  timestamptz NOT NULL,
    note      bytea,
    PRIMARY KEY (client_id, size)
);

-- What witnesses signed. The line is published behind the log's own signatures.
CREATE TABLE desk.cosignature (
    client_id integer NOT NULL,
    size      bigint  NOT NULL,
    witness   text    NOT NULL,
    line      text    NOT NULL,
    PRIMARY KEY (client_id, witness, size),
    FOREIGN KEY (client_id, size) REFERENCES desk.checkpoint (client_id, size)
);
-- Read by log.cosignatures: the lines of one checkpoint.
CREATE INDEX cosignature_of_checkpoint ON desk.cosignature (client_id, size);

-- The entries of the installation's log: SHA-256 of each client's signed checkpoint.
CREATE TABLE desk.anchor (
    client_id integer NOT NULL CHECK (client_id = 0),
    id        bigint  NOT NULL,
    log       integer NOT NULL,
    size      bigint  NOT NULL,
    digest    bytea   NOT NULL CHECK (octet_length(digest) = 32),
    PRIMARY KEY (client_id, id),
    UNIQUE (client_id, log, size)
);

CREATE FUNCTION desk.guard_checkpoint() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN
    IF TG_OP <> 'UPDATE' OR OLD.note IS NOT NULL
       OR (NEW.client_id, NEW.size, NEW.root, NEW.begun_at) IS DISTINCT FROM
          (OLD.client_id, OLD.size, OLD.root, OLD.begun_at) THEN
        RAISE EXCEPTION 'a checkpoint stays as it was published' USING ERRCODE = 'CD012';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER checkpoint_guard BEFORE UPDATE OR DELETE ON desk.checkpoint FOR EACH ROW
    EXECUTE FUNCTION desk.guard_checkpoint();
