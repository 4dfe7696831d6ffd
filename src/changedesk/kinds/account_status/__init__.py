"""How a customer or an account stands: activated, suspended, closed and back; its locks, holds and restrictions.

``rules.status`` holds the states and the moves. A suspension may name its last day: what holds afterwards is said in
the same entry, so that it stands in the record from the start and the clock only carries it out.
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Final

from changedesk.base.json import State, Value
from changedesk.base.refusal import Refusal
from changedesk.kinds.account_status.refusals import (
    GraceOver,
    GraceWrong,
    MoveImpossible,
    NotOfThisOperation,
    OneOperation,
    UntilPast,
)
from changedesk.kinds.account_status.words import LABELS
from changedesk.kinds.effects import Announce, Effect, Say
from changedesk.kinds.kind import Checked, Kind, Proposal
from changedesk.rules import status
from changedesk.rules.status import BLOCKS, GRACE, MOVES, STATE, TOGGLES, UNTIL, Status

_DETAIL: Final = "status.reason_detail"
_FEEDBACK: Final = "status.feedback"
_TOGGLED: Final = {path: toggle for toggle in TOGGLES for path in toggle.paths}
_OF_SUSPENSION: Final = (BLOCKS, UNTIL, _DETAIL)
_TYPED: Final[Mapping[str, frozenset[str]]] = {
    "suspend": frozenset(_OF_SUSPENSION),
    "close": frozenset({_FEEDBACK, GRACE, _DETAIL}),
    "deactivate": frozenset({_FEEDBACK, _DETAIL}),
}
"""What may be typed with an operation besides the reason in detail."""
_FREEZES: Final = frozenset({"suspend", "deactivate", "close", "hold", "lock", "restrict"})
"""Other systems wait from each of these on; each of the others lets them go on."""
FROZEN_DOWNSTREAM: Final = ("card_reissue", "sim_swap", "payout")
"""What other systems wait with, from a freeze until its release."""
_GRACE_LEAST: Final = 7


def asked(operation: str, typed: Mapping[str, object], before: State) -> Mapping[str, object]:
    """Turn an operation, and what was typed with it, into values of fields."""
    if operation in MOVES:
        cleared = dict.fromkeys(path for path in (*_OF_SUSPENSION, GRACE) if before.get(path) is not None)
        if operation == "suspend":
            cleared = {}
        return {**cleared, **typed, STATE: MOVES[operation].target.value}
    toggle = next(item for item in TOGGLES if operation in (item.on, item.off))
    named = [path for path in toggle.paths if path in typed]
    standing = [path for path in toggle.paths if before.get(path) is True]
    rest = {path: value for path, value in typed.items() if path not in toggle.paths}
    if operation == toggle.on:
        return {**rest, **dict.fromkeys(named or toggle.paths[:1], True)}
    return {**rest, **dict.fromkeys(named or standing or toggle.paths[:1])}


def operation_of(proposal: Proposal) -> str:
    """Return the one operation that these values are, ``change`` where they are several."""
    before, after = proposal.before, proposal.after
    was = status.status_of(before)
    found: set[str] = set()
    if STATE in after:
        becomes = status.status_of({STATE: after[STATE]})
        if becomes is not was:
            found.add(status.operation_to(was, becomes))
    elif was is Status.SUSPENDED and not {BLOCKS, UNTIL}.isdisjoint(after):
        found.add("suspend")
    for path, toggle in _TOGGLED.items():
        if path in after and (after[path] is True) != (before.get(path) is True):
            found.add(toggle.on if after[path] is True else toggle.off)
    if not found:
        return "correct"
    return found.pop() if len(found) == 1 else "change"


def check(proposal: Proposal) -> Checked:
    """Refuse moves that do not lead from here, several at once, and days that are over."""
    was, does = status.status_of(proposal.before), operation_of(proposal)
    refusals: list[Refusal] = []
    if does == "change":
        refusals.append(OneOperation(paths=sorted(proposal.after)))
    elif does not in ("correct", *LABELS) or (does in MOVES and not status.may_move(does, was)):
        refusals.append(MoveImpossible(status=was.value, operation=does, possible=status.open_moves(was)))
    else:
        refusals += _misplaced(proposal, does)
        refusals += _days(proposal, does)
    return Checked(tuple(refusals))


def _misplaced(proposal: Proposal, does: str) -> list[Refusal]:
    typed = {*_OF_SUSPENSION, _FEEDBACK, GRACE} - _TYPED.get(does, frozenset({_DETAIL}))
    if does == "correct":
        typed -= {_FEEDBACK}
    wrong = sorted(path for path in typed if proposal.sets(path))
    return [NotOfThisOperation(paths=wrong, operation=does)] if wrong else []


def _days(proposal: Proposal, does: str) -> list[Refusal]:
    today = status.today_in(proposal.at, proposal.zone)
    if proposal.sets(UNTIL) and _day(proposal.after[UNTIL]) < today:
        return [UntilPast(path=UNTIL)]
    if does == "reopen":
        grace = proposal.before.get(GRACE)
        if grace is not None and _day(grace) < today:
            return [GraceOver(grace_until=str(grace))]
    if proposal.sets(GRACE):
        earliest, latest = today + timedelta(days=_GRACE_LEAST), today + timedelta(days=status.GRACE_MOST)
        if not earliest <= _day(proposal.after[GRACE]) <= latest:
            return [GraceWrong(earliest=earliest.isoformat(), latest=latest.isoformat())]
    return []


def _day(value: Value) -> date:
    return date.fromisoformat(str(value))


def effects(proposal: Proposal) -> Sequence[Effect]:
    """Say what holds when a suspension ends, until when a closing can be undone; tell billing and services."""
    does = operation_of(proposal)
    was = status.status_of(proposal.before)
    becomes = status.status_of({STATE: proposal.value(STATE)})
    told: dict[str, object] = {"from": was.value, "to": becomes.value, "operation": does}
    found: list[Effect] = []
    if does == "suspend":
        until = proposal.value(UNTIL)
        ends = None if until is None else status.end_of(_day(until), proposal.zone)
        found += _lasting(proposal, ends)
        told |= {"blocks": _list(proposal.value(BLOCKS)), "until": None if ends is None else ends.isoformat()}
    if does == "close":
        grace = proposal.value(GRACE) or _grace(proposal)
        found.append(Say(GRACE, grace))
        told |= {"grace_until": grace, "retention_from": proposal.at.isoformat()}
    return [*found, *_announced(does, told)]


def _lasting(proposal: Proposal, ends: datetime | None) -> list[Effect]:
    """Say a suspension's values again for as long as it lasts now, and that nothing of it holds afterwards."""
    said: list[Effect] = [Say(STATE, Status.SUSPENDED.value)]
    said += [Say(path, proposal.value(path)) for path in _OF_SUSPENSION if proposal.value(path) is not None]
    if ends is not None:
        said.append(Say(STATE, Status.ACTIVE.value, ends))
        said += [Say(path, None, ends) for path in _OF_SUSPENSION if proposal.value(path) is not None]
    return said


def _grace(proposal: Proposal) -> str:
    return (status.today_in(proposal.at, proposal.zone) + timedelta(days=status.GRACE_DAYS)).isoformat()


def _list(value: Value) -> list[str]:
    return [str(item) for item in value] if isinstance(value, list | tuple) else []


def _announced(does: str, told: Mapping[str, object]) -> list[Effect]:
    if does in ("correct", "legal_hold", "legal_release"):
        return []
    found: list[Effect] = [Announce(f"status.{_PAST.get(does, does)}", told)]
    if does in ("suspend", "deactivate", "close"):
        found.append(Announce("services.block", {key: told[key] for key in ("blocks", "until") if key in told}))
    elif does in ("activate", "reinstate", "reactivate", "reopen"):
        found.append(Announce("services.unblock", {}))
    word = "downstream.freeze" if does in _FREEZES else "downstream.release"
    return [*found, Announce(word, {"waits": list(FROZEN_DOWNSTREAM), "because": does})]


_PAST: Final[Mapping[str, str]] = {
    "activate": "activated",
    "suspend": "suspended",
    "reinstate": "reinstated",
    "deactivate": "deactivated",
    "reactivate": "reactivated",
    "close": "closed",
    "reopen": "reopened",
    "lock": "locked",
    "unlock": "unlocked",
    "hold": "held",
    "release": "released",
    "restrict": "restricted",
    "unrestrict": "unrestricted",
}

KIND = Kind(
    name="account_status",
    label={"en": "Status", "de": "Status", "ar": "الحالة"},
    icon="power",
    notice_subject={"en": "the status of your account", "de": "den Status Ihres Kontos", "ar": "حالة حسابك"},
    notice_words={},
    form_order=(STATE, *_OF_SUSPENSION, *_TOGGLED, _FEEDBACK, GRACE),
    check=check,
    subjects=frozenset({"customer", "account"}),
    initiators=frozenset({"customer", "business", "system"}),
    operations=LABELS,
    asked=asked,
    operation_of=operation_of,
    effects=effects,
    entry="status.changed",
)
