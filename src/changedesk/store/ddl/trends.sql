-- What pages about trends read: derived from the log by outbound.trends, entry by entry, and made anew at will. Codes and
-- numbers only: nobody is named.

-- How many entries of one sort were recorded on a day of the client's own time zone. kind: of the request that the entry
-- is about, empty where there is none.
CREATE TABLE desk.trend (
    client_id integer NOT NULL,
    action    text    NOT NULL,
    day       date    NOT NULL,
    channel   text    NOT NULL,
    kind      text    NOT NULL,
    times     bigint  NOT NULL,
    PRIMARY KEY (client_id, action, day, channel, kind)
);

-- How many subjects came from one state into another, by the day since which that holds.
CREATE TABLE desk.trend_status (
    client_id integer NOT NULL,
    day       date    NOT NULL,
    was       text    NOT NULL,
    became    text    NOT NULL,
    times     bigint  NOT NULL,
    PRIMARY KEY (client_id, day, was, became)
);
