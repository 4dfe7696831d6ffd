"""A customer: what stands, what happened, and what stood at another time."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.http import HttpResponse
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _

from changedesk.base.actor import Channel
from changedesk.base.ids import SubjectId
from changedesk.channels.console.show import customer as shown
from changedesk.channels.console.show import words
from changedesk.channels.console.show.shell import allowed
from changedesk.channels.console.show.words import HOLDINGS
from changedesk.channels.console.visit import Visit, page
from changedesk.reading import asof, status
from changedesk.reading.customer import record as read
from changedesk.reading.panels import CustomerPanel
from changedesk.reading.timeline import Only, timeline

ENTRIES = 25
HISTORIES = ("change", "request", "identity", "consent", "notice")


@page("GET", "HEAD")
def customer(visit: Visit, key: UUID) -> HttpResponse:
    """Show a customer or an account with its history; the reading masks values until the caller is verified."""
    subject = SubjectId(key)
    panel = read(subject, actor=visit.actor, at=visit.at, language=visit.language)
    asked = visit.request.GET
    kept = {name: asked[name] for name in ("field", "channel") if asked.get(name)}
    found = timeline(
        subject,
        actor=visit.actor,
        at=visit.at,
        language=visit.language,
        before=asked.get("before"),
        limit=ENTRIES,
        only=Only(field=kept.get("field"), channel=kept.get("channel")),
    )
    base = visit.url(panel.type, key)
    words = allowed(visit.actor)
    return visit.show(
        "console/customer.html",
        {
            "customer": shown.head(panel),
            "badge": shown.badge(panel),
            "groups": shown.groups(panel, visit),
            "timeline": shown.entries(found.items, visit, may=words, version=panel.version),
            "timeline_filters": _filters(panel, kept),
            "clear_url": f"{base}#timeline" if kept else "",
            "page": {
                "first_url": f"{base}?{urlencode(kept)}#timeline" if asked.get("before") else "",
                "next_url": f"{base}?{urlencode({**kept, 'before': found.next})}#timeline" if found.next else "",
            },
            "accounts": _accounts(panel),
            "holders": [
                {
                    "id": item.id,
                    "name": item.title,
                    "role": HOLDINGS.get(item.role, item.role),
                    "since": item.since,
                    "ended": item.until,
                }
                for item in panel.holders
            ],
            "open_changes": _open_changes(panel, visit),
            "alerts": shown.alerts(panel, visit),
            **_standing(subject, visit),
            "may": words,
            "as_of_url": visit.url("as_of", key),
        },
        here="search",
    )


def _accounts(panel: CustomerPanel) -> list[dict[str, Any]]:
    return [
        {
            "id": item.id,
            "number": item.number,
            "masked": item.number_masked,
            "role": HOLDINGS.get(item.role, item.role),
            "state": item.status,
            "ended": item.until,
        }
        for item in panel.accounts
    ]


def _standing(subject: SubjectId, visit: Visit) -> dict[str, Any]:
    """Return what stands against changes of a subject, and how it stood."""
    return {
        "standing": status.standing(subject, actor=visit.actor, language=visit.language),
        "status_records": status.status_records(subject, actor=visit.actor, at=visit.at, language=visit.language),
    }


def _open_changes(panel: CustomerPanel, visit: Visit) -> list[dict[str, Any]]:
    return [
        {
            "ref": item.ref,
            "url": visit.url("change", item.ref),
            "kind_word": item.kind_label,
            "state": item.state,
            "since": item.since,
            "fields": words.comma(item.fields),
        }
        for item in panel.requests
    ]


def _filters(panel: CustomerPanel, kept: Mapping[str, str]) -> list[dict[str, Any]]:
    fields = [(item.path, item.label) for group in panel.groups for item in group.fields]
    from changedesk.channels.console.templatetags.desk import CHANNELS  # noqa: PLC0415 - a tag library, loaded by Django

    channels = [(item.value, str(CHANNELS[item.value].word)) for item in Channel]
    return [
        _select("field", _("Field"), _("All fields"), fields, kept),
        _select("channel", _("Channel"), _("All channels"), channels, kept),
    ]


def _select(
    name: str, label: str, every: str, options: list[tuple[str, str]], kept: Mapping[str, str]
) -> dict[str, Any]:
    chosen = kept.get(name, "")
    return {
        "name": name,
        "label": label,
        "options": [
            {"value": value, "label": word, "selected": value == chosen} for value, word in [("", every), *options]
        ],
    }


@page("GET", "HEAD")
def as_of(visit: Visit, key: UUID) -> HttpResponse:
    """Show what was known at one instant of what was true at another."""
    subject = SubjectId(key)
    panel = read(subject, actor=visit.actor, at=visit.at, language=visit.language)
    errors: list[dict[str, str]] = []
    known = _moment(visit, "known_at", _("Known on"), errors)
    valid = _moment(visit, "valid_at", _("True on"), errors)
    found = None
    if known is not None and not errors:
        found = asof.as_of(
            subject,
            known_at=known,
            valid_at=valid or known,
            actor=visit.actor,
            at=visit.at,
            language=visit.language,
        )
    asked = visit.request.GET
    week_ago = timezone.localtime(visit.at - timedelta(days=7)).strftime("%Y-%m-%dT%H:%M")
    return visit.show(
        "console/as_of.html",
        {
            "customer": shown.head(panel),
            "badge": shown.badge(panel),
            "known_at": asked.get("known_at", week_ago),
            "valid_at": asked.get("valid_at", ""),
            "found": found,
            "fields": [] if found is None else shown.as_of(found),
            "errors": errors,
        },
        here="search",
        status=422 if errors else 200,
    )


def _moment(visit: Visit, name: str, label: str, errors: list[dict[str, str]]) -> datetime | None:
    """Read a day and time as the client's clock shows it; None when nothing was given."""
    text = visit.request.GET.get(name, "").strip()
    if not text:
        return None
    try:
        found = parse_datetime(text)
    except ValueError:
        found = None
    if found is None:
        errors.append({"field": name, "text": _("%(label)s: write a day and a time.") % {"label": label}})
        return None
    return found if timezone.is_aware(found) else timezone.make_aware(found)
