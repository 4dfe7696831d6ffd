"""The small words of the pages: icons, state chips, channels, times, and the two sides of a diff.

Every tag escapes what it is given; none reads the database or the request.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo
from difflib import SequenceMatcher
from functools import cache, lru_cache
from typing import Final

from django import template
from django.forms import BaseForm, BoundField
from django.templatetags.static import static
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.timesince import timesince, timeuntil
from django.utils.translation import get_language, gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

register = template.Library()

FOLD, FOLDS = mark_safe("<wbr>"), re.compile(r"(?<=[^/:])(?=[@./][^/])")
_DRAWN_MOST: Final = 2048
"""A list draws the same few states and channels row by row, and its moments again with every visitor."""
FLIPPED = frozenset({"arrow-right", "chevron-right", "chevron-left", "send", "undo-2", "log-out"})


@dataclass(frozen=True)
class Look:
    """How one word of the domain is shown: the word for people, its icon, its tone."""

    word: str | Promise
    icon: str
    tone: str = "quiet"


STATES: Mapping[str, Look] = {
    "draft": Look(_("Draft"), "pencil"),
    "submitted": Look(_("Submitted"), "circle-dot", "info"),
    "awaiting_verification": Look(_("Awaiting verification"), "shield-alert", "warn"),
    "awaiting_consent": Look(_("Awaiting consent"), "hand", "warn"),
    "awaiting_approval": Look(_("Awaiting approval"), "list-checks", "warn"),
    "awaiting_information": Look(_("Awaiting information"), "circle-help", "warn"),
    "revision_requested": Look(_("Revision requested"), "pencil", "warn"),
    "approved": Look(_("Approved"), "check", "info"),
    "scheduled": Look(_("Scheduled"), "calendar-clock", "info"),
    "on_hold": Look(_("On hold"), "pause", "warn"),
    "stale": Look(_("Stale"), "refresh-cw", "danger"),
    "applied": Look(_("Applied"), "circle-check", "ok"),
    "rejected": Look(_("Rejected"), "circle-x", "danger"),
    "withdrawn": Look(_("Withdrawn"), "circle-minus"),
    "cancelled": Look(_("Cancelled"), "circle-minus"),
    "expired": Look(_("Expired"), "hourglass"),
    "duplicate": Look(_("Duplicate"), "copy"),
    "failed": Look(_("Failed"), "octagon-alert", "danger"),
    "reverted": Look(_("Reverted"), "undo-2", "info"),
    "disputed": Look(_("Disputed"), "flag", "danger"),
    # account states and overlays
    "pending": Look(_("Pending"), "circle-dashed"),
    "active": Look(_("Active"), "circle-check", "ok"),
    "suspended": Look(_("Suspended"), "pause", "warn"),
    "deactivated": Look(_("Deactivated"), "power"),
    "closed": Look(_("Closed"), "circle-x"),
    "merged": Look(_("Merged"), "merge"),
    "change_locked": Look(_("Change locked"), "lock", "danger"),
    "transfer_locked": Look(_("Transfer locked"), "lock", "warn"),
    "transfer_pending": Look(_("Transfer pending"), "arrow-left-right", "info"),
    "legal_hold": Look(_("Legal hold"), "scroll-text", "warn"),
    "restricted": Look(_("Restricted"), "ban", "warn"),
    "erased": Look(_("Erased"), "circle-minus"),
    # notices and hooks
    "queued": Look(_("Queued"), "clock"),
    "sent": Look(_("Sent"), "send", "info"),
    "delivered": Look(_("Delivered"), "check", "ok"),
    "shown": Look(_("In the outbox"), "inbox", "ok"),
    "unconfirmed": Look(_("Not confirmed"), "circle-help", "warn"),
    # a file import
    "refused": Look(_("Refused"), "circle-x", "danger"),
    "waiting": Look(_("Waiting"), "clock"),
    "running": Look(_("Running"), "refresh-cw", "info"),
    "unfinished": Look(_("Not finished"), "circle-help", "warn"),
    "finished": Look(_("Finished"), "check", "ok"),
    # obligations of the policy strip
    "met": Look(_("Met"), "circle-check", "ok"),
    "missing": Look(_("Missing"), "circle-dashed", "warn"),
    "later": Look(pgettext_lazy("obligation", "Later"), "clock"),
    "none": Look(_("Not needed"), "circle-minus"),
    "blocked": Look(_("Blocked"), "ban", "danger"),
    # the three words of risk
    "low": Look(pgettext_lazy("risk", "Low"), "shield", "quiet"),
    "review": Look(pgettext_lazy("risk", "Review"), "shield-alert", "warn"),
    "high": Look(pgettext_lazy("risk", "High"), "octagon-alert", "danger"),
    # what the customer reads
    "received": Look(_("Received"), "inbox"),
    "being_processed": Look(_("Being processed"), "refresh-cw", "info"),
    "action_needed": Look(_("Action needed"), "triangle-alert", "warn"),
    "completed": Look(_("Completed"), "circle-check", "ok"),
    "declined": Look(_("Declined"), "circle-x", "danger"),
}

CHANNELS: Mapping[str, Look] = {
    "phone": Look(_("Phone"), "phone"),
    "chat": Look(_("Chat"), "message-circle"),
    "email": Look(_("E-mail"), "mail"),
    "sms": Look(_("SMS"), "message-square-text"),
    "web_portal": Look(_("Web portal"), "globe"),
    "mobile_app": Look(_("Mobile app"), "smartphone"),
    "api": Look(_("API"), "code-xml"),
    "in_person": Look(_("In person"), "building"),
    "postal": Look(_("Post"), "map-pin"),
    "social": Look(_("Social media"), "at-sign"),
    "batch_import": Look(_("File import"), "file-up"),
    "system": Look(_("System"), "cog"),
}

TONE_ICONS = {"ok": "circle-check", "warn": "triangle-alert", "danger": "octagon-alert", "info": "info"}

KIND_ICONS = {
    "personal_details": "id-card",
    "contact_details": "at-sign",
    "billing_payment": "credit-card",
    "security_settings": "key-round",
    "service_preferences": "sliders-horizontal",
    "communication_preferences": "bell",
    "marketing_preferences": "megaphone",
    "plan": "package",
    "access_grant": "users",
    "role_standing": "crown",
    "device": "smartphone",
    "loyalty": "gift",
    "account_status": "power",
    "merge": "merge",
    "unmerge": "git-compare-arrows",
    "ownership_transfer": "arrow-left-right",
    "reversal": "undo-2",
    "restriction": "ban",
    "erasure": "circle-minus",
    "inactivation": "pause",
}


@register.simple_tag
@cache  # a page has eighty, of a few names that the pages know
def icon(name: str) -> SafeString:
    """One icon of the vendored sprite, hidden from screen readers: a word always stands beside it."""
    flip = " icon-flip" if name in FLIPPED else ""
    href = f"{static('console/vendor/icons.svg')}#{name}"
    return format_html(
        '<svg class="icon{}" aria-hidden="true" focusable="false"><use href="{}"></use></svg>', flip, href
    )


@register.simple_tag
def kind_icon(kind: str) -> SafeString:
    return icon(KIND_ICONS.get(kind, "file-text"))


@register.simple_tag
def tone_icon(tone: str) -> SafeString:
    """The icon of a message's tone; Django's message tags ``success``, ``warning``, ``error`` work too."""
    return icon(TONE_ICONS[plain_tone(tone)])


@register.filter
def plain_tone(tags: str) -> str:
    """Reduce message tags to ok, warn, danger or info."""
    words = {
        "success": "ok",
        "ok": "ok",
        "warning": "warn",
        "warn": "warn",
        "error": "danger",
        "danger": "danger",
    }
    return next((words[tag] for tag in str(tags).split() if tag in words), "info")


def _chip(look: Look, css: str) -> SafeString:
    return format_html('<span class="{} tone-{}">{}{}</span>', css, look.tone, icon(look.icon), look.word)


@register.simple_tag
def state(key: str, word: str = "") -> SafeString:
    """A state chip: icon, word, tone. ``word`` overrides the word of the key, never its tone."""
    return _state(key, str(word), get_language())


@lru_cache(_DRAWN_MOST)
def _state(key: str, word: str, _language: str | None) -> SafeString:
    look = STATES.get(key, Look(key.replace("_", " ").capitalize(), "circle-dot"))
    return _chip(Look(word or look.word, look.icon, look.tone), "chip")


@register.simple_tag
def state_icon(key: str) -> SafeString:
    look = STATES.get(key, Look(key, "circle-dot"))
    return format_html('<span class="toned tone-{}">{}</span>', look.tone, icon(look.icon))


@register.simple_tag
def channel(key: str) -> SafeString:
    """The channel's icon and word."""
    return _channel(key, get_language())


@lru_cache(_DRAWN_MOST)
def _channel(key: str, _language: str | None) -> SafeString:
    look = CHANNELS.get(key, Look(key, "circle-dot"))
    return format_html('<span class="channel">{}{}</span>', icon(look.icon), look.word)


@register.simple_tag
def when(moment: datetime | None) -> SafeString | str:
    """A moment in the reader's zone: absolute text, with the distance from now in its title."""
    if moment is None:
        return "\u2014"
    return format_html(
        '<time datetime="{}" title="{}">{}</time>', moment.isoformat(), _distance(moment), written(moment)
    )


@register.simple_tag
def day(moment: datetime | date | None) -> SafeString | str:
    """A day in the reader's zone and language."""
    if moment is None:
        return "\u2014"
    there = timezone.localtime(moment) if isinstance(moment, datetime) else moment
    return format_html('<time datetime="{}">{}</time>', there.isoformat(), date_format(there, gettext("j M Y")))


def written(moment: datetime) -> str:
    """A moment in the reader's zone and language, as text."""
    return _absolute(moment, gettext("j M Y, H:i"), timezone.get_current_timezone(), get_language())


@lru_cache(_DRAWN_MOST)
def _absolute(moment: datetime, form: str, zone: tzinfo, _language: str | None) -> str:
    return date_format(moment.astimezone(zone), form)


@register.simple_tag
def ago(moment: datetime | None) -> SafeString | str:
    """The distance from now, with the absolute moment in its title."""
    if moment is None:
        return "\u2014"
    local = _absolute(moment, gettext("j M Y, H:i:s e"), timezone.get_current_timezone(), get_language())
    return format_html('<time datetime="{}" title="{}">{}</time>', moment.isoformat(), local, _distance(moment))


def _distance(moment: datetime) -> str:
    now = timezone.now()
    if abs(moment - now) < timedelta(minutes=1):
        return gettext("now")
    if moment > now:
        return gettext("in %(time)s") % {"time": timeuntil(moment, now, depth=1)}
    return gettext("%(time)s ago") % {"time": timesince(moment, now, depth=1)}


@register.simple_tag
def marked(before: object, after: object, side: str) -> SafeString:
    """One side (``before`` or ``after``) of a pair, with the words that differ marked.

    Marks are added only when the two share words; otherwise the whole value is the difference
    and marking every word would say nothing.
    """
    old, new = (re.findall(r"\s+|[^\s]+", str(text or "")) for text in (before, after))
    words, other = (old, new) if side == "before" else (new, old)
    if not words:
        return format_html('<span class="absent">{}</span>', gettext("empty"))
    matcher = SequenceMatcher(None, words, other, autojunk=False)
    shared = any("".join(words[block.a : block.a + block.size]).strip() for block in matcher.get_matching_blocks())
    if not shared:
        return foldable("".join(words))
    pieces = (
        ("".join(words[start:end]), kind == "equal")
        for kind, start, end, _other_start, _other_end in matcher.get_opcodes()
        if end > start
    )
    return format_html_join(
        "",
        "{}",
        ((foldable(text) if same else format_html("<mark>{}</mark>", foldable(text)),) for text, same in pieces),
    )


def foldable(text: str) -> SafeString:
    """Text whose e-mail and web addresses fold before an @, a dot or a slash, sooner than within a word."""
    parts = (FOLDS.split(word) if "@" in word or "://" in word else [word] for word in re.findall(r"\s+|\S+", text))
    folded = (format_html_join(FOLD, "{}", ((part,) for part in word)) for word in parts)
    return format_html_join("", "{}", ((word,) for word in folded))


@register.simple_tag
def inline_svg(drawing: str) -> SafeString:
    """A drawing that our own libraries made (the QR code), without its XML declaration; never given outside text."""
    return mark_safe(re.sub(r"^<\?xml[^>]*\?>\s*", "", drawing))  # noqa: S308 - the QR library's output


@register.simple_tag
def bound_field(item: BoundField) -> dict[str, object]:
    """A field of a Django form in the words of components/field.html."""
    kind = getattr(item.field.widget, "input_type", "text")
    attrs = item.field.widget.attrs
    return {
        "name": item.html_name,
        "label": item.label,
        "type": "code" if attrs.get("autocomplete") == "one-time-code" else kind,
        "value": item.value(),
        "required": item.field.required,
        # The way to a new password stands below the form: a link between two boxes is in the way of the keys.
        "hint": "" if attrs.get("autocomplete") == "current-password" else item.help_text,
        "error": " ".join(map(str, item.errors)),
        "autocomplete": attrs.get("autocomplete"),
    }


@register.simple_tag
def form_errors(form: BaseForm) -> list[dict[str, str]]:
    """What a Django form refused, as the error summary wants it."""
    return [
        {"field": "" if name == "__all__" else form[name].html_name, "text": str(text)}
        for name, texts in form.errors.items()
        for text in texts
    ]


@register.simple_tag
def code_spaced(code: str) -> str:
    """A reference in groups of four, to be read aloud."""
    plain = code.replace("-", "").replace(" ", "")
    return " ".join(plain[at : at + 4] for at in range(0, len(plain), 4))


@register.inclusion_tag("components/field.html")
def field(item: object) -> dict[str, object]:
    """One form field; see components/field.html for the names it reads."""
    return {"field": item}


@register.inclusion_tag("components/diff.html")
def diff(rows: Sequence[object], caption: str = "") -> dict[str, object]:
    return {"rows": rows, "caption": caption}


@register.inclusion_tag("components/policy.html")
def policy_strip(policy: object) -> dict[str, object]:
    return {"policy": policy}


@register.inclusion_tag("components/provenance.html")
def provenance(source: object) -> dict[str, object]:
    return {"source": source}


@register.inclusion_tag("components/timeline.html")
def timeline(entries: Sequence[object]) -> dict[str, object]:
    return {"entries": entries}


@register.inclusion_tag("components/verified.html")
def verified_badge(badge: object) -> dict[str, object]:
    return {"badge": badge}


@register.inclusion_tag("components/pagination.html")
def pagination(page: object) -> dict[str, object]:
    return {"page": page}


@register.inclusion_tag("components/evidence.html")
def evidence_block(evidence: Sequence[object]) -> dict[str, object]:
    return {"evidence": evidence}


@register.inclusion_tag("components/stepper.html")
def stepper(steps: Sequence[object]) -> dict[str, object]:
    return {"steps": steps}


@register.inclusion_tag("components/error_summary.html")
def error_summary(errors: Sequence[object]) -> dict[str, object]:
    return {"errors": errors}


@register.inclusion_tag("components/empty.html")
def blank(title: str, text: str = "", icon_name: str = "inbox", action: str = "", url: str = "") -> dict[str, object]:
    """Nothing to show: what this is, and one way on."""
    return {"title": title, "text": text, "icon_name": icon_name, "action": action, "url": url}
