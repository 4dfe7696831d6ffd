"""Whoever searches the history leaves a line in it: searches, files made of them, and what a person keeps of them.

These, and broken glass, are about no customer: they stand in the desk's own record, opened with its first entry.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID, uuid4

from changedesk.base.actor import Actor
from changedesk.base.ids import SubjectId
from changedesk.base.refusal import NotFound, Refusal
from changedesk.flow.indexing import terms_for
from changedesk.ledger.entry import EntryKind
from changedesk.ledger.value import Json
from changedesk.rules import access, query
from changedesk.store import audit_search, history, keys, subjects, trends
from changedesk.store.audit_search import Export, KeptSearch
from changedesk.store.begin import begin
from changedesk.store.subjects import Subject
from changedesk.store.tx import Tx

SHORT: Final = timedelta(hours=1)
"""How long a search stands that may hold a customer's own value, and a file that was made of one."""
NAME_MOST: Final = 80
KEPT_MOST: Final = 100


class PersonalNotKept(Refusal):
    """A search for a customer's own value is not kept by name.

    Whoever is erased would live on in it.
    """

    code = "search-personal-not-kept"
    hint = "Leave out customer:, before: and after:, or name a customer by the id."


class SearchNameUnfit(Refusal):
    """A kept search needs a name of at most 80 letters, and one person keeps at most 100."""

    code = "search-name-unfit"
    hint = "Give a short name, or drop a search that you no longer use."


def note_search(asked: str, *, shown: int, actor: Actor, at: datetime) -> None:
    """Record that somebody searches the history, before they are shown anything. ``asked``: without values.

    Raises Forbidden.
    """
    access.require(actor, access.Verb.AUDIT_SEARCH)
    with begin(actor) as tx:
        note(tx, EntryKind.RECORD_SEARCHED, {"search": asked, "shown": shown}, actor=actor, at=at)


def note_export(
    format_: str, digest: bytes, *, asked: str, places: Sequence[int], actor: Actor, at: datetime, export: UUID
) -> datetime:
    """Record that a file was made of what a search found; return until when it can be fetched.

    ``digest``: SHA-256 of the file; ``places``: those of its entries in the log, which say whom it is about. Raises
    Forbidden.
    """
    access.require(actor, access.Verb.AUDIT_EXPORT)
    made = Export(
        id=export, actor=actor.id, format=format_, asked=asked, entries=len(places), digest=digest, made_at=at,
        expires_at=at + SHORT,
    )  # fmt: skip
    facts: dict[str, Json] = {
        "export": str(export),
        "search": asked,
        "format": format_,
        "entries": len(places),
        "sha256": digest.hex(),
    }
    with begin(actor) as tx:
        audit_search.add_export(tx, made, places)
        note(tx, EntryKind.EVIDENCE_EXPORTED, facts, actor=actor, at=at)
    return made.expires_at


def take_export(export: UUID, *, actor: Actor, at: datetime) -> str:
    """Hand a file over, once, to whoever asked for it; return its format. Raises Forbidden, NotFound."""
    access.require(actor, access.Verb.AUDIT_EXPORT)
    with begin(actor) as tx:
        row = audit_search.take_export(tx, export, actor=actor.id, at=at)
    if row is None:
        raise NotFound
    return str(row.format)


def keep_search(name: str, text: str, *, personal: bool, actor: Actor, at: datetime) -> UUID:
    """Keep a search by name, for good; the same again is one. Raises Forbidden, PersonalNotKept, SearchNameUnfit."""
    access.require(actor, access.Verb.AUDIT_SEARCH)
    name = " ".join(name.split())
    if personal:
        raise PersonalNotKept
    if not 0 < len(name) <= NAME_MOST or len(text) > query.LONGEST:
        raise SearchNameUnfit
    with begin(actor) as tx:
        known = audit_search.searches_of(tx, actor.id)
        same = next((one.id for one in known if (one.name, one.query) == (name, text)), None)
        if same is not None:
            return same
        if len(known) >= KEPT_MOST:
            raise SearchNameUnfit
        made = KeptSearch(uuid4(), name, text, at)
        audit_search.keep(tx, made, actor=actor.id, until=None)
    return made.id


def hold_search(text: str, *, actor: Actor, at: datetime) -> UUID:
    """Hold a search for an hour, because what was typed must stand in no address. Raises Forbidden."""
    access.require(actor, access.Verb.AUDIT_SEARCH)
    made = KeptSearch(uuid4(), "", text[: query.LONGEST], at)
    with begin(actor) as tx:
        audit_search.keep(tx, made, actor=actor.id, until=at + SHORT)
    return made.id


def drop_search(search: UUID, *, actor: Actor) -> None:
    """Drop a search that this person keeps. Raises Forbidden, NotFound."""
    access.require(actor, access.Verb.AUDIT_SEARCH)
    with begin(actor) as tx:
        if not audit_search.drop_search(tx, search, actor=actor.id):
            raise NotFound


def find_anew(*, actor: Actor) -> None:
    """Drop what is derived from the log to search and to count it: the worker makes it anew. Raises Forbidden."""
    access.require(actor, access.Verb.AUDIT_SEARCH)
    with begin(actor) as tx:
        audit_search.drop(tx)
        trends.drop(tx)


def own(tx: Tx, *, actor: Actor, at: datetime) -> Subject:
    """Return the desk's own record, opened where this is the first entry of it."""
    id_ = audit_search.own_record(tx.client)
    found = subjects.load(tx, [id_]).get(id_)
    if found is None:
        audit_search.claim_own(tx)
        found = subjects.load(tx, [id_]).get(id_) or _open(tx, id_, actor=actor, at=at)
    return found


def _open(tx: Tx, id_: SubjectId, *, actor: Actor, at: datetime) -> Subject:
    key = keys.create_subject_keys(tx, [id_])[id_]
    blank = Subject(
        id=id_, type="desk", ver=0, head_leaf=b"", key=key, state={}, dated=False, status="active", created_at=at,
        next_effective_at=None, erased_at=None,
    )  # fmt: skip
    draft = history.Draft(blank, EntryKind.DESK_OPENED, actor, at)
    history.append(tx, [draft], terms=terms_for(tx.client), created={id_: "desk"})
    return subjects.load(tx, [id_])[id_]


def note(tx: Tx, kind: EntryKind, facts: Mapping[str, Json], *, actor: Actor, at: datetime) -> None:
    """Write an entry that is about no customer, in the caller's transaction."""
    draft = history.Draft(own(tx, actor=actor, at=at), kind, actor, at, facts=facts)
    history.append(tx, [draft], terms=terms_for(tx.client))
