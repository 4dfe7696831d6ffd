"""Looking is recorded before anything is shown: views, searches, reveals."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Final
from uuid import UUID, uuid4

from changedesk.base.actor import Actor, Role
from changedesk.base.ids import OUTSIDE, ChangeId, ClientId, SubjectId, uuid7
from changedesk.base.outcome import Outcome
from changedesk.base.refusal import NotFound, Refusal
from changedesk.flow.combine import Combiner
from changedesk.flow.indexing import terms_for
from changedesk.ledger.entry import EntryKind
from changedesk.ledger.value import Json
from changedesk.rules import access, seeing
from changedesk.rules.access import Verb
from changedesk.rules.fields import Sensitivity
from changedesk.rules.status import RESTRICTED_BY_LAW
from changedesk.store import evidence, history, seen, subjects
from changedesk.store.begin import begin
from changedesk.store.seen import Glass, Search, Sighting
from changedesk.store.settings_read import configuration
from changedesk.store.subjects import Subject

NOTE_MOST: Final = 500


class RevealForbidden(Refusal):
    """Your role does not reveal values.

    ``data``: wanted, the roles that do.
    """

    code = "reveal-forbidden"
    hint = "Ask a colleague with one of the roles named here, or an administrator for such a role."
    status = "forbidden"


class RevealReasonUnknown(Refusal):
    """This is none of the reasons for which a value is revealed.

    ``data``: choices.
    """

    code = "reveal-reason-unknown"
    hint = "Choose one of the reasons named here."


class ReferenceNeeded(Refusal):
    """This reason needs the reference of a call, a case or a fault: letters, digits and . _ : # / - only."""

    code = "reference-needed"
    hint = "Write the reference without any personal data, or choose another reason."


class NoteTooLong(Refusal):
    """This note is longer than 500 characters."""

    code = "note-too-long"
    hint = "Shorten the note; what is long belongs into the case that the reference names."


class NothingToReveal(Refusal):
    """This field holds nothing that could be revealed."""

    code = "nothing-to-reveal"
    hint = "Open the record again and choose a field that shows a masked value."


class RevealRestricted(Refusal):
    """The law restricts the use of this record, so its values are kept and not shown."""

    code = "reveal-restricted"
    hint = "Ask the data protection officer, who may see them for a legal claim."
    status = "forbidden"


class RevealsSpent(Refusal):
    """You have revealed as many values as one person may for now.

    ``data``: retry_at.
    """

    code = "reveals-spent"
    hint = "Go on at the time named here, or verify the caller: then nothing needs to be revealed."
    status = "too_many"


class SignInAgain(Refusal):
    """Bank accounts, cards and identity numbers are revealed only to who signed in within the last five minutes."""

    code = "sign-in-again"
    hint = "Confirm on the desk's page that it is you, and reveal the value there."
    status = "forbidden"


@dataclass(frozen=True, slots=True)
class Revealed:
    """One value may be shown to who revealed it, until then. ``id`` is the entry that says so."""

    id: ChangeId
    subject: SubjectId
    path: str
    until: datetime


@dataclass(frozen=True, slots=True)
class _Remembered:
    at: datetime
    fields: frozenset[str]
    glass: UUID | None


@dataclass(frozen=True, slots=True)
class _Looking:
    """All that one answer shows."""

    views: tuple[Sighting, ...]
    searches: tuple[Search, ...]
    at: datetime


_MOST: Final = 100_000
_remembered: dict[tuple[ClientId, str, SubjectId], _Remembered] = {}
"""What this process has recorded of late: another one records the same view once more, which is no lie."""


def note_views(views: Sequence[Sighting], searches: Sequence[Search] = (), *, at: datetime) -> None:
    """Record what is about to be shown; whoever calls shows nothing unless this returns.

    Nothing is written for a view that was recorded within ``rules.seeing.ONE_VIEW``, if it showed as much in clear
    and under the same broken glass. Never a value: names of fields, level, role, purpose. A search is one entry in the
    stream of each record that it showed, joined by its id, with the count and never the words.
    """
    fresh = tuple(one for one in views if not _known(one, at))
    if not fresh and not searches:
        return
    client = (fresh[0] if fresh else searches[0]).actor.client
    _joined(client).call(_Looking(fresh, tuple(searches), at))
    if len(_remembered) >= _MOST:
        _remembered.clear()
    for one in fresh:
        glass = None if one.glass is None else one.glass.id
        _remembered[_key(one)] = _Remembered(at, frozenset(one.fields), glass)


def _key(one: Sighting) -> tuple[ClientId, str, SubjectId]:
    return one.actor.client, one.actor.id, one.subject.id


def _known(one: Sighting, at: datetime) -> bool:
    kept = _remembered.get(_key(one))
    return (
        kept is not None
        and timedelta() <= at - kept.at < seeing.ONE_VIEW
        and one.fields <= kept.fields
        and (one.glass is None or one.glass.id == kept.glass)
    )


@lru_cache(maxsize=256)
def _joined(client: ClientId) -> Combiner[_Looking, None]:
    """Return what joins the answers that are about to leave at the same time: they share a commit."""
    del client
    return Combiner(_write, _apart)


def _apart(one: _Looking) -> Hashable:
    return id(one)


def _write(many: Sequence[_Looking]) -> Outcome[None]:
    drafts = [draft for one in many for draft in _drafts(one)]
    with begin(drafts[0].actor) as tx:
        history.append(tx, drafts, terms=terms_for(tx.client))
    return Outcome([None] * len(many))


def _drafts(one: _Looking) -> list[history.Draft]:
    found = [
        history.Draft(
            view.subject,
            EntryKind.RECORD_VIEWED,
            view.actor,
            one.at,
            facts={
                **told_of(view.actor, view.glass),
                "level": view.level,
                "shown": sorted(view.fields),
            },
        )
        for view in one.views
    ]
    for search in one.searches:
        # Of the others nothing is said in anybody's stream: it is read out to whoever asks for their own data.
        facts = {**told_of(search.actor, None), "search_id": str(uuid4()), "found": len(search.found)}
        found += [
            history.Draft(
                one_found.subject,
                EntryKind.RECORD_SEARCHED,
                search.actor,
                one.at,
                facts={**facts, "level": one_found.level, "shown": sorted(one_found.fields)},
            )
            for one_found in search.found
        ]
    return found


def told_of(actor: Actor, glass: Glass | None) -> dict[str, Json]:
    """Return in which role somebody looks, and what for."""
    told: dict[str, Json] = {"role": seeing.role_of(actor), "purpose": seeing.purpose_of(actor)}
    if glass is not None:
        told |= {"break_glass": str(glass.id), "purpose": glass.reason, "reference": glass.reference}
    return told


def reveal(
    subject: SubjectId,
    path: str,
    *,
    reason: str,
    note: str = "",
    reference: str = "",
    signed_in_at: datetime | None = None,
    actor: Actor,
    at: datetime,
) -> Revealed:
    """Record that one value is about to be shown in clear, to this actor, for ``rules.seeing.REVEALED_FOR``.

    ``reading.seen.revealed`` shows it. ``reference``: of a call, a case or a fault, nothing personal; ``note`` is
    sealed under the customer's key; ``signed_in_at``: when the person last proved who they are. Raises RevealForbidden,
    RevealReasonUnknown, ReferenceNeeded, NoteTooLong, NotFound, NothingToReveal, RevealRestricted, RevealsSpent,
    SignInAgain.
    """
    _require_reveal(actor)
    _require_reason(reason, reference, note)
    fresh = signed_in_at is not None and timedelta() <= at - signed_in_at <= seeing.SIGNED_IN_WITHIN
    if not fresh and _is_delicate(path, actor):
        raise SignInAgain(path="path")
    with begin(actor) as tx:
        record = subjects.load(tx, [subject]).get(subject)
        if record is None:
            raise NotFound
        _require_there(record, path, actor)
        limits = configuration(actor.client).settings.limits
        wait = seeing.again_at(seen.revealed_since(tx, actor.id, at - seeing.QUOTA_SPAN), at, limits)
        if wait is not None:
            raise RevealsSpent(retry_at=wait)
        _, glass = seen.standing(tx, [], actor=actor.id, since=at, at=at)
        change = ChangeId(uuid7())
        facts: dict[str, Json] = {**told_of(actor, glass), "purpose": reason, "shown": [path]}
        facts |= {"reference": reference} if reference else {}
        facts |= {"signed_in_anew": True} if fresh else {}
        draft = history.Draft(record, EntryKind.VALUE_REVEALED, actor, at, facts=facts, change=change)
        history.append(tx, [draft], terms=terms_for(tx.client))
        if note and record.key is not None:
            seen.keep_note(tx, change, evidence.seal_text(tx, record.key, change, note))
    return Revealed(change, subject, path, _in_milliseconds(at) + seeing.REVEALED_FOR)


def _in_milliseconds(at: datetime) -> datetime:
    # As the entry keeps it, from which the end is reckoned.
    return at.replace(microsecond=at.microsecond // 1000 * 1000)


def _require_reveal(actor: Actor) -> None:
    if not access.may(actor, Verb.VALUE_REVEAL):
        raise RevealForbidden(wanted=[role.value for role in Role if Verb.VALUE_REVEAL in access.ROLES[role]])


def _require_reason(reason: str, reference: str, note: str) -> None:
    if reason not in seeing.REVEAL_REASONS:
        raise RevealReasonUnknown(path="reason", choices=sorted(seeing.REVEAL_REASONS))
    if (reference or seeing.REVEAL_REASONS[reason]) and OUTSIDE.fullmatch(reference) is None:
        raise ReferenceNeeded(path="reference")
    if len(note) > NOTE_MOST:
        raise NoteTooLong(path="note")


def _is_delicate(path: str, actor: Actor) -> bool:
    catalogue = configuration(actor.client).catalogue
    return path in catalogue and catalogue[path].type in seeing.STEPPED_UP


def _require_there(record: Subject, path: str, actor: Actor) -> None:
    catalogue = configuration(actor.client).catalogue
    known = path in catalogue and catalogue[path].sensitivity is not Sensitivity.SECRET
    if not known or path not in record.state:
        raise NothingToReveal(path="path")
    # Staff do not see what is stored and not used; who answers for data protection may have to, for a legal claim.
    if record.values().get(RESTRICTED_BY_LAW) is True and Role.PRIVACY not in actor.roles:
        raise RevealRestricted
