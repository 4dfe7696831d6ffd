"""What stands around every page of the desk."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from changedesk.base.actor import Actor, Role
from changedesk.channels.console.show import files
from changedesk.reading import batches, imports, integrity, reversals, seen
from changedesk.rules.access import Verb, may

if TYPE_CHECKING:
    from changedesk.channels.console.visit import Visit

ROLES: Final = {
    Role.AGENT: gettext_lazy("Agent"),
    Role.SUPERVISOR: gettext_lazy("Supervisor"),
    Role.COMPLIANCE: gettext_lazy("Compliance"),
    Role.FRAUD: gettext_lazy("Fraud"),
    Role.PRIVACY: gettext_lazy("Data protection"),
    Role.AUDITOR: gettext_lazy("Auditor"),
    Role.ADMINISTRATOR: gettext_lazy("Administrator"),
}
_MAY: Final = {
    "queue": Verb.QUEUE_READ,
    "search": Verb.CUSTOMER_SEARCH,
    "evidence": Verb.EVIDENCE_BUILD,
    "ask": Verb.REQUEST_SUBMIT,
    "verify": Verb.IDENTITY_CHALLENGE,
    "approve": Verb.REQUEST_APPROVE,
    "disputes": Verb.QUEUE_READ,
    "notices": Verb.NOTICE_READ,
    "resend": Verb.NOTICE_RESEND,
    "outbox": Verb.OUTBOX_READ,
    "revert": Verb.CHANGE_REVERT,
    "resolve": Verb.DISPUTE_RESOLVE,
    "erasures": Verb.REQUEST_READ,
    "privacy": Verb.PRIVACY_READ,
    "privacy_ask": Verb.PRIVACY_RECEIVE,
    "policies": Verb.CONFIGURE_READ,
    "system_keys": Verb.CONFIGURE_READ,
    "hooks": Verb.CONFIGURE_READ,
    "reveal": Verb.VALUE_REVEAL,
    "access": Verb.ACCESS_READ,
    "glass": Verb.ACCESS_BREAK_GLASS,
    "audit": Verb.AUDIT_SEARCH,
}
THEMES: Final = ("light", "dark")


@dataclass(frozen=True, slots=True)
class Place:
    """A line of the rail: which page, its icon and name, the key that leads there, and the words that open it."""

    here: str
    icon: str
    label: Promise
    key: str = ""
    needs: tuple[str, ...] = ()

    @property
    def url(self) -> str:
        return f"console:{'merge_work' if self.here == 'merges' else self.here}"

    def offered(self, may: frozenset[str]) -> bool:
        """Say whether somebody who may do these things finds it in the rail."""
        return not may.isdisjoint(self.needs or (self.here,))


RAIL: Final = (
    (
        "",
        (
            Place("queue", "inbox", gettext_lazy("Queue"), "g q"),
            Place("search", "users", gettext_lazy("Customers"), "g c"),
            Place("approvals", "list-checks", gettext_lazy("Approvals"), "g a", ("approve",)),
            Place("batches", "package", gettext_lazy("Batches")),
            Place("disputes", "flag", gettext_lazy("Disputes")),
            Place("merges", "git-compare-arrows", gettext_lazy("Undone merges"), needs=("disputes",)),
            Place("notices", "bell", gettext_lazy("Notices"), "g n"),
            Place("outbox", "send", gettext_lazy("Outbox"), "g o"),
            Place("trends", "calendar-clock", gettext_lazy("Trends"), "g d", ("queue",)),
        ),
    ),
    (
        gettext_lazy("Records"),
        (
            Place("files", "upload", gettext_lazy("Take in a file")),
            Place("imports", "file-up", gettext_lazy("Imports")),
            Place("reversals", "undo-2", gettext_lazy("Reversals")),
            Place("privacy", "id-card", gettext_lazy("Data requests")),
            Place("erasures", "circle-minus", gettext_lazy("Erasures")),
            Place("evidence", "file-check-2", gettext_lazy("Evidence")),
        ),
    ),
    (
        gettext_lazy("Oversight"),
        (
            Place("audit", "history", gettext_lazy("History"), "g u"),
            Place("access", "eye", gettext_lazy("Who looked")),
            Place("readers", "users", gettext_lazy("Readers"), needs=("access",)),
            Place("break_glass", "shield-alert", gettext_lazy("Break the glass"), needs=("glass", "access")),
            Place("integrity", "badge-check", gettext_lazy("Integrity")),
            Place("policies", "sliders-horizontal", gettext_lazy("Policies")),
            Place("system_keys", "key-round", gettext_lazy("Keys")),
            Place("hooks", "share-2", gettext_lazy("Hooks")),
        ),
    ),
)


def allowed(actor: Actor) -> frozenset[str]:
    """Return what the pages offer to this person; the verbs behind them ask again."""
    offered = frozenset(word for word, verb in _MAY.items() if may(actor, verb))
    offered |= {"imports"} if imports.may_read(actor) else set()
    offered |= {"batches"} if batches.may_read(actor) else set()
    offered |= {"files"} if files.offered(actor) else set()
    offered |= {"integrity"} if integrity.may_read(actor) else set()
    return offered | {"reversals"} if reversals.may_read(actor) else offered


def shell(visit: "Visit", here: str) -> dict[str, Any]:
    person = visit.person
    may_do = allowed(visit.actor)
    theme = visit.request.COOKIES.get("theme", "")
    return {
        "client": visit.client,
        "clients": visit.clients,
        "person": {
            "name": person.name,
            "email": person.email,
            "initials": initials(person.name),
            "roles": _(", ").join(str(ROLES[role]) for role in Role if role in visit.actor.roles),
        },
        "may": may_do,
        "rail": _rail(may_do),
        "here": here,
        "unreviewed": seen.waiting(actor=visit.actor, at=visit.at),
        "damaged": integrity.may_read(visit.actor) and integrity.damage(visit.actor.client) is not None,
        "keys": "off" if person.shortcuts_off else "on",
        "theme": theme if theme in THEMES else "",
    }


def _rail(may_do: frozenset[str]) -> list[tuple[str | Promise, list[Place]]]:
    parts = [(title, [place for place in places if place.offered(may_do)]) for title, places in RAIL]
    return [part for part in parts if part[1]]


def initials(name: str) -> str:
    """Return the first letters of the first and the last word of a name."""
    words = name.split()
    return "".join(word[0] for word in [*words[:1], *words[1:][-1:]]).upper()
