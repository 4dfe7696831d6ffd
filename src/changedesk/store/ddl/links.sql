-- Records that belong together: which one was merged into which, and who else must agree to a transfer.

-- One record was merged into another. Nothing moves: the merged one keeps its stream and its key, and leads to the
-- survivor for as long as the link stands. id is the change that merged it; survivor_change the survivor's own entry.
CREATE TABLE desk.link (
    client_id       integer     NOT NULL,
    id              uuid        NOT NULL,
    merged_id       uuid        NOT NULL,
    survivor_id     uuid        NOT NULL,
    survivor_change uuid        NOT NULL,
    request_id      uuid        NOT NULL,
    since           timestamptz NOT NULL,
    until           timestamptz,
    undo_request_id uuid,
    undo_change     uuid,
    PRIMARY KEY (client_id, id),
    CHECK (merged_id <> survivor_id),
    CHECK ((until IS NULL) = (undo_request_id IS NULL) AND (until IS NULL) = (undo_change IS NULL)),
    FOREIGN KEY (client_id, merged_id) REFERENCES desk.subject (client_id, id),
    FOREIGN KEY (client_id, survivor_id) REFERENCES desk.subject (client_id, id)
);
-- Read by links.around, links.of_merged: where a merged record leads. One at a time.
CREATE UNIQUE INDEX link_of_merged ON desk.link (client_id, merged_id) WHERE until IS NULL;
-- Read by links.around: what was merged into a record.
CREATE INDEX link_of_survivor ON desk.link (client_id, survivor_id, since);

-- What an undone merge could not put back by itself. what is a path or the id of an account, never a value.
CREATE TABLE desk.unmerge_work (
    client_id  integer     NOT NULL,
    link_id    uuid        NOT NULL,
    what       text        NOT NULL,
    why        text        NOT NULL CHECK (why IN ('changed_since', 'changed_while_merged', 'account_moved', 'account_new')),
    at         timestamptz NOT NULL,
    settled_at timestamptz,
    settled_by text,
    PRIMARY KEY (client_id, link_id, what),
    CHECK ((settled_at IS NULL) = (settled_by IS NULL)),
    FOREIGN KEY (client_id, link_id) REFERENCES desk.link (client_id, id)
);
-- Read by links.work_open: what nobody has settled, the oldest first.
CREATE INDEX unmerge_work_open ON desk.unmerge_work (client_id, at, link_id) WHERE settled_at IS NULL;

-- Who is to take an account over, for one content of a request: what they confirm is bound to its digest.
CREATE TABLE desk.transfer (
    client_id  integer     NOT NULL,
    request_id uuid        NOT NULL,
    digest     bytea       NOT NULL CHECK (octet_length(digest) = 32),
    account_id uuid        NOT NULL,
    from_id    uuid        NOT NULL,
    to_id      uuid        NOT NULL,
    asked_at   timestamptz NOT NULL,
    PRIMARY KEY (client_id, request_id, digest),
    CHECK (from_id <> to_id),
    FOREIGN KEY (client_id, request_id) REFERENCES desk.request (client_id, id),
    FOREIGN KEY (client_id, to_id) REFERENCES desk.subject (client_id, id)
);
