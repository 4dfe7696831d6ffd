-- Who is told at once, by mail: operators and auditors of an audit that found something, once a failure; who may review it
-- of broken glass, once each; administrators of a hook that takes nothing, as often as that is news. person is of the settings;
-- no address stands here.
CREATE TABLE desk.alarm (
    client_id  integer     NOT NULL,
    run_id     uuid,
    glass_id   uuid,
    hook_id    uuid,
    about      uuid        GENERATED ALWAYS AS (coalesce(run_id, glass_id, hook_id)) STORED,
    person     integer     NOT NULL,
    state      text        NOT NULL DEFAULT 'pending'
               CHECK (state IN ('pending', 'sent', 'shown', 'failed', 'unconfirmed')),
    attempts   integer     NOT NULL DEFAULT 0,
    next_at    timestamptz NOT NULL,
    last_error text,
    done_at    timestamptz,
    PRIMARY KEY (client_id, about, person),
    CHECK (num_nonnulls(run_id, glass_id, hook_id) = 1),
    FOREIGN KEY (client_id, run_id) REFERENCES desk.audit_run (client_id, id),
    FOREIGN KEY (client_id, glass_id) REFERENCES desk.break_glass (client_id, id)
);
-- Read by alarms.claim: those that are due.
CREATE INDEX alarm_due ON desk.alarm (client_id, next_at) WHERE state = 'pending';
