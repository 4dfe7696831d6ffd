"""What a viewer may do with a request, and why not; what of it they may see because they decide on it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from changedesk.base.actor import Actor
from changedesk.base.refusal import Forbidden, Refusal
from changedesk.reading.request_panels import ActionView, RuleView
from changedesk.reading.sight import Eyes
from changedesk.reading.weigh import Weighed
from changedesk.rules import access, approval
from changedesk.rules.access import Verb
from changedesk.rules.lifecycle import OPEN, STEPS, RequestState
from changedesk.rules.route import Route
from changedesk.store.settings_read import Configuration


class NotNow(Refusal):
    """The request is not at the step where this can be done."""

    code = "not-now"
    hint = "Do first what the request waits for, or see how it ended."
    status = "conflict"


@dataclass(frozen=True, slots=True)
class _Act:
    """A thing to be done with a request: who may do it, and in which of its states."""

    verb: Verb
    states: frozenset[RequestState]


ACTIONS: Final[Mapping[str, _Act]] = {
    "verify": _Act(Verb.IDENTITY_CHALLENGE, OPEN),
    "record_consent": _Act(Verb.CONSENT_RECORD, OPEN),
    "approve": _Act(Verb.REQUEST_APPROVE, frozenset({RequestState.AWAITING_APPROVAL})),
    "reject": _Act(Verb.REQUEST_REJECT, STEPS["reject"].sources),
    "ask_information": _Act(Verb.REQUEST_ASK_INFORMATION, STEPS["ask_information"].sources),
    "revise": _Act(Verb.REQUEST_REVISE, STEPS["revise"].sources),
    "withdraw": _Act(Verb.REQUEST_WITHDRAW, STEPS["withdraw"].sources),
    "cancel": _Act(Verb.REQUEST_CANCEL, STEPS["cancel"].sources),
    "hold": _Act(Verb.REQUEST_HOLD, STEPS["hold"].sources),
    "release": _Act(Verb.REQUEST_RELEASE, STEPS["release"].sources),
    "apply_now": _Act(Verb.REQUEST_APPLY_NOW, frozenset({RequestState.APPROVED, RequestState.SCHEDULED})),
    "reschedule": _Act(Verb.REQUEST_APPLY_NOW, frozenset({RequestState.APPROVED, RequestState.SCHEDULED})),
    "revert": _Act(Verb.CHANGE_REVERT, frozenset({RequestState.APPLIED})),
}


def actions(one: Weighed, actor: Actor) -> tuple[ActionView, ...]:
    """Return everything that can ever be done with a request, and for each whether this viewer may do it now."""
    return tuple(_action(word, act, one, actor) for word, act in ACTIONS.items())


def approve_action(one: Weighed, actor: Actor) -> ActionView:
    """Say whether this viewer may approve this request as it is now."""
    return _action("approve", ACTIONS["approve"], one, actor)


def open_to_decide(eyes: Eyes, one: Weighed, approve: ActionView) -> Eyes:
    """Return eyes that see the request's own fields too, when the viewer is the one to decide on it."""
    if not approve.allowed:
        return eyes
    return Eyes(eyes.sight.with_paths(one.request.fields), eyes.catalogue, eyes.language)


def _action(word: str, act: _Act, one: Weighed, actor: Actor) -> ActionView:
    refusal = _refusal(word, act, one, actor)
    if refusal is None:
        return ActionView(word=word, allowed=True)
    return ActionView(word=word, allowed=False, code=refusal.code, reason=refusal.sentence, hint=refusal.hint)


def _refusal(word: str, act: _Act, one: Weighed, actor: Actor) -> Refusal | None:
    request = one.request
    if word == "approve" and access.may(actor, act.verb):
        return approval.screen([one.candidate], actor, seen={request.id: request.digest})[1].get(request.id)
    if not access.may(actor, act.verb, subject=request.person_id):
        return Forbidden(verb=str(act.verb))
    if request.state not in act.states:
        return NotNow(state=request.state.value)
    if word == "record_consent" and (one.route.consent is None or one.hand.consented):
        return NotNow(state=request.state.value)
    return None


def rule_views(route: Route, config: Configuration) -> tuple[RuleView, ...]:
    """Return the rules that decided a route, with the law or standard that each stands for.

    A rule that the client has given up since is told by its id alone.
    """
    known = {rule.id: rule for rule in config.rules}
    found: list[RuleView] = []
    for name, version in route.rules:
        rule = known.get(name)
        found.append(
            RuleView(
                id=name,
                version=version,
                pack="" if rule is None else rule.pack,
                citation="" if rule is None else rule.citation,
                url="" if rule is None else rule.url,
            )
        )
    return tuple(found)
