"""What policy is told of a wish beside its values: worked out from the record, never taken from input."""

from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from typing import Final

from changedesk.base.ids import SubjectId
from changedesk.base.json import Value
from changedesk.rules import distrust, identity
from changedesk.rules.fields import Field, FieldType
from changedesk.rules.route import Route
from changedesk.rules.rule import HELD
from changedesk.rules.status import end_of, today_in
from changedesk.store import evidence, lately, subjects
from changedesk.store.settings_read import Configuration
from changedesk.store.subjects import Subject
from changedesk.store.tx import Look
from changedesk.store.wire import Call


def attributes_of(
    look: Look,
    config: Configuration,
    subject: Subject,
    person: Subject,
    after: Mapping[str, Value],
    *,
    initiated_by: str,
    at: datetime,
) -> dict[str, str]:
    """Return the attributes that rules match: whose decision, how the subject stands, what was changed when."""
    changed = lately.last_changed(look, person)
    own = set(after) if person.id == subject.id else set()
    found = {
        "opts_out": str(opts_out(categories_of(config, after), after)).lower(),
        "initiated_by": initiated_by,
        "subject_type": subject.type,
        "status": subject.status,
        **_reach(look, config, person, own, changed, at=at),
        **_who(config, person, at=at),
        **_told(config, person, at=at),
        **_told(config, subject, at=at),
    }
    # What is taken away is another thing than what is given: a flag that protects the customer, an alert.
    found |= {f"ends.{config.catalogue[path].category}": "true" for path, value in after.items() if not value}
    if person.id != subject.id:
        changed = lately.newest(changed, lately.last_changed(look, subject))
    found |= distrust.changes_of(config.catalogue, changed)
    return found | _held_lately(look, config, person, changed, at=at)


def asks(person: SubjectId, *, at: datetime) -> tuple[Call, ...]:
    """Return what ``attributes_of`` asks of a customer, whatever they hold: to be read ahead."""
    return (
        evidence.factors_asks(person), evidence.challenges_asks(person, since=at - _RECENT),
        subjects.accounts_of_asks(person),
    )  # fmt: skip


def _held_lately(
    look: Look, config: Configuration, person: Subject, changed: Mapping[str, datetime], *, at: datetime
) -> dict[str, str]:
    """Say the same of everything that the person holds, where a rule asks: a SIM is changed on any of their lines."""
    if not distrust.asks_of_held(config.rules):
        return {}
    holdings = subjects.accounts_of(look, person.id)
    held = lately.with_held(look, {person.id: changed}, holdings, at=at)[person.id]
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
    look: Look,
    config: Configuration,
    person: Subject,
    setting: set[str],
    changed: Mapping[str, datetime],
    *,
    at: datetime,
) -> dict[str, str]:
    """Say whether this customer can prove who they are with two factors, one, or none: never taken from input."""
    offered = identity.offers(
        config.catalogue,
        person.values(),
        Route(level=0, approvals=0),
        changed=setting,
        last_changed=changed,
        now=at,
        has_totp=bool(evidence.factors_of(look, person)),
    )
    recent = evidence.challenges_of(look, person.id, since=at - _RECENT)
    proved = {item.method for item in recent if item.purpose == identity.Purpose.CALLER and item.state == "confirmed"}
    reach = identity.reachable(offered, proved=proved)
    return {"one_factor": str(reach == _ONE_FACTOR).lower(), "no_factor": str(reach < _ONE_FACTOR).lower()}


_ONE_FACTOR: Final = 2
_RECENT: Final = identity.CALLER_TTL + identity.CODE_TTL


def categories_of(config: Configuration, paths: Iterable[str]) -> frozenset[str]:
    """Return the words of the change taxonomy for some fields; one that a policy has taken out has none any more."""
    return frozenset(config.catalogue[path].category for path in paths if path in config.catalogue)


def opts_out(categories: frozenset[str], after: Mapping[str, Value]) -> bool:
    """Tell whether a change does nothing but end marketing: nothing may stand in its way (GDPR 7(3), 21(3))."""
    return all(category.startswith("pref.marketing") for category in categories) and not any(after.values())
