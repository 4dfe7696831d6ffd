"""The stations of a request as a line that people follow: what is done, what is on, what is to come."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from changedesk.reading.request_panels import StepView
from changedesk.reading.weigh import Weighed
from changedesk.rules.identity import level_to_prove
from changedesk.rules.lifecycle import RequestState

_S = RequestState
_LINE: Final = ("received", "verified", "consent", "approval", "hold", "applied")
_AT: Final[Mapping[RequestState, str]] = {
    _S.SUBMITTED: "verified",
    _S.AWAITING_VERIFICATION: "verified",
    _S.AWAITING_CONSENT: "consent",
    _S.AWAITING_APPROVAL: "approval",
    _S.STALE: "approval",
    _S.APPROVED: "applied",
    _S.SCHEDULED: "applied",
    _S.ON_HOLD: "hold",
}


def steps(one: Weighed) -> tuple[StepView, ...]:
    """Return the stations in order; a station that the route does not ask for is skipped.

    A request that ended otherwise than applied has its ending (rejected, withdrawn, ...) as the last station.
    """
    state = one.request.state
    wanted, times = _wanted(one), _times(one)
    if state is _S.APPLIED:
        return tuple(_step(word, "done" if wanted[word] else "skipped", times) for word in _LINE)
    done = _done(one)
    if one.request.ended:
        passed = [_step(word, _passed(done[word], wanted[word]), times) for word in _LINE[:-1]]
        return (*passed, StepView(word=state.value, state="ended", at=one.request.state_at))
    current = _AT.get(state) or next((word for word in _LINE if wanted[word] and not done[word]), "applied")
    return tuple(
        _step(word, "current" if word == current else _passed(done[word], wanted[word], open_="todo"), times)
        for word in _LINE
    )


def _step(word: str, state: str, times: Mapping[str, datetime | None]) -> StepView:
    return StepView(word=word, state=state, at=times[word] if state == "done" else None)


def _times(one: Weighed) -> dict[str, datetime | None]:
    """Return when the last piece of each station came in, as far as the evidence that counts says."""
    request = one.request
    proved = {item for item in one.challenges if item.state == "confirmed" and item.digest == one.request.digest}
    approved = sorted(item.at for item in one.decisions if one.counts(item) and item.verdict == "approve")
    return {
        "received": request.received_at,
        "verified": max((item.decided_at for item in proved.union(one.proofs) if item.decided_at), default=None),
        "consent": min((item.given_at for item in one.consents if one.counts(item)), default=None),
        "approval": approved[one.route.approvals - 1] if 0 < one.route.approvals <= len(approved) else None,
        "hold": None,
        "applied": request.state_at if request.state is _S.APPLIED else None,
    }


def _passed(done: bool, wanted: bool, *, open_: str = "skipped") -> str:  # noqa: FBT001 - two facts side by side
    if not wanted:
        return "skipped"
    return "done" if done else open_


def _wanted(one: Weighed) -> dict[str, bool]:
    route = one.route
    return {
        "received": True,
        "verified": level_to_prove(route) > 0 or bool(one.new_contacts),
        "consent": route.consent is not None,
        "approval": route.approvals > 0,
        "hold": one.request.state is _S.ON_HOLD,
        "applied": True,
    }


def _done(one: Weighed) -> dict[str, bool]:
    route = one.route
    contacts = one.hand.new_contacts_confirmed or not one.new_contacts
    return {
        "received": True,
        "verified": one.hand.level >= level_to_prove(route) and contacts,
        "consent": one.hand.consented,
        "approval": len(one.hand.approvers) >= route.approvals,
        "hold": False,
        "applied": False,
    }
