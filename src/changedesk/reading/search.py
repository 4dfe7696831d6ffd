"""One search box: names, addresses, numbers, accounts and request references, by the blind index."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from msgspec.structs import replace

from changedesk.base.actor import Actor
from changedesk.base.ids import SubjectId, parse_reference
from changedesk.reading import sight
from changedesk.reading.panels import Hit
from changedesk.reading.sight import Eyes
from changedesk.rules import access
from changedesk.rules.access import Verb
from changedesk.rules.values import query_terms
from changedesk.rules.values.search import BANK, EMAIL, NAME, PHONE, REFERENCE
from changedesk.store import requests, subjects
from changedesk.store.requests import Request
from changedesk.store.seen import Sighting
from changedesk.store.settings_read import Configuration, configuration
from changedesk.store.tx import Look, look

LIMIT_MAX: Final = 100
_MATCHED: Final[Mapping[str, str]] = {
    EMAIL: "email",
    PHONE: "phone",
    REFERENCE: "account",
    NAME: "name",
    BANK: "bank_account",
}


def search(text: str, *, actor: Actor, at: datetime, language: str, limit: int = 20) -> list[Hit]:
    """Return customers, and the request of a reference, that a typed text may mean; masked for the viewer.

    An account's number leads to its holders. What means nothing finds nothing. Raises Forbidden.
    """
    access.require(actor, Verb.CUSTOMER_SEARCH)
    limit = max(1, min(limit, LIMIT_MAX))
    config = configuration(actor.client)
    with look(actor.client) as seen:
        asked = _request(seen, text, actor)
        found = _subjects(seen, text, config, limit)
        wanted = sorted({*found, *([asked.subject_id] if asked is not None else [])}, key=str)
        seen.ahead(*sight.load_asks(wanted, actor=actor, at=at), last=True)
        known = subjects.load(seen, wanted)
        sights = sight.of_subjects(seen, known.values(), actor=actor, at=at)
    hits: list[Hit] = []
    # What was found is a search, and no view of each of them: both say what stood in clear.
    notes = {id_: Sighting(subject, actor, level=sights[id_].level) for id_, subject in known.items()}
    for id_, matched in [*([(asked.subject_id, "reference")] if asked is not None else []), *found.items()]:
        subject = known[id_]
        eyes = Eyes(replace(sights[id_], shown=notes[id_]), config.catalogue, language)
        called, reached = sight.title(eyes, subject), sight.contact(eyes, subject)
        about = asked if asked is not None and matched == "reference" else None
        hits.append(
            Hit(
                kind="customer" if about is None else "request",
                id=id_,
                ref=None if about is None else about.ref,
                title=called.text,
                masked=called.masked,
                contact=reached.text,
                status=subject.status if about is None else about.state.value,
                matched=matched,
            )
        )
    sight.searched(notes.values(), actor=actor)
    return hits[:limit]


def _request(seen: Look, text: str, actor: Actor) -> Request | None:
    ref = parse_reference(text)
    return None if ref is None or not access.may(actor, Verb.REQUEST_READ) else requests.by_ref(seen, ref)


def _subjects(seen: Look, text: str, config: Configuration, limit: int) -> dict[SubjectId, str]:
    """Return customers by id with the word of what was found, at most ``limit``, the likeliest reading first."""
    found: dict[SubjectId, str] = {}
    readings = [
        [(term.index, term.term) for term in terms] for terms in query_terms(text, region=config.settings.region)
    ]
    seen.ahead(*(subjects.find_asks(seen, terms, limit=limit) for terms in readings))
    for terms in readings:
        index, _ = terms[0]
        matched = _MATCHED.get(index, index)
        for id_ in subjects.find(seen, terms, limit=limit):
            found.setdefault(id_, matched)
    kinds = {item.id: item.type for item in subjects.load(seen, found).values()}
    accounts = [id_ for id_ in found if kinds[id_] == "account"]
    holders: dict[SubjectId, list[SubjectId]] = {}
    for holding in subjects.holders_of(seen, accounts) if accounts else ():
        holders.setdefault(holding.account, []).append(holding.customer)
    people: dict[SubjectId, str] = {}
    for id_, matched in found.items():
        for one in [id_] if kinds[id_] == "customer" else holders.get(id_, ()):
            people.setdefault(one, matched)
    return dict(list(people.items())[:limit])
