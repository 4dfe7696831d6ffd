-- What the search of the history reads: derived from the log by outbound.find, block by block, and made anew at will.
-- No value of anybody stands here: terms are codes and opaque ids, and of former values a few bits of a keyed digest.

-- A stretch of the log (store.audit_search.BLOCK entries): how many of them are known here, and when they were recorded.
-- times: of each step of it (STEP entries) the first and the last, so that a time which ends inside is asked of one step.
CREATE TABLE desk.found_block (
    client_id integer     NOT NULL,
    block     integer     NOT NULL,
    entries   integer     NOT NULL,
    first_at  timestamptz NOT NULL,
    last_at   timestamptz NOT NULL,
    times     bytea       NOT NULL,
    PRIMARY KEY (client_id, block)
);

-- Which entries of a stretch a term is true of: a deflated bitmap, the lowest bit the first entry.
CREATE TABLE desk.found_term (
    client_id integer NOT NULL,
    block     integer NOT NULL,
    term      text    NOT NULL,
    bits      bytea   NOT NULL,
    PRIMARY KEY (client_id, block, term)
);

-- Who once held a value that changed since: 31 bits of a keyed digest, which lead to records that are then opened
-- and compared. Goes with an erasure.
CREATE TABLE desk.found_former (
    client_id  integer NOT NULL,
    tag        integer NOT NULL,
    subject_id uuid    NOT NULL,
    PRIMARY KEY (client_id, tag, subject_id)
);

-- Searches that are kept: by name for good, or without one for an hour, because what was typed may be personal and is to
-- stand in no address. Sealed under the client's own key.
CREATE TABLE desk.kept_search (
    client_id  integer     NOT NULL,
    id         uuid        NOT NULL,
    actor      text        NOT NULL,
    sealed     bytea       NOT NULL,
    made_at    timestamptz NOT NULL,
    expires_at timestamptz,
    PRIMARY KEY (client_id, id)
);
-- Read by audit_search.searches_of: one person's own.
CREATE INDEX kept_search_of_actor ON desk.kept_search (client_id, actor, made_at) WHERE expires_at IS NULL;

-- Files that were made of what a search found. asked: the search without its values.
CREATE TABLE desk.audit_export (
    client_id  integer     NOT NULL,
    id         uuid        NOT NULL,
    actor      text        NOT NULL,
    format     text        NOT NULL,
    asked      text        NOT NULL,
    entries    integer     NOT NULL,
    digest     bytea       NOT NULL CHECK (octet_length(digest) = 32),
    made_at    timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    taken_at   timestamptz,
    PRIMARY KEY (client_id, id)
);

-- Whose entries stand in such a file: whoever asks who was given their data is told of it, once it was handed over.
CREATE TABLE desk.audit_export_about (
    client_id  integer NOT NULL,
    subject_id uuid    NOT NULL,
    export_id  uuid    NOT NULL,
    PRIMARY KEY (client_id, subject_id, export_id),
    FOREIGN KEY (client_id, export_id) REFERENCES desk.audit_export (client_id, id)
);
