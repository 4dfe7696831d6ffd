-- Reversals of everything that one actor did in a time: each is a batch of requests, planned as a whole before the first
-- is asked for, so that one that was ended from outside goes on with the same rows.

-- Read by reversals.changes and bundles.of_period: all that was recorded in a time. Ranges of blocks only, since the history grows along it.
CREATE INDEX entry_by_time ON desk.entry USING brin (recorded_at);

CREATE TABLE desk.reversal (
    client_id    integer     NOT NULL,
    id           uuid        NOT NULL,
    whose        text        NOT NULL,
    since        timestamptz NOT NULL,
    until        timestamptz NOT NULL,
    reason       text        NOT NULL,
    force        boolean     NOT NULL,
    handed       boolean     NOT NULL,
    PRIMARY KEY (client_id, id),
    FOREIGN KEY (client_id, id) REFERENCES desk.batch (client_id, id),
    CHECK (since < until)
);
-- Read by reversals.handed: those that the worker asks for, part by part.
CREATE INDEX reversal_handed ON desk.reversal (client_id, id) WHERE handed;

-- What is to be undone together: the changes of one kind on one subject. kind is empty for changes that cannot be undone.
-- What became of it is the row of the batch that has the same number.
CREATE TABLE desk.reversal_row (
    client_id   integer NOT NULL,
    reversal_id uuid    NOT NULL,
    number      integer NOT NULL,
    subject_id  uuid    NOT NULL,
    kind        text    NOT NULL,
    first_ver   integer NOT NULL,
    changes     uuid[]  NOT NULL,
    PRIMARY KEY (client_id, reversal_id, number),
    FOREIGN KEY (client_id, reversal_id) REFERENCES desk.reversal (client_id, id),
    FOREIGN KEY (client_id, subject_id) REFERENCES desk.subject (client_id, id)
);
