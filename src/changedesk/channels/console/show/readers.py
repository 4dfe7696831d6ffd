"""Readers and what was certified of them, as lines of a page."""

from typing import Any, Final

from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from changedesk.channels.console.show.shell import ROLES
from changedesk.channels.console.visit import Visit
from changedesk.reading.panels import ActorView
from changedesk.reading.readers import Certification, ReaderLine
from changedesk.reading.roles import RoleHeld
from changedesk.rules.readers import Reason

VERDICTS: Final = {"kept": gettext_lazy("Kept"), "flagged": gettext_lazy("Flagged")}
_REASONS: Final = {
    "customers": gettext_lazy("%(value)s customers opened; peers come to %(usual)s in as many days"),
    "found": gettext_lazy("%(value)s customers shown by searches; peers come to %(usual)s in as many days"),
    "reveals": gettext_lazy("%(value)s values revealed; peers come to %(usual)s in as many days"),
    "unasked": gettext_lazy("%(value)s looks with no request and no caller at hand; peers come to %(usual)s"),
    "outside": gettext_lazy("%(value)s looks at hours at which they did not work before; peers come to %(usual)s"),
    "own_name": gettext_lazy("Customers with the same surname: %(value)s"),
    "colleagues": gettext_lazy("Customers named as somebody of their team: %(value)s"),
}
_ROLES: Final = {role.value: word for role, word in ROLES.items()}


def reader(one: ReaderLine, visit: Visit, prefix: str) -> dict[str, Any]:
    """Return one reader; the field of their verdict is called by ``prefix`` and their id."""
    return {
        "who": _name(one.by),
        "url": f"{visit.url('access')}?actor={one.by.id}",
        "roles": _(", ").join(str(_ROLES[role]) for role in one.roles if role in _ROLES),
        "team": one.team,
        "numbers": (one.days, one.looks, one.customers, one.found, one.reveals, one.unasked, one.outside),
        "reasons": [_reason(why) for why in one.reasons],
        "field": f"{prefix}{one.by.id}",
        "verdict": one.verdict,
        "word": VERDICTS.get(one.verdict, ""),
        "mine": one.mine,
        "verdicts": [(name, word, name == visit.given(f"{prefix}{one.by.id}")) for name, word in VERDICTS.items()],
    }


def certification(one: Certification) -> dict[str, Any]:
    """Return one line of what was certified."""
    return {
        "at": one.at,
        "who": _name(one.by),
        "since": one.since,
        "until": one.until,
        "kept": len(one.kept),
        "flagged": _(", ").join(_name(who) for who in one.flagged),
    }


def role(one: RoleHeld) -> dict[str, Any]:
    """Return one role that somebody had."""
    return {
        "who": _name(one.person),
        "role": _ROLES.get(one.role, one.role),
        "since": one.since,
        "by": _name(one.by),
        "until": one.until,
        "ended_by": "" if one.ended_by is None else _name(one.ended_by),
    }


def _reason(why: Reason) -> str:
    usual = "" if why.usual is None else number_format(why.usual, 1)
    return _REASONS[why.measure] % {"value": number_format(why.value), "usual": usual}


def _name(who: ActorView) -> str:
    return who.name or who.id
