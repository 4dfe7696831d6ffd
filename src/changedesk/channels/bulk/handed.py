"""Files that a page hands to the worker: split into parts of some rows each, which are taken in one by one."""

import csv
import json
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha256
from io import StringIO
from itertools import islice
from pathlib import Path
from typing import Final
from uuid import UUID

import structlog

from changedesk import flow
from changedesk.base.actor import Actor
from changedesk.base.ids import ClientId
from changedesk.base.refusal import Refusal
from changedesk.channels.bulk.customers import import_customers
from changedesk.channels.bulk.mapping import CustomerMap, parse_map, read_map
from changedesk.channels.bulk.received import received
from changedesk.channels.bulk.request_map import RequestMap, parse_request_map, read_request_map
from changedesk.channels.bulk.requests import TOGETHER, request_batch
from changedesk.channels.bulk.rows import Dialect, open_rows
from changedesk.channels.bulk.running import counts_of
from changedesk.reading import forms
from changedesk.reading.imports import ENDED_EARLY, REASON
from changedesk.rules.access import Verb

log = structlog.get_logger("changedesk.files")
BATCH: Final = 500
"""Customers of one part."""
_REQUESTS: Final = "requests"
_ENCODING: Final = "utf-8"


@dataclass(frozen=True, slots=True)
class Handed:
    """A file with its map. ``text``: what the map says, where it is not one that comes with the program."""

    map: RequestMap | CustomerMap
    name: str
    text: str
    content: bytes


def hand_over(file: Handed, *, actor: Actor, at: datetime) -> UUID:
    """Let a file wait for the worker; return its batch, or its run. Raises Forbidden, FileUnreadable, HeaderWrong."""
    parts = [zlib.compress(json.dumps(part).encode()) for part in _parts(file)]
    digest = sha256(file.content).digest()
    if isinstance(file.map, RequestMap):
        return flow.hand_batch(file.name, digest, parts, actor=actor, at=at)
    return flow.hand_import(file.map.source, digest, parts, actor=actor, at=at)


def _parts(file: Handed) -> Iterator[dict[str, object]]:
    """Yield the parts of a file: how it is read, and some of its rows as CSV below the header, by their first number.

    There is always one: a file without a row comes to its end as any other.
    """
    what, most = (_REQUESTS, TOGETHER) if isinstance(file.map, RequestMap) else ("customers", BATCH)
    with received([file.content]) as (path, _), open_rows(path, file.map.dialect) as reader:
        rows, above, number = reader.lists(), reader.number, 0
        while (cells := list(islice(rows, most))) or not number:
            text = StringIO(newline="")
            csv.writer(text).writerows([reader.columns, *cells])
            yield {"what": what, "map": file.name, "map_text": file.text, "above": above, "rows": text.getvalue()}
            above, number = reader.number, number + 1


def take_on(client: ClientId, *, at: datetime) -> int:
    """Take in the next part of the file that waits longest; return how many parts were: 0 or 1. A duty of the worker.

    With the rights that whoever gave the file has by now. What the file as a whole is refused for ends it there.
    """
    part = flow.next_part(client)
    if part is None:
        return 0
    told = json.loads(zlib.decompress(part.body))
    verb = Verb.REQUEST_SUBMIT if told["what"] == _REQUESTS else Verb.IMPORT_RUN
    try:
        actor = flow.acting_for(client, part.given_by, verb)
        with received([told["rows"].encode(_ENCODING)]) as (path, report_to):
            counts = _taken(path, report_to, told, part, actor)
    except Refusal as refusal:
        log.warning("file_refused", client_id=int(client), run=str(part.run), code=refusal.code)
        flow.leave_file(part, {ENDED_EARLY: 1, f"{REASON}{refusal.code}": 1}, client=client, at=at)
    else:
        flow.part_taken(part, counts, client=client, at=at)
    return 1


def _taken(path: Path, report_to: Path, told: dict[str, str], part: flow.Part, actor: Actor) -> dict[str, int]:
    ground, name, text = forms.ground(actor=actor), told["map"], told["map_text"]
    dialect = Dialect(delimiter=",", encoding=_ENCODING, header=int(told["above"]))
    if told["what"] == _REQUESTS:
        asked = parse_request_map(text, name) if text else read_request_map(name)
        asked = replace(asked, dialect=replace(dialect, mend=asked.dialect.mend))
        return counts_of(
            request_batch(
                path, asked, name, actor=actor, catalogue=ground.catalogue, report_to=report_to, part_of=part.run
            )
        )
    found = parse_map(text, name) if text else read_map(name)
    assert isinstance(found, CustomerMap)  # noqa: S101 - no other is handed over
    found = replace(found, dialect=replace(dialect, mend=found.dialect.mend))
    return counts_of(
        import_customers(
            path, found, actor=actor, catalogue=ground.catalogue, region=ground.region, zone=ground.time_zone,
            report_to=report_to, part=part.id,
        )
    )  # fmt: skip
