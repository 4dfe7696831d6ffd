"""The ways in which somebody can prove that they are the customer, and where a code goes."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

from changedesk.base.actor import Actor
from changedesk.base.ids import SubjectId
from changedesk.base.refusal import NotFound, Refusal
from changedesk.flow import asking, circumstances, named
from changedesk.rules import access, distrust, identity, policy
from changedesk.rules.fields import FieldType
from changedesk.rules.identity import Method, Offer, Purpose
from changedesk.rules.route import Route
from changedesk.store import evidence, lately, subjects
from changedesk.store.requests import Request
from changedesk.store.settings_read import configuration
from changedesk.store.subjects import Subject
from changedesk.store.tx import Look, look


class MethodRefused(Refusal):
    """This way to verify cannot be used here.

    ``data``: method, why (changed_here, changed_lately, forbidden, not_offered).
    """

    code = "method-refused"
    hint = "Choose another of the ways that are offered."


class NothingToConfirm(Refusal):
    """This request has no new contact point of that name to be confirmed."""

    code = "nothing-to-confirm"
    hint = "Name a contact point that the request sets."


@dataclass(frozen=True, slots=True)
class About:
    """Whom and what a challenge is about."""

    subject: Subject
    request: Request | None

    @property
    def route(self) -> Route:
        return Route(level=0, approvals=0) if self.request is None else policy.from_json(self.request.route)


def about(subject: Subject | None, request: Request | None) -> About:
    """Return whom and what a challenge is about: a customer who can be verified. Raises NotFound, Gone."""
    if subject is None or subject.type != "customer":
        raise NotFound
    if subject.key is None:
        raise asking.Gone
    return About(subject, request)


def offers(subject: SubjectId, *, ref: str | None = None, actor: Actor, at: datetime) -> list[Offer]:
    """Return the ways to verify a caller, or this request; those that may not be used come with the reason."""
    verb = access.Verb.IDENTITY_CHALLENGE
    access.require(actor, verb, subject=subject)
    with look(actor.client) as seen:
        request = None if ref is None else named.find(seen, ref, actor=actor, verb=verb)
        whom = subject if request is None else request.person_id
        return ways(seen, [about(subjects.load(seen, [whom]).get(whom), request)], at=at)[whom]


def ways(seen: Look, whom: Sequence[About], *, at: datetime) -> dict[SubjectId, list[Offer]]:
    """Return the ways to verify different customers; those that may not be used come with the reason."""
    if not whom:
        return {}
    config, people = configuration(seen.client), [one.subject for one in whom]
    apps: defaultdict[SubjectId, list[datetime]] = defaultdict(list)
    for factor in evidence.factors_of(seen, *people):
        apps[factor.subject_id].append(factor.bound_at)
    rules = distrust.distrusting(config.rules)
    holdings = subjects.accounts_of(seen, *(one.id for one in people)) if rules else ()
    changed = lately.each_last_changed(seen, people)
    # Asked again when a code is to be sent: the SIM may have been changed since the request was made.
    held = lately.with_held(seen, changed, holdings, at=at)
    found: dict[SubjectId, list[Offer]] = {}
    for one in whom:
        distrusted = distrust.distrusted(
            rules,
            config.catalogue,
            partial(held.__getitem__, one.subject.id),
            industries=config.settings.industries,
            jurisdictions=config.settings.jurisdictions,
            at=at,
        )
        route = one.route
        bound = distrust.bound_lately(one.subject.created_at, apps.get(one.subject.id, ()))
        categories = None if one.request is None else circumstances.categories_of(config, one.request.fields)
        forbidden = {*route.methods_forbidden, *distrusted}
        found[one.subject.id] = identity.offers(
            config.catalogue,
            one.subject.values(),
            replace(route, methods_forbidden=tuple(sorted(forbidden))),
            changed=set_on(one.subject.id, one.request),
            last_changed=changed[one.subject.id],
            now=at,
            has_totp=one.subject.id in apps,
            too_new=circumstances.too_new(config, bound, categories, at=at),
        )
    return found


def set_on(subject: SubjectId, request: Request | None) -> tuple[str, ...]:
    """Return the fields of this customer that a request sets: none when it changes an account of theirs."""
    return request.fields if request is not None and request.subject_id == subject else ()


def offered(purpose: str, method: str) -> bool:
    """Say whether a challenge is one of the ways that ``ways`` returns."""
    return purpose != Purpose.NEW_CONTACT and method != Method.KNOWLEDGE


def target(seen: Look, about: About, purpose: str, method: str, path: str | None, offers: Sequence[Offer]) -> str:
    """Return where a code goes; empty for a method that sends none. Raises MethodRefused, NothingToConfirm."""
    if purpose == Purpose.NEW_CONTACT:
        return _new_contact(seen, about, method, path)
    if (purpose == Purpose.CHANGE) != (about.request is not None):
        raise MethodRefused(method=method, why="not_offered")
    if not offered(purpose, method):
        return ""
    for offer in offers:
        if offer.method == method and offer.path == path:
            if offer.refused_reason is not None:
                raise MethodRefused(method=method, why=offer.refused_reason)
            return str(about.subject.state[path].value) if path is not None else ""
    raise MethodRefused(method=method, why="not_offered")


def _new_contact(seen: Look, about: About, method: str, path: str | None) -> str:
    proposal = None if about.request is None else about.request.proposal
    if proposal is None or path is None or path not in proposal.values or proposal.values[path] is None:
        raise NothingToConfirm
    field = configuration(seen.client).catalogue[path]
    fits = {FieldType.EMAIL: Method.CODE_EMAIL, FieldType.PHONE: Method.CODE_SMS}.get(field.type)
    if not field.contact_point or method != fits:
        raise NothingToConfirm
    return str(proposal.values[path])
