"""What policy is told of a wish beside its values: worked out from the record, never taken from input."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from operator import attrgetter
from typing import Final

from changedesk.base.ids import SubjectId
from changedesk.base.json import Value
from changedesk.rules import distrust, identity
from changedesk.rules.fields import Field, FieldType
from changedesk.rules.route import Route
from changedesk.rules.rule import HELD
from changedesk.rules.status import end_of, today_in
from changedesk.store import evidence, lately, subjects
from changedesk.store.evidence import Challenge
from changedesk.store.settings_read import Configuration
from changedesk.store.subjects import Holding, Subject
from changedesk.store.tx import Look
from changedesk.store.wire import Call


@dataclass(frozen=True, slots=True)
class Around:
    """A customer, and what is known of how they can prove themselves and of what they hold."""

    person: Subject
    has_totp: bool
    bound: datetime | None
    """When the newest authenticator was bound, unless it came with the customer."""
    recent: Sequence[Challenge]
    holdings: Sequence[Holding]


def around(
    look: Look, people: Iterable[Subject], *, told: Collection[SubjectId] = (), at: datetime
) -> dict[SubjectId, Around]:
    """Read what is around some customers, in one round trip; ``told``: of whom it was said ahead (``asks``)."""
    known = {one.id: one for one in sorted(people, key=attrgetter("id"))}
    if known.keys() != set(told):
        look.ahead(*asks(known, at=at))
    factors: defaultdict[SubjectId, list[datetime]] = defaultdict(list)
    for factor in evidence.factors_of(look, *known.values()):
        factors[factor.subject_id].append(factor.bound_at)
    recent: defaultdict[SubjectId, list[Challenge]] = defaultdict(list)
    for challenge in evidence.challenges_of(look, *known, since=at - _RECENT):
        recent[challenge.subject_id].append(challenge)
    holdings: defaultdict[SubjectId, list[Holding]] = defaultdict(list)
    for holding in subjects.accounts_of(look, *known):
        holdings[holding.customer].append(holding)
    return {
        id_: Around(
            one, id_ in factors, distrust.bound_lately(one.created_at, factors.get(id_, ())), recent[id_], holdings[id_]
        )
        for id_, one in known.items()
    }


def attributes_of(
    look: Look,
    config: Configuration,
    subject: Subject,
    known: Around,
    after: Mapping[str, Value],
    *,
    initiated_by: str,
    at: datetime,
) -> dict[str, str]:
    """Return the attributes that rules match: whose decision, how the subject stands, what was changed when."""
    person = known.person
    changed = lately.last_changed(look, person)
    categories = categories_of(config, after)
    own = set(after) if person.id == subject.id else set()
    found = {
        "opts_out": str(opts_out(categories, after)).lower(),
        "initiated_by": initiated_by,
        "subject_type": subject.type,
        "status": subject.status,
        **_reach(config, known, own, changed, categories, at=at),
        **_who(config, person, at=at),
        **_told(config, person, at=at),
        **_told(config, subject, at=at),
    }
    # What is taken away is another thing than what is given: a flag that protects the customer, an alert.
    found |= {f"ends.{config.catalogue[path].category}": "true" for path, value in after.items() if not value}
    if person.id != subject.id:
        changed = lately.newest(changed, lately.last_changed(look, subject))
    found |= distrust.changes_of(config.catalogue, changed)
    if known.bound is not None:
        told = f"last_changed.{distrust.AUTHENTICATOR}"
        found[told] = max(known.bound.isoformat(), found.get(told, ""))
    return found | _held_lately(look, config, known, changed, at=at)


def asks(people: Iterable[SubjectId], *, at: datetime) -> tuple[Call, ...]:
    """Return what ``around`` asks of customers, where none of them is deactivated or closed: to be read ahead."""
    ids = sorted(people)
    return (
        evidence.factors_asks(*ids), evidence.challenges_asks(*ids, since=at - _RECENT),
        subjects.accounts_of_asks(*ids),
    )  # fmt: skip


def _held_lately(
    look: Look, config: Configuration, known: Around, changed: Mapping[str, datetime], *, at: datetime
) -> dict[str, str]:
    """Say the same of everything that the person holds, where a rule asks: a SIM is changed on any of their lines."""
    if not distrust.asks_of_held(config.rules):
        return {}
    id_ = known.person.id
    held = lately.with_held(look, {id_: changed}, known.holdings, at=at)[id_]
    return distrust.changes_of(config.catalogue, held, HELD)


def _who(config: Configuration, person: Subject, *, at: datetime) -> dict[str, str]:
    """Say what the law asks of a customer's age, on the day that it is where the client is."""
    told: dict[str, str] = {}
    for path, held in person.state.items():
        field = config.catalogue.fields.get(path)
        if field is not None and field.category == "personal.dob" and field.type is FieldType.DATE:
            age = years_between(date.fromisoformat(str(held.value)), today_in(at, config.settings.time_zone))
            told |= {"minor": str(age < _CONSENTS_AT).lower(), "under_13": str(age < _CHILD_BELOW).lower()}
    return told


def _told(config: Configuration, subject: Subject, *, at: datetime) -> dict[str, str]:
    """Say what the fields tell that are there for a rule to read."""
    told: dict[str, str] = {}
    for path, held in subject.state.items():
        field = config.catalogue.fields.get(path)
        if field is not None and field.tells and _tells(field, held.value, config.settings.time_zone, at=at):
            told[field.tells] = "true"
    return told


def _tells(field: Field, value: Value, zone: str, *, at: datetime) -> bool:
    if not field.tells_hours:
        return bool(value)
    day = date.fromisoformat(str(value))
    # The hour is not known, so that the whole day counts.
    return end_of(day - timedelta(days=1), zone) - timedelta(hours=field.tells_hours) <= at < end_of(day, zone)


_CONSENTS_AT: Final = 16
"""GDPR 8(1); member states may lower it, which a pack says by a rule of its own."""
_CHILD_BELOW: Final = 13
"""16 CFR 312.2."""


def years_between(born: date, day: date) -> int:
    """Return the whole years that somebody has lived on a day; the 29th of February is over on the 1st of March."""
    return day.year - born.year - ((day.month, day.day) < (born.month, born.day))


def _reach(
    config: Configuration,
    known: Around,
    setting: set[str],
    changed: Mapping[str, datetime],
    categories: frozenset[str],
    *,
    at: datetime,
) -> dict[str, str]:
    """Say whether this customer can prove who they are with two factors, one, or none: never taken from input."""
    offered = identity.offers(
        config.catalogue,
        known.person.values(),
        Route(level=0, approvals=0),
        changed=setting,
        last_changed=changed,
        now=at,
        has_totp=known.has_totp,
        too_new=too_new(config, known.bound, categories, at=at),
    )
    callers = [item for item in known.recent if item.purpose == identity.Purpose.CALLER]
    proved = {item.method for item in callers if item.state == "confirmed"}
    reach = identity.reachable(offered, proved=proved)
    return {"one_factor": str(reach == _ONE_FACTOR).lower(), "no_factor": str(reach < _ONE_FACTOR).lower()}


def too_new(
    config: Configuration, bound: datetime | None, categories: frozenset[str] | None, *, at: datetime
) -> frozenset[str]:
    """Return the methods that prove nothing yet (``rules.distrust.too_new``) by the rules of a client."""
    return distrust.too_new(
        config.rules,
        bound,
        categories,
        industries=config.settings.industries,
        jurisdictions=config.settings.jurisdictions,
        at=at,
    )


_ONE_FACTOR: Final = 2
_RECENT: Final = identity.CALLER_TTL + identity.CODE_TTL


def categories_of(config: Configuration, paths: Iterable[str]) -> frozenset[str]:
    """Return the words of the change taxonomy for some fields; one that a policy has taken out has none any more."""
    return frozenset(config.catalogue[path].category for path in paths if path in config.catalogue)


def opts_out(categories: frozenset[str], after: Mapping[str, Value]) -> bool:
    """Tell whether a change does nothing but end marketing: nothing may stand in its way (GDPR 7(3), 21(3))."""
    return all(category.startswith("pref.marketing") for category in categories) and not any(after.values())
