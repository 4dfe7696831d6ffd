"""Hooks: where the client's own systems are told of events, and what became of each."""

import hashlib
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import urlencode
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

from django.contrib import messages
from django.http import HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from changedesk import flow, kinds
from changedesk.base.refusal import NotFound, Refusal
from changedesk.channels.console import errors as pages
from changedesk.channels.console.visit import Visit, page
from changedesk.flow import hooks as verbs
from changedesk.flow import resending
from changedesk.flow.hooks import HookChange, NewHook, Opened
from changedesk.ledger.entry import EntryKind
from changedesk.reading import hooks as reading
from changedesk.reading.hooks import DeliveryPanel, HookDraft, HookPanel
from changedesk.reading.lines import kind_label
from changedesk.reading.words import TITLES, in_language
from changedesk.rules.access import Verb, may

LIMIT: Final = 50
RESENT_TURNS: Final = 10
"""How often one press of the button asks for the next part of a long time."""
STATES: Final = {
    "draft": ("waiting", gettext_lazy("Waits for approval")),
    "on": ("active", gettext_lazy("On")),
    "paused": ("suspended", gettext_lazy("Paused")),
    "disabled": ("failed", gettext_lazy("Disabled")),
}
"""By state: the chip that it looks like, and its word."""
WHY: Final = {
    "gone": gettext_lazy("It answered that it wants no more (410)."),
    "failing": gettext_lazy("It took nothing for five days."),
}
DELIVERIES: Final = {
    "waiting": ("waiting", gettext_lazy("Waiting")),
    "sent": ("sent", gettext_lazy("Sent")),
    "given_up": ("failed", gettext_lazy("Given up")),
}
ERRORS: Final = {
    "refused": gettext_lazy("It answered with an error."),
    "redirected": gettext_lazy("It led elsewhere, which is not followed."),
    "gone": WHY["gone"],
    "timeout": gettext_lazy("It did not answer within five seconds."),
    "unreachable": gettext_lazy("Nobody answers at this address."),
    "broken-off": gettext_lazy("The connection ended before an answer."),
    "certificate-refused": gettext_lazy("Its certificate is not valid for this name."),
    "name-unknown": gettext_lazy("Nobody knows this host name."),
    "address-refused": gettext_lazy("This address is not in the public network."),
    "sender-fault": gettext_lazy("Something went wrong on our side."),
    "removed": gettext_lazy("The hook was removed first."),
}
DONE: Final = {
    "change": gettext_lazy("The hook was changed."),
    "pause": gettext_lazy("Paused. What happens meanwhile waits."),
    "resume": gettext_lazy("Resumed. What waits goes out now."),
    "test": gettext_lazy("A test event goes out. What became of it stands below."),
    "resend": gettext_lazy("It goes out again."),
    "remove": gettext_lazy("The hook was removed, with its address and secrets."),
    "approve": gettext_lazy("Approved. It is so from now on."),
    "drop": gettext_lazy("Dropped. The hook stays as it is."),
}
WAITS: Final = gettext_lazy("Kept as a draft. Another administrator, or a compliance officer, must approve it first.")


@page("GET", "HEAD", "POST")
def hooks(visit: Visit) -> HttpResponse:
    """List the hooks; on POST add one and show its secret, once."""
    given = NewHook(url="")
    errors: list[pages.Error] = []
    status = 200
    if visit.posted:
        given = _given(visit)
        try:
            made = verbs.register_hook(given, actor=visit.actor, at=visit.at, key=_once(visit))
            return _one(visit, made.id, opened=made)
        except Refusal as refusal:
            errors, status = _errors(refusal, visit), pages.status_of(refusal)
    rows = [
        {**_line(one), "url": visit.url("hook", one.id)}
        for one in reading.hooks(actor=visit.actor, at=visit.at, language=visit.language)
    ]
    context = {"rows": rows, "may_set": may(visit.actor, Verb.CONFIGURE_HOOKS), "errors": errors,
               "fields": _fields(visit, given), "submission": uuid4().hex}  # fmt: skip
    return visit.show("console/hooks.html", context, here="hooks", status=status)


@page("GET", "HEAD", "POST")
def hook(visit: Visit, key: UUID) -> HttpResponse:
    """Show one hook and its deliveries; on POST do one thing with it."""
    if not visit.posted:
        return _one(visit, key)
    do, given = visit.given("do"), None
    try:
        if do == "resend_range":
            messages.success(visit.request, _resent(visit, key))
            return visit.to("hook", key)
        if do == "rotate":
            return _one(visit, key, opened=verbs.rotate_hook(key, actor=visit.actor, at=visit.at, key=_once(visit)))
        if do == "change":
            given = _given(visit)
            wanted = HookChange(url=given.url, events=given.events, kinds=given.kinds, full_values=given.full_values)
            verbs.change_hook(key, wanted, actor=visit.actor, at=visit.at)
        elif do == "resend":
            resending.resend(key, _id(visit.given("delivery")), actor=visit.actor, at=visit.at, key=_once(visit))
        elif do in _DRAFT_VERBS:
            _DRAFT_VERBS[do](key, _id(visit.given("draft")), actor=visit.actor, at=visit.at)
        elif do in _VERBS:
            _VERBS[do](key, actor=visit.actor, at=visit.at)
        else:
            raise NotFound
    except Refusal as refusal:
        if refusal.status in ("missing", "forbidden"):
            raise
        return _one(visit, key, given=given, errors=_errors(refusal, visit), status=pages.status_of(refusal))
    left = next((one for one in reading.hooks(actor=visit.actor, at=visit.at) if one.id == key), None)
    messages.success(visit.request, WAITS if do == "change" and left and left.draft else DONE[do])
    return visit.to("hooks") if left is None else visit.to("hook", key)


_VERBS: Final = {
    "pause": verbs.pause_hook,
    "resume": verbs.resume_hook,
    "remove": verbs.remove_hook,
    "test": resending.try_hook,
}
_DRAFT_VERBS: Final = {"approve": verbs.approve_hook, "drop": verbs.drop_draft}


def _resent(visit: Visit, key: UUID) -> str:
    """Send the events of a time again, part by part; return what became of it."""
    since, until = _instant(visit, "since"), _instant(visit, "until")
    submission, failed = visit.given("submission") or uuid4().hex, visit.given("which") != "all"
    asked = hashlib.sha256(f"{since} {until} {failed}".encode()).digest()
    events, after = 0, None
    for turn in range(RESENT_TURNS):
        done = resending.resend_range(
            key, since=since, until=until, failed=failed, after=after, actor=visit.actor,
            at=visit.at, key=flow.Once(f"console:{submission}:{turn}", asked),
        )  # fmt: skip
        events, after = events + done.events, done.next
        if after is None:
            break
    told = ngettext("%(events)s event goes out again.", "%(events)s events go out again.", events) % {"events": events}
    return told if after is None else f"{told} {_('More are left: choose the rest of the time next.')}"


def _instant(visit: Visit, name: str) -> datetime:
    """Return a moment that was typed as the client's clocks show it. Raises HookUnfit."""
    try:
        return datetime.fromisoformat(visit.given(name)).replace(tzinfo=ZoneInfo(visit.client.time_zone))
    except ValueError:
        raise verbs.HookUnfit(path=name, reason="write a day and a time") from None


def _one(
    visit: Visit,
    key: UUID,
    *,
    opened: Opened | None = None,
    given: NewHook | None = None,
    errors: list[pages.Error] | None = None,
    status: int = 200,
) -> HttpResponse:
    found = reading.hook(key, actor=visit.actor, at=visit.at, language=visit.language)
    asked = visit.request.GET
    state = asked.get("state", "") if asked.get("state", "") in reading.STATES else ""
    after = asked.get("after", "")
    page_ = reading.deliveries(key, actor=visit.actor, state=state, after=_id(after) if after else None, limit=LIMIT)
    base = visit.url("hook", key)
    zone = ZoneInfo(visit.client.time_zone)
    as_it_is = NewHook(url=found.url or "", events=found.events, kinds=found.kinds, full_values=found.full_values)
    context: dict[str, Any] = {
        **_line(found),
        "url": base,
        "secret": "" if opened is None else opened.secret,
        "told": _told(found, visit),
        "draft": None if found.draft is None else _draft(found.draft, visit),
        "waits": found.state == "draft",
        "may_set": may(visit.actor, Verb.CONFIGURE_HOOKS),
        "runs": found.state == "on",
        "rows": [_delivery(one, visit) for one in page_.items],
        "tabs": [
            {"url": f"{base}?state={value}" if value else base, "label": label, "here": state == value}
            for value, label in (("", _("All")), *((name, word) for name, (_look, word) in DELIVERIES.items()))
        ],
        "page": {
            "first_url": base + (f"?state={state}" if state else "") if after else "",
            "next_url": f"{base}?{urlencode({'state': state, 'after': page_.next})}" if page_.next else "",
        },
        "fields": _fields(visit, given or as_it_is),
        "opened": given is not None,
        "since": visit.given("since") or f"{(visit.at - timedelta(days=1)).astimezone(zone):%Y-%m-%dT%H:%M}",
        "until": visit.given("until") or f"{(visit.at + timedelta(minutes=1)).astimezone(zone):%Y-%m-%dT%H:%M}",
        "submission": uuid4().hex,
        "errors": errors or [],
    }
    return visit.show("console/hook.html", context, here="hooks", status=status)


def _line(one: HookPanel) -> dict[str, Any]:
    look, word = STATES[one.state]
    return {
        "place": one.place, "look": look, "word": word, "why": WHY.get(one.why, ""), "full_values": one.full_values,
        "failing_since": one.failing_since, "waiting": one.waiting, "given_up": one.given_up,
        "old_secret_until": one.old_secret_until, "by": one.created_by.name, "at": one.created_at,
        "drafted": one.draft is not None,
    }  # fmt: skip


def _draft(one: HookDraft, visit: Visit) -> dict[str, Any]:
    return {
        "id": one.id, "address": one.url or one.place, "told": _told(one, visit), "full_values": one.full_values,
        "by": one.written_by.name, "at": one.written_at, "may_approve": one.may_approve,
        "may_drop": may(visit.actor, Verb.CONFIGURE_PUBLISH),
    }  # fmt: skip


def _told(one: HookPanel | HookDraft, visit: Visit) -> dict[str, str]:
    """Return in words what a hook is told; nothing where it is all."""
    return {
        "events": _(", ").join(_title(name, visit.language) for name in one.events),
        "kinds": _(", ").join(kind_label(name, visit.language) for name in one.kinds),
    }


def _delivery(one: DeliveryPanel, visit: Visit) -> dict[str, Any]:
    look, word = DELIVERIES[one.state]
    return {
        "id": one.id, "type": one.type, "what": _title(one.type, visit.language), "index": one.index, "look": look,
        "word": word, "tries": one.tries, "code": one.code, "error": ERRORS.get(one.error, ""), "next_at": one.next_at,
        "at": one.done_at or one.created_at,
    }  # fmt: skip


def _title(type_: str, language: str) -> str:
    return in_language(TITLES[EntryKind(type_)], language) if type_ in set(EntryKind) else _("Test")


def _fields(visit: Visit, given: NewHook) -> list[Mapping[str, Any]]:
    return [
        {
            "name": "url", "label": _("Address"), "type": "url", "value": given.url, "required": True,
            "max_length": 500, "autocomplete": "off",
            "hint": _("It starts with https://. Events are sent there, signed."),
        },
        {
            "name": "full_values", "label": _("Send values in clear"), "type": "checkbox",
            "checked": given.full_values,
            "hint": _(
                "Without it, events say which fields changed, and their values are masked. "
                "A second person must approve it."
            ),
        },
        {
            "name": "kinds", "label": _("Of requests of these kinds alone"), "type": "checkboxes", "folded": True,
            "hint": _("Choose none to be told of everything."),
            "options": [
                {"value": name, "label": kind_label(name, visit.language), "selected": name in given.kinds}
                for name in kinds.KINDS
            ],
        },
        {
            "name": "events", "label": _("Of these events alone"), "type": "checkboxes", "folded": True,
            "hint": _("Choose none to be told of everything."),
            "options": [
                {"value": one.value, "label": _title(one.value, visit.language), "selected": one.value in given.events}
                for one in EntryKind
            ],
        },
    ]  # fmt: skip


def _given(visit: Visit) -> NewHook:
    posted = visit.request.POST
    return NewHook(
        url=visit.given("url"), events=posted.getlist("events"), kinds=posted.getlist("kinds"),
        full_values=bool(visit.given("full_values")),
    )  # fmt: skip


def _once(visit: Visit) -> flow.Once:
    return flow.Once(f"console:{visit.given('submission') or uuid4().hex}", b"")


def _errors(refusal: Refusal, visit: Visit) -> list[pages.Error]:
    """Return what to show: of a part that is unfit, what is wrong with it, which never repeats what was typed."""
    told = pages.of(refusal, language=visit.language)
    if "reason" not in refusal.data:
        return told
    reason = _(str(refusal.data["reason"]))
    return [{**one, "text": f"{reason[:1].upper()}{reason[1:]}."} for one in told]


def _id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise NotFound from None
