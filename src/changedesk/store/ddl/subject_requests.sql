-- What people ask about their own data, and the clocks that run for it.

-- asked: the right. clocks: by duty, the rule, its version and its period, as they were at receipt. level: to which the
-- person is verified before an answer. due_at: by when it is answered, an appeal too; due_rule: the rule that says so.
-- stops: {ground, since, until} of times in which the person was asked for something.
CREATE TABLE desk.subject_request (
    client_id       integer     NOT NULL,
    id              uuid        NOT NULL,
    ref             text        NOT NULL,
    subject_id      uuid        NOT NULL,
    asked           text        NOT NULL CHECK (asked IN ('access', 'portability', 'rectification', 'erasure', 'restriction',
                                                          'objection', 'opt_out', 'amendment', 'accounting')),
    jurisdictions   text[]      NOT NULL,
    clocks          jsonb       NOT NULL,
    level           smallint    NOT NULL CHECK (level BETWEEN 0 AND 4),
    channel         text        NOT NULL,
    entered_by      text        NOT NULL,
    received_at     timestamptz NOT NULL,
    created_at      timestamptz NOT NULL,
    version         integer     NOT NULL,
    state           text        NOT NULL CHECK (state IN ('open', 'answered', 'refused', 'appealed')),
    due_at          timestamptz NOT NULL,
    due_rule        text        NOT NULL,
    ack_by          timestamptz,
    acknowledged_at timestamptz,
    identified_at   timestamptz,
    identity_level  smallint    NOT NULL,
    extended_at     timestamptz,
    delay           text        NOT NULL,
    stops           jsonb       NOT NULL,
    closed_at       timestamptz,
    outcome         text        NOT NULL CHECK (outcome IN ('', 'whole', 'part')),
    ground          text        NOT NULL,
    appealed_at     timestamptz,
    PRIMARY KEY (client_id, id),
    UNIQUE (client_id, ref),
    FOREIGN KEY (client_id, subject_id) REFERENCES desk.subject (client_id, id),
    CHECK (received_at <= created_at),
    CHECK ((state IN ('answered', 'refused')) = (closed_at IS NOT NULL)),
    CHECK ((state = 'answered') = (outcome <> '')),
    CHECK (state <> 'refused' OR ground <> ''),
    CHECK (state <> 'appealed' OR appealed_at IS NOT NULL),
    -- Nobody is answered before it is known that it is they who asked.
    CHECK (state <> 'answered' OR level = 0 OR (identified_at IS NOT NULL AND identity_level >= level))
);
-- Read by subject_requests.waiting: the most urgent first.
CREATE INDEX subject_request_due ON desk.subject_request (client_id, due_at, id) WHERE state IN ('open', 'appealed');
-- Read by subject_requests.newest: what was closed too.
CREATE INDEX subject_request_newest ON desk.subject_request (client_id, created_at DESC, id DESC);
-- Read by subject_requests.of_subject: what one person asked.
CREATE INDEX subject_request_of_subject ON desk.subject_request (client_id, subject_id);

-- The change requests by which it is carried out.
CREATE TABLE desk.subject_request_link (
    client_id          integer     NOT NULL,
    subject_request_id uuid        NOT NULL,
    request_id         uuid        NOT NULL,
    linked_at          timestamptz NOT NULL,
    PRIMARY KEY (client_id, subject_request_id, request_id),
    FOREIGN KEY (client_id, subject_request_id) REFERENCES desk.subject_request (client_id, id),
    FOREIGN KEY (client_id, request_id) REFERENCES desk.request (client_id, id)
);

-- What was written at a step, sealed under the person's key. A statement goes with every later disclosure.
CREATE TABLE desk.subject_request_note (
    client_id          integer     NOT NULL,
    id                 uuid        NOT NULL,
    subject_request_id uuid        NOT NULL,
    subject_id         uuid        NOT NULL,
    step               text        NOT NULL CHECK (step IN ('received', 'doubted', 'extended', 'paused', 'refused',
                                                            'answered', 'appealed', 'statement')),
    text_ct            bytea,
    written_by         text        NOT NULL,
    written_at         timestamptz NOT NULL,
    PRIMARY KEY (client_id, id),
    FOREIGN KEY (client_id, subject_request_id) REFERENCES desk.subject_request (client_id, id)
);
-- Read by subject_requests.notes_of: by request; and subject_requests.statements: by person.
CREATE INDEX subject_request_note_of ON desk.subject_request_note (client_id, subject_request_id);
CREATE INDEX subject_request_note_subject ON desk.subject_request_note (client_id, subject_id);

-- Copies that were made, sealed under the person's key until they expire. digest: SHA-256 of the file.
CREATE TABLE desk.subject_copy (
    client_id          integer     NOT NULL,
    id                 uuid        NOT NULL,
    subject_request_id uuid        NOT NULL,
    subject_id         uuid        NOT NULL,
    digest             bytea       NOT NULL CHECK (octet_length(digest) = 32),
    body_ct            bytea,
    built_by           text        NOT NULL,
    built_at           timestamptz NOT NULL,
    expires_at         timestamptz NOT NULL,
    PRIMARY KEY (client_id, id),
    UNIQUE (client_id, subject_request_id),
    FOREIGN KEY (client_id, subject_request_id) REFERENCES desk.subject_request (client_id, id)
);
-- Read by subject_requests.empty_copies: those of a person.
CREATE INDEX subject_copy_of_subject ON desk.subject_copy (client_id, subject_id);
-- Read by subject_requests.expire_copies: those whose time is over.
CREATE INDEX subject_copy_expiring ON desk.subject_copy (client_id, expires_at) WHERE body_ct IS NOT NULL;

-- Forward only: what was asked, when, and under which clocks stays; what is closed opens again by an appeal only.
CREATE FUNCTION desk.guard_subject_request() RETURNS trigger LANGUAGE plpgsql AS
$$
DECLARE
    stays text[] := ARRAY['client_id', 'id', 'ref', 'subject_id', 'asked', 'jurisdictions', 'clocks', 'level', 'channel',
                          'entered_by', 'received_at', 'created_at'];
    name text;
BEGIN
    FOREACH name IN ARRAY stays LOOP
        IF to_jsonb(NEW) -> name IS DISTINCT FROM to_jsonb(OLD) -> name THEN
            RAISE EXCEPTION 'what was asked stays as it was asked' USING ERRCODE = 'CD022';
        END IF;
    END LOOP;
    IF NEW.version <> OLD.version + 1 OR (OLD.state, NEW.state) NOT IN (
           ('open', 'open'), ('open', 'answered'), ('open', 'refused'), ('answered', 'appealed'), ('refused', 'refused'),
           ('refused', 'appealed'), ('appealed', 'answered'), ('appealed', 'refused'), ('appealed', 'appealed'))
       OR (NEW.state = 'appealed' AND OLD.state <> 'appealed' AND OLD.appealed_at IS NOT NULL) THEN
        RAISE EXCEPTION 'a data-subject request goes forward only' USING ERRCODE = 'CD022';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER subject_request_guard BEFORE UPDATE ON desk.subject_request
    FOR EACH ROW EXECUTE FUNCTION desk.guard_subject_request();

-- A copy is emptied; a note is emptied, or sealed anew, for somebody who is being forgotten.
CREATE FUNCTION desk.guard_subject_text() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN
    IF TG_TABLE_NAME = 'subject_copy' THEN
        IF NEW.body_ct IS NOT NULL OR to_jsonb(NEW) - 'body_ct' <> to_jsonb(OLD) - 'body_ct' THEN
            RAISE EXCEPTION 'a copy is emptied, and nothing else' USING ERRCODE = 'CD022';
        END IF;
    ELSIF to_jsonb(NEW) - 'text_ct' <> to_jsonb(OLD) - 'text_ct' OR NOT desk.being_forgotten(OLD.subject_id) THEN
        RAISE EXCEPTION 'what was written stays' USING ERRCODE = 'CD022';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER subject_copy_guard BEFORE UPDATE ON desk.subject_copy
    FOR EACH ROW EXECUTE FUNCTION desk.guard_subject_text();
CREATE TRIGGER subject_note_guard BEFORE UPDATE ON desk.subject_request_note
    FOR EACH ROW EXECUTE FUNCTION desk.guard_subject_text();
