"""What a form of a kind of change is made of: its fields, the reasons there are, and what policy would ask."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from changedesk import kinds
from changedesk.base.actor import Actor
from changedesk.reading import duties, lines, words
from changedesk.reading.deciding import rule_views
from changedesk.reading.request_panels import Strip
from changedesk.rules import access
from changedesk.rules.access import Verb
from changedesk.rules.fields import Catalogue, Field, Sensitivity
from changedesk.rules.route import Route
from changedesk.store.settings_read import configuration

CONSEQUENCE: Final = "consequence"
"""Tag of a field that follows from others: nobody types it."""
_INITIATORS: Final = ("customer", "business", "system")


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """Something to choose. ``needs_text``: it says too little without a note."""

    code: str
    label: str
    needs_text: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class KindForm:
    """One kind of change: its fields in the order of the form, secrets left out."""

    kind: str
    label: str
    icon: str
    fields: tuple[Field, ...]
    operations: tuple[Choice, ...]
    """What is chosen from by name; empty where the values say it all."""
    initiators: tuple[str, ...]
    """Whose decision it may be, the customer's first."""
    region: str
    """ISO 3166 country by which numbers without a country code are read."""


def kinds_offered(*, actor: Actor, language: str, subject_type: str = "customer") -> tuple[KindForm, ...]:
    """Return the kinds of change of a customer, or of an account, that this client has fields for. Raises Forbidden."""
    access.require(actor, Verb.REQUEST_PREVIEW, subject=actor.subject)
    config = configuration(actor.client)
    found = []
    for kind in kinds.all():
        fields = tuple(
            item
            for item in kind.fields(config.catalogue)
            if item.sensitivity is not Sensitivity.SECRET and item.is_of(subject_type) and CONSEQUENCE not in item.tags
        )
        if fields and subject_type in kind.subjects:
            found.append(
                KindForm(
                    kind=kind.name,
                    label=lines.kind_label(kind.name, language),
                    icon=kind.icon,
                    fields=fields,
                    operations=tuple(
                        Choice(code=code, label=words.in_language(label, language))
                        for code, label in kind.operations.items()
                    ),
                    initiators=tuple(one for one in _INITIATORS if one in kind.initiators),
                    region=config.settings.region,
                )
            )
    return tuple(found)


def form_of(kind: str, *, actor: Actor, language: str, subject_type: str = "customer") -> KindForm:
    """Return the form of one kind. Raises Forbidden, UnknownKind."""
    for item in kinds_offered(actor=actor, language=language, subject_type=subject_type):
        if item.kind == kind:
            return item
    raise kinds.UnknownKind


@dataclass(frozen=True, slots=True)
class Ground:
    """What a file is read against: fields, the country of bare numbers, the client's first language, its hours."""

    catalogue: Catalogue
    region: str
    language: str
    time_zone: str


def ground(*, actor: Actor) -> Ground:
    """Return what an import for this client is read against. Raises Forbidden."""
    access.require(actor, Verb.CUSTOMER_READ, subject=actor.subject)
    config = configuration(actor.client)
    settings = config.settings
    return Ground(config.catalogue, settings.region, settings.default_language, settings.time_zone)


def fields(*, actor: Actor) -> tuple[Field, ...]:
    """Return every field of the client that may be shown at all. Raises Forbidden."""
    access.require(actor, Verb.CUSTOMER_READ, subject=actor.subject)
    return tuple(item for item in configuration(actor.client).catalogue if item.sensitivity is not Sensitivity.SECRET)


def reasons(*, actor: Actor, language: str) -> tuple[Choice, ...]:
    """Return the client's reason codes, in the order of its packs."""
    return tuple(
        Choice(code=item.code, label=words.in_language(item.label, language), needs_text=item.needs_text)
        for item in configuration(actor.client).reason_codes.values()
    )


def strip_of(route: Route, *, level: int, changed: Collection[str], actor: Actor, language: str) -> Strip:
    """Return what policy would ask of a change of these fields, of which nothing but ``level`` is there yet.

    ``level`` is what the caller has proved so far. Raises Forbidden.
    """
    access.require(actor, Verb.REQUEST_PREVIEW, subject=actor.subject)
    config = configuration(actor.client)
    points = [item for item in config.catalogue.contact_points() if item.path in changed]
    return duties.strip(
        route,
        level=level,
        new_contacts=[item.label_in(language) for item in points] if route.confirm_new_contacts else (),
        rules=rule_views(route, config),
        at=None,
    )
