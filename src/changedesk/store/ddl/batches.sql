-- Files of requests: one batch a file, one row for each request that a line of it asks for, one line for each approval.

-- file_mark is an HMAC of the file: the same file by the same map is the same batch, and tells nothing else.
-- digest binds an approval to the content of the whole batch; it comes with the end of the file.
CREATE TABLE desk.batch (
    client_id   integer     NOT NULL,
    id          uuid        NOT NULL,
    map         text        NOT NULL,
    file_mark   bytea       NOT NULL,
    entered_by  text        NOT NULL,
    started_at  timestamptz NOT NULL,
    finished_at timestamptz,
    digest      bytea       CHECK (octet_length(digest) = 32),
    PRIMARY KEY (client_id, id),
    UNIQUE (client_id, map, file_mark),
    CHECK ((finished_at IS NULL) = (digest IS NULL))
);

-- What became of a line when it came in. part tells requests of one line apart. reasons: a code and a field path each,
-- of what stood against it or was acknowledged; never a value. digest: the request's content as it came in.
CREATE TABLE desk.batch_row (
    client_id  integer  NOT NULL,
    batch_id   uuid     NOT NULL,
    number     integer  NOT NULL,
    part       smallint NOT NULL,
    outcome    text     NOT NULL CHECK (outcome IN ('requested', 'unchanged', 'refused')),
    request_id uuid,
    digest     bytea    CHECK (octet_length(digest) = 32),
    reasons    jsonb    NOT NULL DEFAULT '[]',
    PRIMARY KEY (client_id, batch_id, number, part),
    CHECK ((outcome = 'requested') = (request_id IS NOT NULL) AND (request_id IS NULL) = (digest IS NULL)),
    FOREIGN KEY (client_id, batch_id) REFERENCES desk.batch (client_id, id),
    FOREIGN KEY (client_id, request_id) REFERENCES desk.request (client_id, id)
);

-- Who approved which content of a batch as one. Each request has its own decision beside it.
CREATE TABLE desk.batch_approval (
    client_id integer     NOT NULL,
    batch_id  uuid        NOT NULL,
    actor     text        NOT NULL,
    digest    bytea       NOT NULL CHECK (octet_length(digest) = 32),
    at        timestamptz NOT NULL,
    PRIMARY KEY (client_id, batch_id, actor),
    FOREIGN KEY (client_id, batch_id) REFERENCES desk.batch (client_id, id)
);
