"""A file that a person sends: looked at first, then entered as a batch of requests, or its customers taken in."""

import re
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from django.contrib import messages
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpResponse
from django.utils.translation import gettext as _

from changedesk.base.refusal import Forbidden, Refusal
from changedesk.channels import bulk
from changedesk.channels.bulk.handed import Handed, hand_over
from changedesk.channels.bulk.mapping import MapUnknown, parse_map
from changedesk.channels.bulk.received import BYTES_MOST, lines, received
from changedesk.channels.bulk.request_map import parse_request_map
from changedesk.channels.console import errors as pages
from changedesk.channels.console.show import files as shown
from changedesk.channels.console.show import words
from changedesk.channels.console.visit import Visit, page
from changedesk.channels.refusals import BodyTooLarge
from changedesk.reading import forms
from changedesk.rules.access import Verb

_NAME: Final = re.compile(r"[^a-z0-9]+")
_NAME_LENGTH: Final = 80
_MEGABYTE: Final = 1024 * 1024


class FileMissing(Refusal):
    """No file was chosen.

    ``data``: path (the field of the form).
    """

    code = "file-missing"
    hint = "Choose the file, and press the button again."


class FileNotLookedAt(Refusal):
    """This is not the file that you looked at, or it would be read by another map."""

    code = "file-not-looked-at"
    hint = "See what it would do first. Then start with the same file and the same map."
    status = "stale"


@page("GET", "HEAD", "POST")
def files(visit: Visit) -> HttpResponse:
    """Ask for a file; on POST show what it would do, or start with the one that was looked at."""
    if not shown.offered(visit.actor):
        raise Forbidden(verb=str(Verb.IMPORT_RUN))
    if not visit.posted:
        return _answer(visit)
    try:
        sent = _sent(visit)
        if visit.given("do") != "start":
            return _answer(visit, looked=_look(sent, visit))
        if _mark(sent, visit) != visit.given("looked"):
            raise FileNotLookedAt
        begun = hand_over(sent, actor=visit.actor, at=visit.at)
    except Refusal as refusal:
        return _answer(visit, errors=_errors(refusal, visit), status=_status(refusal))
    messages.success(visit.request, _("Started. It goes on by itself: you can leave this page."))
    return visit.to("batch" if isinstance(sent.map, bulk.RequestMap) else "import_run", begun)


def _sent(visit: Visit) -> Handed:
    """Return what was sent. Raises FileMissing, BodyTooLarge, MapUnknown, MapWrong, Forbidden."""
    what, _slash, name = visit.given("map").partition("/")
    if what not in shown.offered(visit.actor):
        raise MapUnknown(path="map")
    content, text = _content(visit, "file")[0], ""
    found: bulk.RequestMap | bulk.CustomerMap | bulk.ChangeMap
    if name:
        if name not in shown.known(what):
            raise MapUnknown(path="map")
        found = bulk.read_request_map(name) if what == shown.REQUESTS else bulk.read_map(name)
    else:
        own, title = _content(visit, "map_file")
        text = own.decode("utf-8", "replace")
        name = _NAME.sub("-", Path(title).stem.lower()).strip("-")[:_NAME_LENGTH] or "map"
        parse = parse_request_map if what == shown.REQUESTS else parse_map
        found = parse(text, name)
    if isinstance(found, bulk.ChangeMap):
        raise Forbidden(verb=str(Verb.CHANGE_RECORD))  # what another system recorded, it hands over itself
    return Handed(found, name, text, content)


def _mark(sent: Handed, visit: Visit) -> str:
    """Return what is the same for the same file and the same map."""
    parts = (visit.given("map").encode(), sha256(sent.text.encode()).digest(), sha256(sent.content).digest())
    return sha256(b"\x00".join(parts)).hexdigest()


def _content(visit: Visit, name: str) -> tuple[bytes, str]:
    """Return what a file of the form holds, and what it is called. Raises FileMissing, BodyTooLarge."""
    sent = visit.request.FILES.get(name)
    if isinstance(sent, UploadedFile):
        return bytes(sent.read()), sent.name or ""
    # A body beyond the limit is read without being kept, so its files are not there either.
    if int(visit.request.META.get("CONTENT_LENGTH") or 0) > BYTES_MOST:
        raise BodyTooLarge
    raise FileMissing(path=name)


def _look(sent: Handed, visit: Visit) -> dict[str, Any]:
    ground = forms.ground(actor=visit.actor)
    with received([sent.content]) as (path, report_to):
        report: bulk.Report
        if isinstance(sent.map, bulk.RequestMap):
            report = bulk.request_batch(
                path, sent.map, sent.name, actor=visit.actor, catalogue=ground.catalogue, dry_run=True,
                report_to=report_to,
            )  # fmt: skip
        else:
            report = bulk.import_customers(
                path, sent.map, actor=visit.actor, catalogue=ground.catalogue, region=ground.region,
                zone=ground.time_zone, dry_run=True, report_to=report_to,
            )  # fmt: skip
        return {**shown.looked(report, lines(report_to)), "mark": _mark(sent, visit)}


def _errors(refusal: Refusal, visit: Visit) -> list[pages.Error]:
    found = pages.of(refusal, language=visit.language, field="file")
    about = [refusal.data.get("problem"), *_list(refusal.data.get("columns")), *_list(refusal.data.get("paths"))]
    told = words.comma(str(one) for one in about if one)
    return [{**one, "text": f"{one['text']} ({told})" if told else one["text"]} for one in found]


def _list(found: object) -> list[object]:
    return list(found) if isinstance(found, list | tuple) else []


def _status(refusal: Refusal) -> int:
    return refusal.http if isinstance(refusal, BodyTooLarge) else pages.status_of(refusal)


def _answer(
    visit: Visit,
    *,
    looked: dict[str, Any] | None = None,
    errors: list[pages.Error] | None = None,
    status: int = 200,
) -> HttpResponse:
    swapped = visit.request.headers.get("HX-Request") == "true"  # what was found alone is swapped, and only on success
    context = {
        "maps": shown.choices(visit.actor, visit.given("map")),
        "megabytes": BYTES_MOST // _MEGABYTE,
        "looked": looked,
        "swapped": swapped,
        "errors": errors or [],
    }
    return visit.show("console/files.html", context, here="files", status=200 if swapped else status)
