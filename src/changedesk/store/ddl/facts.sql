-- Tables that record. Written by the named queries of store/sql only. Every primary key starts with the client:
-- row security, partitioning and sharding by client all follow from it.
CREATE SCHEMA IF NOT EXISTS desk;

-- A client's own keys, wrapped by a version of the master key: kek (wraps subject keys), meta (staff part of entries),
-- blind (blind index), code (codes and idempotency bodies), log and log_pq (sign the log: Ed25519, ML-DSA-44).
-- phase: announced (known, not yet used), in_use, leaving (opens, nothing new), destroyed (a tombstone). See rotation.sql.
CREATE TABLE desk.client_key (
    client_id  integer     NOT NULL,
    purpose    text        NOT NULL CHECK (purpose IN ('kek', 'meta', 'blind', 'code', 'log', 'log_pq')),
    epoch      integer     NOT NULL,
    key_id     uuid        NOT NULL,
    wrapped    bytea,
    master     text        NOT NULL,
    phase      text        NOT NULL DEFAULT 'in_use' CHECK (phase IN ('announced', 'in_use', 'leaving', 'destroyed')),
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (client_id, purpose, epoch),
    CHECK ((wrapped IS NULL) = (phase = 'destroyed'))
);

-- One data key per subject. The tombstone (wrapped NULL, shredded_at set) stays for ever.
CREATE TABLE desk.subject_key (
    client_id   integer NOT NULL,
    key_id      uuid    NOT NULL,
    subject_id  uuid    NOT NULL,
    epoch       integer NOT NULL,
    wrapped     bytea,
    shredded_at timestamptz,
    PRIMARY KEY (client_id, key_id),
    CHECK ((wrapped IS NULL) = (shredded_at IS NOT NULL))
);
-- Read by keys.of_subjects: the keys of the subjects at hand.
CREATE INDEX subject_key_by_subject ON desk.subject_key (client_id, subject_id);

-- A customer or an account as it stands now; or the desk itself, which is what searches and the like are about. No index
-- on ver or state_ct, so that updates stay HOT.
CREATE TABLE desk.subject (
    client_id         integer  NOT NULL,
    id                uuid     NOT NULL,
    type              text     NOT NULL CHECK (type IN ('customer', 'account', 'desk')),
    ver               integer  NOT NULL CHECK (ver >= 1),
    head_leaf         bytea    NOT NULL CHECK (octet_length(head_leaf) = 32),
    key_id            uuid     NOT NULL,
    state_ct          bytea,
    status            text     NOT NULL DEFAULT 'active',
    created_at        timestamptz NOT NULL,
    next_effective_at timestamptz,
    erased_at         timestamptz,
    PRIMARY KEY (client_id, id)
) WITH (fillfactor = 70);
-- Read by subjects.due: what the clock must make effective.
CREATE INDEX subject_next_effective ON desk.subject (client_id, next_effective_at) WHERE next_effective_at IS NOT NULL;

-- Who holds an account, and who else may act on it.
CREATE TABLE desk.holding (
    client_id   integer     NOT NULL,
    account_id  uuid        NOT NULL,
    customer_id uuid        NOT NULL,
    role        text        NOT NULL,
    since       timestamptz NOT NULL,
    until       timestamptz,
    PRIMARY KEY (client_id, account_id, customer_id, role, since),
    FOREIGN KEY (client_id, account_id) REFERENCES desk.subject (client_id, id),
    FOREIGN KEY (client_id, customer_id) REFERENCES desk.subject (client_id, id)
);
-- Read by links.hold_holding: as what a customer holds an account now. Once at a time.
CREATE UNIQUE INDEX holding_now ON desk.holding (client_id, account_id, customer_id, role) WHERE until IS NULL;
-- Read by subjects.accounts_of: a customer's accounts.
CREATE INDEX holding_by_customer ON desk.holding (client_id, customer_id);

-- What was asked. subject_id is what changes; person_id the customer who is verified for it, agrees to it and is told:
-- the same, or the holder of the account.
CREATE TABLE desk.request (
    client_id       integer     NOT NULL,
    id              uuid        NOT NULL,
    ref             text        NOT NULL,
    subject_id      uuid        NOT NULL,
    person_id       uuid        NOT NULL,
    initiated_by    text        NOT NULL CHECK (initiated_by IN ('customer', 'business', 'system')),
    kind            text        NOT NULL,
    operation       text        NOT NULL,
    state           text        NOT NULL,
    version         integer     NOT NULL DEFAULT 1,
    revision        integer     NOT NULL DEFAULT 1,
    channel         text        NOT NULL,
    requested_by    text        NOT NULL,
    entered_by      text        NOT NULL,
    entered_team    text        NOT NULL DEFAULT '',
    on_behalf_of    text,
    interaction     text,
    reason_code     text        NOT NULL,
    fields          text[]      NOT NULL,
    base_ver        integer     NOT NULL,
    digest          bytea       NOT NULL CHECK (octet_length(digest) = 32),
    key_id          uuid        NOT NULL,
    proposal_ct     bytea,
    route           jsonb       NOT NULL,
    needs_level     smallint    NOT NULL,
    needs_consent   text,
    needs_approvals smallint    NOT NULL,
    reverts         uuid,
    effective_at    timestamptz,
    received_at     timestamptz NOT NULL,
    submitted_at    timestamptz NOT NULL,
    state_at        timestamptz NOT NULL,
    expires_at      timestamptz NOT NULL,
    hold_until      timestamptz,
    applied_change  uuid,
    PRIMARY KEY (client_id, id),
    UNIQUE (client_id, ref),
    FOREIGN KEY (client_id, subject_id) REFERENCES desk.subject (client_id, id),
    FOREIGN KEY (client_id, person_id) REFERENCES desk.subject (client_id, id)
) WITH (fillfactor = 80);
-- Read by requests.queue: open work, oldest first.
CREATE INDEX request_queue ON desk.request (client_id, state, received_at);
-- Read by requests.of_subject: a customer's or an account's requests, newest first.
CREATE INDEX request_of_subject ON desk.request (client_id, subject_id, received_at DESC);
-- Read by requests.of_subject: what a customer asked for their accounts.
CREATE INDEX request_of_person ON desk.request (client_id, person_id, received_at DESC) WHERE person_id <> subject_id;
-- Read by requests.due: what the clock must apply or expire.
CREATE INDEX request_due ON desk.request (client_id, expires_at)
    WHERE state NOT IN ('applied', 'rejected', 'withdrawn', 'cancelled', 'expired', 'failed');

-- One open request per subject and field; the row goes when the request ends.
CREATE TABLE desk.open_field (
    client_id  integer NOT NULL,
    subject_id uuid    NOT NULL,
    field      text    NOT NULL,
    request_id uuid    NOT NULL,
    PRIMARY KEY (client_id, subject_id, field)
);
-- Read by requests.give_back_fields: the fields that an ended request gives back.
CREATE INDEX open_field_by_request ON desk.open_field (client_id, request_id);

-- A challenge and what came of it. code_mac is an HMAC; the code itself is kept nowhere.
CREATE TABLE desk.challenge (
    client_id       integer     NOT NULL,
    id              uuid        NOT NULL,
    subject_id      uuid        NOT NULL,
    request_id      uuid,
    purpose         text        NOT NULL CHECK (purpose IN ('caller', 'change', 'new_contact')),
    method          text        NOT NULL,
    contact_path    text,
    contact_version integer,
    digest          bytea,
    code_mac        bytea,
    state           text        NOT NULL CHECK (state IN ('open', 'confirmed', 'failed', 'expired', 'void')),
    tries           smallint    NOT NULL DEFAULT 0,
    started_by      text        NOT NULL,
    started_at      timestamptz NOT NULL,
    expires_at      timestamptz NOT NULL,
    decided_at      timestamptz,
    PRIMARY KEY (client_id, id)
);
-- Read by challenges.of_subjects: tries and sends of a customer across channels.
CREATE INDEX challenge_of_subject ON desk.challenge (client_id, subject_id, started_at DESC);
-- Read by challenges.of_requests: a request's evidence.
CREATE INDEX challenge_of_request ON desk.challenge (client_id, request_id) WHERE request_id IS NOT NULL;

-- A wrong answer, counted per customer across channels and codes.
CREATE TABLE desk.try (
    client_id    integer     NOT NULL,
    subject_id   uuid        NOT NULL,
    challenge_id uuid        NOT NULL,
    nth          smallint    NOT NULL,
    at           timestamptz NOT NULL,
    PRIMARY KEY (client_id, subject_id, at, challenge_id, nth)
);

-- An authenticator bound to a customer.
CREATE TABLE desk.factor (
    client_id  integer     NOT NULL,
    id         uuid        NOT NULL,
    subject_id uuid        NOT NULL,
    method     text        NOT NULL,
    secret_ct  bytea,
    last_step  bigint      NOT NULL DEFAULT 0,
    bound_at   timestamptz NOT NULL,
    removed_at timestamptz,
    PRIMARY KEY (client_id, id)
);
-- Read by factors.of_subjects: the authenticators of a customer.
CREATE INDEX factor_of_subject ON desk.factor (client_id, subject_id);

CREATE TABLE desk.consent (
    client_id     integer     NOT NULL,
    request_id    uuid        NOT NULL,
    digest        bytea       NOT NULL,
    statement     text        NOT NULL,
    version       integer     NOT NULL,
    language      text        NOT NULL,
    wording_hash  bytea       NOT NULL,
    way           text        NOT NULL,
    evidence_ct   bytea,
    recorded_by   text        NOT NULL,
    given_at      timestamptz NOT NULL,
    PRIMARY KEY (client_id, request_id, digest)
);

CREATE TABLE desk.decision (
    client_id   integer     NOT NULL,
    request_id  uuid        NOT NULL,
    digest      bytea       NOT NULL,
    actor       text        NOT NULL,
    team        text        NOT NULL DEFAULT '',
    verdict     text        NOT NULL CHECK (verdict IN ('approve', 'reject')),
    reason_code text,
    note_ct     bytea,
    at          timestamptz NOT NULL,
    PRIMARY KEY (client_id, request_id, digest, actor)
);

-- What a hold blocks, until when, and who lifted it. Checked in the transaction of what it blocks.
CREATE TABLE desk.hold (
    client_id   integer     NOT NULL,
    id          uuid        NOT NULL,
    subject_id  uuid        NOT NULL,
    request_id  uuid,
    blocks      text[]      NOT NULL,
    rule        text        NOT NULL,
    release     text        NOT NULL,
    placed_by   text        NOT NULL,
    starts_at   timestamptz NOT NULL,
    ends_at     timestamptz,
    released_at timestamptz,
    released_by text,
    -- The hold that this one is a copy of: a merge, or its undoing, carries holds to the other record.
    carried_from uuid,
    PRIMARY KEY (client_id, id)
);
-- Read by holds.active: what stands on a customer.
CREATE INDEX hold_of_subject ON desk.hold (client_id, subject_id) WHERE released_at IS NULL;
-- Read by holds.release: the copies, which go with what they are copies of.
CREATE INDEX hold_carried ON desk.hold (client_id, carried_from) WHERE released_at IS NULL AND carried_from IS NOT NULL;

-- "This wasn't me": token_mac is an HMAC of the link's secret.
CREATE TABLE desk.dispute (
    client_id   integer     NOT NULL,
    id          uuid        NOT NULL,
    subject_id  uuid        NOT NULL,
    request_id  uuid        NOT NULL,
    token_mac   bytea       NOT NULL,
    issued_at   timestamptz NOT NULL,
    expires_at  timestamptz NOT NULL,
    opened_at   timestamptz,
    hold_id     uuid,
    resolved_at timestamptz,
    resolution  text,
    PRIMARY KEY (client_id, id),
    UNIQUE (client_id, token_mac)
);
-- Read by disputes.open_now: open disputes first.
CREATE INDEX dispute_open ON desk.dispute (client_id, opened_at) WHERE opened_at IS NOT NULL AND resolved_at IS NULL;
-- Read by disputes.resolved: what came out, the newest first.
CREATE INDEX dispute_resolved ON desk.dispute (client_id, resolved_at, id) WHERE resolved_at IS NOT NULL;

-- A retried call gets the same answer. reply holds references and states only, never a personal value.
CREATE TABLE desk.once (
    client_id   integer     NOT NULL,
    actor       text        NOT NULL,
    key_hash    bytea       NOT NULL,
    body_mac    bytea       NOT NULL,
    reply       jsonb,
    recorded_at timestamptz NOT NULL,
    PRIMARY KEY (client_id, actor, key_hash)
);

CREATE SEQUENCE desk.entry_id AS bigint CACHE 1;

-- The history. Columns give back the leaf document byte for byte (ledger.entry.leaf), the previous leaf from the version
-- before; there is no UPDATE and no DELETE. fields: the paths that changed, parted by spaces. Wide columns stand where
-- they leave no gap, and what only grows at its end is packed full: this table is most of what a change costs to keep.
CREATE TABLE desk.entry (
    client_id   integer     NOT NULL,
    ver         integer,
    id          bigint      NOT NULL,
    recorded_at timestamptz NOT NULL,
    change_id   uuid        NOT NULL,
    subject_id  uuid        NOT NULL,
    request_id  uuid,
    kind        text        NOT NULL,
    actor       text        NOT NULL,
    channel     text        NOT NULL,
    fields      text,
    fields_hash bytea       NOT NULL,
    meta_hash   bytea       NOT NULL,
    leaf_hash   bytea       NOT NULL,
    PRIMARY KEY (client_id, id) WITH (fillfactor = 100),
    UNIQUE (client_id, subject_id, ver)
);
-- Read by history.timeline and readers.certified: a subject's observations but for looks, newest first; its changes are by version.
CREATE INDEX entry_observed ON desk.entry (client_id, subject_id, id)
    WHERE ver IS NULL AND kind NOT IN ('record.viewed', 'record.searched', 'value.revealed');
-- Read by history.by_change: an entry by its public id.
CREATE UNIQUE INDEX entry_by_change ON desk.entry (client_id, change_id);
-- Read by history.of_request: a request's whole evidence.
CREATE INDEX entry_of_request ON desk.entry (client_id, request_id, id) WHERE request_id IS NOT NULL;

-- Every change of how a subject stands, in codes that name nobody: what trends.count_status counts, no payload opened.
-- Written with its entry, by whoever wrote that. was NULL: nothing had been said before.
CREATE TABLE desk.status_move (
    client_id    integer     NOT NULL,
    change_id    uuid        NOT NULL,
    path         text        NOT NULL,
    subject_id   uuid        NOT NULL,
    was          text,
    became       text,
    reason       text        NOT NULL,
    initiated_by text        NOT NULL,
    effective_at timestamptz NOT NULL,
    recorded_at  timestamptz NOT NULL,
    PRIMARY KEY (client_id, change_id, path)
);
-- Read by moves.of_subject: how one subject stood, newest first.
CREATE INDEX status_move_of_subject ON desk.status_move (client_id, subject_id, recorded_at DESC);

-- The sealed parts of an entry, without the frame that says by which key: ct under the subject's, meta_ct under the
-- client's of an epoch.
CREATE TABLE desk.payload (
    client_id  integer NOT NULL,
    meta_epoch integer NOT NULL,
    entry_id   bigint  NOT NULL,
    ct         bytea,
    meta_ct    bytea   NOT NULL,
    PRIMARY KEY (client_id, entry_id) WITH (fillfactor = 100)
);

CREATE TABLE desk.blind_index (
    client_id  integer  NOT NULL,
    field      text     NOT NULL,
    epoch      smallint NOT NULL,
    tag        bytea    NOT NULL,
    subject_id uuid     NOT NULL,
    PRIMARY KEY (client_id, field, epoch, tag, subject_id)
);

-- The sequencer's queue. Of what has an entry the leaf hash stands there; here and in the log it is null.
CREATE TABLE desk.staged (
    client_id integer NOT NULL,
    entry_id  bigint  NOT NULL,
    leaf_hash bytea,
    PRIMARY KEY (client_id, entry_id)
);

-- The log: what stands where.
CREATE TABLE desk.log_leaf (
    client_id integer NOT NULL,
    idx       bigint  NOT NULL,
    entry_id  bigint  NOT NULL,
    leaf_hash bytea,
    PRIMARY KEY (client_id, idx) WITH (fillfactor = 100)
);
-- Read by history.by_change, history.timeline and history.of_request: an entry's place in the log.
CREATE UNIQUE INDEX log_leaf_by_entry ON desk.log_leaf (client_id, entry_id) WITH (fillfactor = 100);

CREATE TABLE desk.log_head (
    client_id integer PRIMARY KEY,
    size      bigint  NOT NULL DEFAULT 0,
    frontier  bytea   NOT NULL DEFAULT ''
);

CREATE TABLE desk.cursor (
    client_id integer NOT NULL,
    consumer  text    NOT NULL,
    next_idx  bigint  NOT NULL DEFAULT 0,
    PRIMARY KEY (client_id, consumer)
);

-- A notice to one contact point. dedupe makes a second delivery of the same notice impossible.
CREATE TABLE desk.delivery (
    client_id    integer     NOT NULL,
    id           uuid        NOT NULL,
    dedupe       text        NOT NULL,
    subject_id   uuid        NOT NULL,
    request_id   uuid,
    log_idx      bigint,
    event        text        NOT NULL,
    channel      text        NOT NULL,
    language     text        NOT NULL,
    template     text        NOT NULL DEFAULT '',
    required     boolean     NOT NULL,
    key_id       uuid        NOT NULL,
    message_ct   bytea,
    state        text        NOT NULL CHECK (state IN ('pending', 'sending', 'sent', 'unconfirmed', 'failed', 'shown')),
    attempts     smallint    NOT NULL DEFAULT 0,
    next_at      timestamptz NOT NULL,
    lease_until  timestamptz,
    fence        bigint      NOT NULL DEFAULT 0,
    last_error   text,
    provider_id  text,
    created_at   timestamptz NOT NULL,
    done_at      timestamptz,
    PRIMARY KEY (client_id, id),
    UNIQUE (client_id, dedupe)
);
-- Read by deliveries.claim: what is due.
CREATE INDEX delivery_due ON desk.delivery (client_id, next_at) WHERE state IN ('pending', 'sending');
-- Read by deliveries.attention: what a person must look at.
CREATE INDEX delivery_attention ON desk.delivery (client_id, created_at DESC) WHERE state IN ('failed', 'unconfirmed');
-- Read by deliveries.of_request: what was told about a request.
CREATE INDEX delivery_of_request ON desk.delivery (client_id, request_id, created_at);
-- Read by deliveries.outbox: newest first.
CREATE INDEX delivery_newest ON desk.delivery (client_id, created_at DESC, id DESC);

-- An import's run, so that it can be restarted where it stopped.
CREATE TABLE desk.import_run (
    client_id   integer     NOT NULL,
    id          uuid        NOT NULL,
    map         text        NOT NULL,
    file_hash   bytea       NOT NULL,
    started_by  text        NOT NULL,
    started_at  timestamptz NOT NULL,
    finished_at timestamptz,
    counts      jsonb       NOT NULL DEFAULT '{}',
    PRIMARY KEY (client_id, id)
);
-- A source row that has been taken in: a second run changes nothing. row_mac is an HMAC, never the row's own key.
-- part: of a file that the worker takes in by parts, so that one that is begun again tells its own rows from known ones.
CREATE TABLE desk.import_row (
    client_id  integer NOT NULL,
    source     text    NOT NULL,
    row_mac    bytea   NOT NULL,
    body_mac   bytea   NOT NULL,
    subject_id uuid,
    part       uuid,
    PRIMARY KEY (client_id, source, row_mac)
);
