"""The consumer that makes the history searchable: it follows a client's log and notes what is true of which entry.

Nothing here is a source of anything: dropped (``store.audit_search.drop``), it is made anew from the log.
"""

from collections.abc import Iterator, Mapping
from itertools import groupby
from typing import Any, Final

from changedesk.base.actor import automation
from changedesk.base.clock import now
from changedesk.base.ids import ClientId, SubjectId
from changedesk.ledger import seal
from changedesk.ledger.entry import EntryKind
from changedesk.ledger.payload import Payload, Unreadable
from changedesk.ledger.value import Json, decode_value
from changedesk.rules.fields import Catalogue
from changedesk.rules.status import OVERLAYS
from changedesk.rules.values.search import whole_terms
from changedesk.store import audit_search, keys, log, past
from changedesk.store.audit_search import BLOCK, CONSUMER
from changedesk.store.begin import begin
from changedesk.store.history import STATUS_FIELD
from changedesk.store.settings_read import configuration
from changedesk.store.tx import Look

AT_ONCE: Final = 2_048
_OVERLAYS: Final = {path: name for name, path in OVERLAYS.items()}
_UNSOUND: Final = (seal.Corrupt, seal.UnknownKey, Unreadable, keys.Erased)
"""What cannot be opened is found by what stands in clear; that it cannot is for the audit of the log to say."""


def run(client_id: int) -> int:
    """Make the next entries of a client's log searchable; return how many that were. A duty of the worker.

    Zero when another worker is at it. Searches that were held for an hour go in the same turn: each search is an entry,
    so that one follows.
    """
    client = ClientId(client_id)
    with begin(automation(client, CONSUMER)) as tx, log.following(tx, CONSUMER) as start:
        rows = [] if start is None else audit_search.follow(tx, start, limit=AT_ONCE)
        if not rows:
            return 0
        catalogue = configuration(client).catalogue
        former: list[tuple[SubjectId, str, str]] = []
        for number, group in groupby(rows, key=lambda row: row.idx // BLOCK):
            part = list(group)
            found: dict[str, int] = {}
            for row in part:
                bit = 1 << row.idx % BLOCK
                payload = _payload(tx, row)
                for term in _terms(tx, row, payload):
                    found[term] = found.get(term, 0) | bit
                former += _former(row.subject_id, payload, catalogue)
            audit_search.put(tx, number, {row.idx % BLOCK: row.recorded_at for row in part}, found)
        audit_search.put_former(tx, former)
        audit_search.forget_former(tx, {row.subject_id for row in rows if row.kind == EntryKind.ERASURE_CONFIRMED})
        audit_search.drop_ended(tx, at=now())
        log.advance(tx, CONSUMER, rows[-1].idx + 1)
    return len(rows)


def _payload(look: Look, row: Any) -> Payload | None:
    if row.fields is None or row.ct is None or row.key_id is None:
        return None
    try:
        key = keys.of_subject(look, row.subject_id, row.key_id, row.epoch, row.wrapped)
        return past.payload_of(look, row.subject_id, row, key)
    except _UNSOUND:
        return None


def _terms(look: Look, row: Any, payload: Payload | None) -> Iterator[str]:
    """Give what is true of an entry: codes and opaque ids only, each behind the letter of what it is."""
    yield f"k:{row.kind}"
    yield f"a:{row.actor}"
    yield f"h:{row.channel}"
    for path in (row.fields or "").split():
        yield f"f:{path}"
    try:
        facts = past.meta_of(look, row.subject_id, row).facts()
    except _UNSOUND:
        facts = {}
    yield from _of_facts(facts)
    for item in payload.assertions if payload is not None else ():
        # How a record stands is said in codes that name nobody: they are found by themselves.
        for letter, text in (("b", item.old), ("n", item.new)):
            value = None if text is None else decode_value(text)
            if item.path == STATUS_FIELD and value is not None:
                yield f"{letter}:{value}"
            elif item.path in _OVERLAYS and value is True:
                yield f"{letter}:{_OVERLAYS[item.path]}"


def _of_facts(facts: Mapping[str, Json]) -> Iterator[str]:
    verified = facts.get("verified")
    level = verified.get("level") if isinstance(verified, Mapping) else None
    if isinstance(level, int):
        yield f"v:{level}"
    for letter, name in (("c", "consent"), ("r", "reason"), ("g", "kind")):
        told = facts.get(name)
        if isinstance(told, str) and told:
            yield f"{letter}:{told}"
    for approver in _listed(facts, "approved_by"):
        if isinstance(approver, str):
            yield f"p:{approver}"
    for rule in _listed(facts, "rules"):
        if isinstance(rule, list) and rule:
            yield f"y:{rule[0]}"
    if isinstance(facts.get("policy"), int):
        yield f"z:{facts['policy']}"


def _listed(facts: Mapping[str, Json], name: str) -> list[Json]:
    told = facts.get(name)
    return told if isinstance(told, list) else []


def _former(subject: SubjectId, payload: Payload | None, catalogue: Catalogue) -> Iterator[tuple[SubjectId, str, str]]:
    """Give what a record held until this entry, by which it is looked for whole."""
    for item in payload.assertions if payload is not None else ():
        if item.old is not None and item.path in catalogue:
            for index, term in whole_terms(catalogue[item.path], decode_value(item.old)):
                yield subject, index, term
