-- What a page handed to the worker, and what stands here only until that is done: sealed under the client's meta key.

-- Rows of a file that wait to be taken in, with the map that reads them. run_id: the import's run, or the batch. parts: how
-- many there were; each goes with what it brought in counted, so those that are left say where it goes on.
CREATE TABLE desk.file_part (
    client_id integer NOT NULL,
    run_id    uuid    NOT NULL,
    number    integer NOT NULL,
    parts     integer NOT NULL,
    given_by  text    NOT NULL,
    sealed    bytea   NOT NULL,
    PRIMARY KEY (client_id, run_id, number),
    CHECK (number BETWEEN 1 AND parts)
);
