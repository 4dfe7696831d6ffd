"""What stands around every page of the desk."""

from typing import TYPE_CHECKING, Any, Final

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from changedesk.base.actor import Actor, Role
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
    "reveal": Verb.VALUE_REVEAL,
    "access": Verb.ACCESS_READ,
    "glass": Verb.ACCESS_BREAK_GLASS,
    "audit": Verb.AUDIT_SEARCH,
}
THEMES: Final = ("light", "dark")


def allowed(actor: Actor) -> frozenset[str]:
    """Return what the pages offer to this person; the verbs behind them ask again."""
    offered = frozenset(word for word, verb in _MAY.items() if may(actor, verb))
    offered |= {"imports"} if imports.may_read(actor) else set()
    offered |= {"batches"} if batches.may_read(actor) else set()
    offered |= {"integrity"} if integrity.may_read(actor) else set()
    return offered | {"reversals"} if reversals.may_read(actor) else offered


def shell(visit: "Visit", here: str) -> dict[str, Any]:
    person = visit.person
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
        "may": allowed(visit.actor),
        "here": here,
        "unreviewed": seen.waiting(actor=visit.actor, at=visit.at),
        "damaged": integrity.may_read(visit.actor) and integrity.damage(visit.actor.client) is not None,
        "keys": "off" if person.shortcuts_off else "on",
        "theme": theme if theme in THEMES else "",
    }


def initials(name: str) -> str:
    """Return the first letters of the first and the last word of a name."""
    words = name.split()
    return "".join(word[0] for word in [*words[:1], *words[1:][-1:]]).upper()
