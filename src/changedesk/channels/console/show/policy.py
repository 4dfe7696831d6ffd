"""What policy asks, as the strip beside a form or a request: six duties in a fixed order."""

from typing import Any, Final

from babel import Locale
from babel.lists import format_list
from babel.units import format_unit
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from changedesk.channels.console.show import words
from changedesk.reading.request_panels import Strip

Duty = dict[str, Any]
LEVELS: Final = {
    0: gettext_lazy("No proof needed"),
    1: gettext_lazy("V1, an open session or a call-back"),
    2: gettext_lazy("V2, one real factor"),
    3: gettext_lazy("V3, two factors, one bound to this change"),
    4: gettext_lazy("V4, as V3, and two approvals"),
}
STATEMENTS: Final = {
    "change_of_record": gettext_lazy("Change of details"),
    "payment_details": gettext_lazy("Payment details"),
    "marketing": gettext_lazy("Marketing"),
    "parental_authorisation": gettext_lazy("Parental authorisation"),
}
_DAY_HOURS: Final = 24
_MOST_PROVED: Final = 3


def strip(
    given: Strip, *, verify_url: str = "", consent_url: str = "", ended: bool = False, applied: bool = False
) -> dict[str, Any]:
    """Return the strip. The addresses are those of the next steps, where this person may take them now."""
    after = "met" if applied else ("none" if ended else "later")
    return {
        "version": str(given.policy_version) if given.policy_version else "",
        "duties": [
            _verification(given, "" if ended else verify_url, ended=ended),
            *_new_contacts(given, "" if ended else verify_url, ended=ended),
            _consent(given, "" if ended else consent_url, ended=ended),
            _approvals(given, ended=ended),
            _holds(given, after),
            _notices(given, after),
            _retention(given),
        ],
        "rules": [
            {"id": item.id, "version": item.version, "citation": item.citation, "url": item.url} for item in given.rules
        ],
    }


def statement(name: str) -> str:
    return str(STATEMENTS.get(name, name.replace("_", " ").capitalize()))


def level_word(level: int) -> str:
    return str(LEVELS[min(level, max(LEVELS))])


def proved(given: Strip) -> bool:
    """Say whether what was proved is enough; the last step to V4 is the approvals."""
    return given.level_reached >= min(given.level_needed, _MOST_PROVED)


def _state(*, met: bool, ended: bool) -> str:
    if met:
        return "met"
    return "none" if ended else "missing"


def _verification(given: Strip, url: str, *, ended: bool) -> Duty:
    if given.level_needed == 0:
        return {"name": _("Verification"), "word": level_word(0), "state": "none"}
    met = proved(given)
    notes = []
    if not met:
        notes.append(_("So far: V%(level)d.") % {"level": given.level_reached})
    if given.methods_forbidden:
        methods = words.comma(words.method(item) for item in given.methods_forbidden)
        notes.append(_("Not by: %(methods)s.") % {"methods": methods})
    return {
        "name": _("Verification"),
        "word": level_word(given.level_needed),
        "state": _state(met=met, ended=ended),
        "note": " ".join(notes),
        "url": "" if met else url,
        "action": _("Verify"),
    }


def _new_contacts(given: Strip, url: str, *, ended: bool) -> list[Duty]:
    if not given.new_contacts_needed:
        return []
    met = given.new_contacts_confirmed
    return [
        {
            "name": _("New contact"),
            "word": _("Answers a code: %(fields)s") % {"fields": words.comma(given.new_contacts_needed)},
            "state": _state(met=met, ended=ended),
            "url": f"{url}#new-contact" if url and not met else "",
            "action": _("Confirm"),
        }
    ]


def _consent(given: Strip, url: str, *, ended: bool) -> Duty:
    if given.consent_needed is None:
        return {"name": _("Consent"), "word": _("No wording to agree to"), "state": "none"}
    met = given.consent_given
    return {
        "name": _("Consent"),
        "word": statement(given.consent_needed),
        "state": _state(met=met, ended=ended),
        "url": "" if met else url,
        "action": _("Record"),
    }


def _approvals(given: Strip, *, ended: bool) -> Duty:
    needed = given.approvals_needed
    if needed == 0:
        return {"name": _("Approvals"), "word": _("None"), "state": "none"}
    met = given.approvals_given >= needed
    note = _("Not the one who entered it.")
    if "team" in given.separation:
        note = _("Not the one who entered it, nor anyone of their team.")
    return {
        "name": _("Approvals"),
        "word": ngettext("%(given)d of %(needed)d person", "%(given)d of %(needed)d people", needed)
        % {"given": given.approvals_given, "needed": needed},
        "state": "met" if met else ("none" if ended else "later"),
        "note": note,
    }


def _holds(given: Strip, state: str) -> Duty:
    if not given.holds and not given.wait_seconds:
        return {"name": _("Hold"), "word": _("None"), "state": "none"}
    texts = []
    if given.wait_seconds:
        texts.append(_("Waits %(time)s after approval") % {"time": _hours(round(given.wait_seconds / 3600))})
    if given.holds:
        texts.append(
            _("%(time)s after it is applied") % {"time": _hours(max((item.hours for item in given.holds), default=0))}
        )
    blocks = sorted({words.block(one) for item in given.holds for one in item.blocks})
    return {
        "name": _("Hold"),
        "word": "; ".join(texts),
        "state": state,
        "note": _("Stops: %(blocks)s.") % {"blocks": words.comma(blocks)} if blocks else "",
    }


def _hours(hours: int) -> str:
    if hours and hours % _DAY_HOURS == 0:
        days = hours // _DAY_HOURS
        return ngettext("%(days)d day", "%(days)d days", days) % {"days": days}
    return ngettext("%(hours)d hour", "%(hours)d hours", hours) % {"hours": hours}


def _notices(given: Strip, state: str) -> Duty:
    if not given.notices:
        return {"name": _("Notices"), "word": _("None"), "state": "none"}
    told = list(dict.fromkeys(words.audience(item.to) for item in given.notices))
    security = any(item.security for item in given.notices)
    return {
        "name": _("Notices"),
        "word": words.comma(told),
        "state": state,
        "note": _("With a link to object.") if security else "",
    }


def _retention(given: Strip) -> Duty:
    least, language = given.retention_least, translation.get_language() or "en"
    if not least:
        return {"name": _("Retention"), "word": _("As the client's plan says"), "state": "none"}
    parts = (("duration-year", least.years), ("duration-month", least.months), ("duration-day", least.days))
    said = [
        format_unit(amount, unit, "long", locale=Locale.parse(language, sep="-"), numbering_system="latn")
        for unit, amount in parts
        if amount
    ]
    word = _("At least %(time)s") % {"time": format_list(said, locale=Locale.parse(language, sep="-"))}
    return {"name": _("Retention"), "word": word, "state": "none"}
