-- Forgetting. A job says whose data goes and which of it; without one nothing is wiped (guards.sql), and with one in
-- state requested only what was under way: the rest waits until the journal outside this database has it.

-- whole: everything goes, with the key. decisions: by field, {path, verdict, rule, retention, until, upto}: what goes
-- (of versions up to upto, where it is given), what stays, by which rule and until when. Never a value. last_word: the
-- key of the last message, which stands only until that is sent. along: the erasure of the record that this one was
-- merged into, which took it along. accounts: what became of each that the person held, {account, becomes, rule, until}.
CREATE TABLE desk.erasure (
    client_id    integer     NOT NULL,
    id           uuid        NOT NULL,
    subject_id   uuid        NOT NULL,
    request_id   uuid,
    cause        text        NOT NULL CHECK (cause IN ('request', 'merged', 'retention', 'journal')),
    whole        boolean     NOT NULL,
    decisions    jsonb       NOT NULL,
    recipients   text[]      NOT NULL,
    state        text        NOT NULL CHECK (state IN ('requested', 'journaled', 'done')),
    last_word    uuid,
    along        uuid,
    accounts     jsonb       NOT NULL DEFAULT '[]',
    requested_by text        NOT NULL,
    requested_at timestamptz NOT NULL,
    journaled_at timestamptz,
    confirmed_at timestamptz,
    confirmed_change uuid,
    PRIMARY KEY (client_id, id),
    FOREIGN KEY (client_id, subject_id) REFERENCES desk.subject (client_id, id),
    FOREIGN KEY (client_id, request_id) REFERENCES desk.request (client_id, id),
    FOREIGN KEY (client_id, along) REFERENCES desk.erasure (client_id, id),
    CHECK ((cause IN ('request', 'merged')) = (request_id IS NOT NULL) AND (cause = 'merged') = (along IS NOT NULL)),
    CHECK ((state = 'requested') = (journaled_at IS NULL) AND (state = 'done') = (confirmed_at IS NOT NULL))
);
-- Read by forget.open_now: one job of a subject at a time.
CREATE UNIQUE INDEX erasure_open ON desk.erasure (client_id, subject_id) WHERE state <> 'done';
-- Read by forget.newest: certificates, the newest first.
CREATE INDEX erasure_newest ON desk.erasure (client_id, requested_at DESC, id DESC);
-- Read by forget.of_subject: what was forgotten of a customer.
CREATE INDEX erasure_of_subject ON desk.erasure (client_id, subject_id);

-- Read by forget.taken_along: the merged records of a certificate.
CREATE INDEX erasure_along ON desk.erasure (client_id, along) WHERE along IS NOT NULL;

-- How far a day's retention run has come. after_id is the last subject that it looked at.
CREATE TABLE desk.retention_run (
    client_id   integer     NOT NULL,
    day         date        NOT NULL,
    after_id    uuid        NOT NULL,
    looked_at   integer     NOT NULL DEFAULT 0,
    erased      integer     NOT NULL DEFAULT 0,
    finished_at timestamptz,
    PRIMARY KEY (client_id, day)
);
