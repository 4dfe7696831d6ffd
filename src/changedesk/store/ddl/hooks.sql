-- Hooks: where a client's own systems are told, and what became of each event. No personal value stands here: the body is
-- made from the log at each try, so whatever was forgotten meanwhile is not told.

-- sealed: the address and the secrets, under the client's meta key; place: its host, for people to read. events and
-- kinds: what it is told, all where empty. failing_since: of the first try that failed since one went well. since: told
-- is what was recorded from then on. draft: what it is to become once a second person approves, sealed like the address;
-- one that is a draft altogether is sent nothing until then.
CREATE TABLE desk.hook (
    client_id     integer     NOT NULL,
    id            uuid        NOT NULL,
    sealed        bytea,
    place         text        NOT NULL,
    events        text[]      NOT NULL,
    kinds         text[]      NOT NULL,
    full_values   boolean     NOT NULL,
    state         text        NOT NULL CHECK (state IN ('draft', 'on', 'paused', 'disabled', 'removed')),
    why           text        NOT NULL DEFAULT '',
    created_by    text        NOT NULL,
    created_at    timestamptz NOT NULL,
    since         timestamptz NOT NULL,
    draft         bytea,
    failing_since timestamptz,
    alarmed_at    timestamptz,
    PRIMARY KEY (client_id, id),
    CHECK ((state = 'removed') = (sealed IS NULL)),
    CHECK (draft IS NULL OR state <> 'removed'),
    CHECK (draft IS NOT NULL OR state <> 'draft'),
    CHECK ((state = 'disabled') = (why <> ''))
);

-- One event on its way to one hook. idx: its place in the log, NULL for a test. fence: of the last try, so that a sender
-- that was given up says nothing any more. given_up: the last try failed, or the hook was removed.
CREATE TABLE desk.hook_delivery (
    client_id  integer     NOT NULL,
    id         uuid        NOT NULL DEFAULT gen_random_uuid(),
    hook_id    uuid        NOT NULL,
    idx        bigint,
    event_id   uuid        NOT NULL,
    type       text        NOT NULL,
    state      text        NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'sent', 'given_up')),
    tries      smallint    NOT NULL DEFAULT 0,
    fence      bigint      NOT NULL DEFAULT 0,
    next_at    timestamptz NOT NULL,
    code       smallint,
    error      text        NOT NULL DEFAULT '',
    created_at timestamptz NOT NULL,
    done_at    timestamptz,
    PRIMARY KEY (client_id, id),
    UNIQUE (client_id, hook_id, idx),
    FOREIGN KEY (client_id, hook_id) REFERENCES desk.hook (client_id, id)
);
-- Who was sent what of which record: a line for each hook, the host that it led to, and whether values went there in clear.
-- fields: the paths of all that was sent. times: how often something was taken; 0 where it was sent, and nobody knows whether
-- it was. No value stands here: it outlives an erasure, of which those who stand here are told.
CREATE TABLE desk.hook_told (
    client_id  integer     NOT NULL,
    subject_id uuid        NOT NULL,
    hook_id    uuid        NOT NULL,
    place      text        NOT NULL,
    clear      boolean     NOT NULL,
    fields     text[]      NOT NULL,
    first_at   timestamptz NOT NULL,
    last_at    timestamptz NOT NULL,
    times      bigint      NOT NULL,
    PRIMARY KEY (client_id, subject_id, hook_id, place, clear),
    FOREIGN KEY (client_id, hook_id) REFERENCES desk.hook (client_id, id)
);
-- Read by hooks.claim: what is due.
CREATE INDEX hook_delivery_due ON desk.hook_delivery (client_id, hook_id, next_at) WHERE state = 'waiting';
-- Read by hooks.deliveries and hooks.again_range: of one hook, newest first, or those of a time.
CREATE INDEX hook_delivery_newest ON desk.hook_delivery (client_id, hook_id, created_at DESC, id DESC);
-- Read by hooks.sweep: what is old.
CREATE INDEX hook_delivery_old ON desk.hook_delivery (client_id, created_at);
-- Read by hooks.counts: what was given up.
CREATE INDEX hook_delivery_given_up ON desk.hook_delivery (client_id, hook_id) WHERE state = 'given_up';
