-- Entries whose notices could not be made, because something that they tell of cannot be read: the others go on, and
-- these are tried again. Nothing but a place in the log stands here.
CREATE TABLE desk.untold (
    client_id integer     NOT NULL,
    idx       bigint      NOT NULL,
    since     timestamptz NOT NULL,
    tries     integer     NOT NULL DEFAULT 1,
    next_at   timestamptz NOT NULL,
    PRIMARY KEY (client_id, idx)
);
