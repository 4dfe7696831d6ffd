"""Searching the whole history, and one entry of it. A search that may hold a customer's value stands in no address."""

from collections.abc import Callable, Mapping
from typing import Any, Final, cast
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse, StreamingHttpResponse
from django.utils.translation import gettext as _

from changedesk.base.ids import SubjectId
from changedesk.base.refusal import NotFound, Refusal
from changedesk.channels import exports
from changedesk.channels.audit_search import searched
from changedesk.channels.console import errors as pages
from changedesk.channels.console.show import audit as shown
from changedesk.channels.console.visit import Visit, page
from changedesk.flow import audit_trail
from changedesk.reading import audit_search
from changedesk.reading.audit_search import Found, event
from changedesk.reading.audit_search.facets import MISSING, complete
from changedesk.rules import query
from changedesk.rules.access import Verb, may, require

LIMIT: Final = 50


class PersonalInAddress(Refusal):
    """A search for a customer's own value stands in no address: addresses end in logs and histories."""

    code = "search-personal-address"
    hint = "Type it into the search box: that sends it another way."


@page("GET", "HEAD", "POST")
def audit(visit: Visit) -> HttpResponse:
    """Search the history; on POST search, complete, keep, drop, export, or hand a file over."""
    require(visit.actor, Verb.AUDIT_SEARCH)
    if not visit.posted:
        return _shown(visit)
    text = visit.given("query")
    try:
        return _DEEDS.get(visit.given("do"), _to)(visit, text)
    except Refusal as refusal:
        errors = pages.of(refusal, language=visit.language, field="query")
        return _page(visit, text, errors=[shown.placed(errors[0], refusal)], status=pages.status_of(refusal))


def _to(visit: Visit, text: str) -> HttpResponse:
    """Go to what a search finds, once it is known to mean something: by its text, or by an id that stands for it."""
    found = audit_search.search(text, actor=visit.actor, at=visit.at, language=visit.language, limit=1)
    columns = [("col", name) for name in visit.request.POST.getlist("col")]
    if found.personal:
        held = audit_trail.hold_search(text, actor=visit.actor, at=visit.at)
        return visit.to("audit", query=f"?{urlencode([('search', held), *columns])}")
    return visit.to("audit", query=f"?{urlencode([('q', text), *columns])}")


def _keep(visit: Visit, text: str) -> HttpResponse:
    personal = query.personal(audit_search.read_query(text, actor=visit.actor, at=visit.at))
    audit_trail.keep_search(visit.given("called"), text, personal=personal, actor=visit.actor, at=visit.at)
    messages.success(visit.request, _("The search is kept for you."))
    return _to(visit, text)


def _complete(visit: Visit, text: str) -> HttpResponse:
    return _page(visit, text, offers=complete(text, actor=visit.actor).offers)


def _drop(visit: Visit, _text: str) -> HttpResponse:
    audit_trail.drop_search(_id(visit.given("search")), actor=visit.actor)
    return visit.to("audit")


def _export(visit: Visit, text: str) -> HttpResponse:
    made = exports.make(text, visit.given("format"), actor=visit.actor, at=visit.at, language=visit.language)
    return _page(visit, text, made=made)


def _download(visit: Visit, _text: str) -> HttpResponse:
    export = _id(visit.given("export"))
    format_, data = exports.take(export, actor=visit.actor, at=visit.at)
    headers = {"Content-Disposition": f'attachment; filename="{exports.name(export, format_)}"'}
    answer = StreamingHttpResponse(data, content_type=exports.FORMATS[format_].media, headers=headers)
    return cast("HttpResponse", answer)


_DEEDS: Final[Mapping[str, Callable[[Visit, str], HttpResponse]]] = {
    "complete": _complete,
    "keep": _keep,
    "drop": _drop,
    "export": _export,
    "download": _download,
}


def _id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise NotFound from None


def _place(text: str | None) -> int | None:
    if text is None:
        return None
    if not (text.isascii() and text.isdigit()) or len(text) > len("1000000000000"):
        raise NotFound
    return int(text)


def _shown(visit: Visit) -> HttpResponse:
    asked = visit.request.GET
    held = asked.get("search")
    text = asked.get("q", "")
    if held is not None:
        text = audit_search.kept_one(_id(held), actor=visit.actor, at=visit.at).query
    elif "q" not in asked:
        return _page(visit, "")
    try:
        if held is None and query.personal(audit_search.read_query(text, actor=visit.actor, at=visit.at)):
            raise PersonalInAddress
        found = searched(
            text,
            actor=visit.actor,
            at=visit.at,
            language=visit.language,
            before=_place(asked.get("before")),
            after=_place(asked.get("after")),
            limit=LIMIT,
            with_facets="before" not in asked and "after" not in asked,
        )
    except NotFound:
        raise
    except Refusal as refusal:
        errors = pages.of(refusal, language=visit.language, field="query")
        return _page(visit, text, errors=[shown.placed(errors[0], refusal)], status=pages.status_of(refusal))
    base = [("search", held)] if held is not None else [("q", text)]
    return _page(visit, text, found=found, base=base)


def _page(
    visit: Visit,
    text: str,
    *,
    found: Found | None = None,
    base: list[tuple[str, str]] | None = None,
    offers: tuple[str, ...] = (),
    made: exports.Made | None = None,
    errors: list[pages.Error] | None = None,
    status: int = 200,
) -> HttpResponse:
    columns = shown.columns(visit.request.GET.getlist("col") or visit.request.POST.getlist("col"))
    context: dict[str, Any] = {
        "query": text,
        "keys": [f"{text} {key}:".strip() if text else f"{key}:" for key in query.KEYS],
        "missing": MISSING,
        "offers": offers,
        "kept": [{"id": one.id, "name": one.name, "query": one.query} for one in audit_search.kept(actor=visit.actor)],
        "columns": columns,
        "chosen": [one["name"] for one in columns if one["chosen"]],
        "base": base or [],
        "found": None if found is None else shown.found(found, visit, base or []),
        "may_export": may(visit.actor, Verb.AUDIT_EXPORT),
        "formats": [(name, name.upper()) for name in exports.FORMATS],
        "made": made,
        "errors": errors or [],
    }
    return visit.show("console/audit.html", context, here="audit", status=status)


@page("GET", "HEAD")
def entry(visit: Visit, place: int) -> HttpResponse:
    """Show one entry with its neighbours; asked to, check it against the published log."""
    found = event.event(place, actor=visit.actor, at=visit.at, language=visit.language)
    verdict = event.verify(place, actor=visit.actor) if "verify" in visit.request.GET else None
    record = SubjectId(found.line.view.subject)
    context = {
        "event": shown.event(found, visit),
        "record_url": visit.url(found.line.type, record) if found.line.type != "desk" else "",
        "verdict": None if verdict is None else shown.verdict(verdict),
    }
    return visit.show("console/audit_entry.html", context, here="audit")
