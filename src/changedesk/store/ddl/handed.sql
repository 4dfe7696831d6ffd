-- What a page handed to the worker, and what stands here only until that is done: sealed under the client's meta key.

-- Rows of a file that wait to be taken in, with the map that reads them. run_id: the import's run, or the batch. parts: how
-- many there were; each goes with what it brought in counted, so those that are left say where it goes on.
CREATE TABLE desk.file_part (
    client_id integer NOT NULL,
    run_id    uuid    NOT NULL,
    number    integer NOT NULL,
    parts     integer NOT NULL,
    given_by  text    NOT NULL,
    sealed    bytea   NOT NULL,
    PRIMARY KEY (client_id, run_id, number),
    CHECK (number BETWEEN 1 AND parts)
);

-- Evidence that the worker makes because it is large: asked is who wants what, file the bundle until whoever asked
-- fetched it, both sealed under the client's meta key. subjects: whom a finished one is about, whose erasure takes it
-- away. code: of the refusal.
CREATE TABLE desk.bundle_asked (
    client_id integer     NOT NULL,
    id        uuid        NOT NULL,
    asked_by  text        NOT NULL,
    asked_at  timestamptz NOT NULL,
    state     text        NOT NULL CHECK (state IN ('waiting', 'ready', 'refused')),
    asked     bytea       NOT NULL,
    subjects  uuid[]      NOT NULL DEFAULT '{}',
    bundle_id uuid,
    file      bytea,
    code      text        NOT NULL DEFAULT '',
    ends_at   timestamptz NOT NULL,
    PRIMARY KEY (client_id, id),
    CHECK ((state = 'ready') = (file IS NOT NULL) AND (state = 'ready') = (bundle_id IS NOT NULL)),
    CHECK ((state = 'refused') = (code <> ''))
);
