"""The API document (OpenAPI 3.1), made of the routes.

The framework says that problems are ``application/json`` and that nothing needs a key: here it is told better.
"""

import json
from collections.abc import Iterable
from functools import lru_cache
from typing import Any, Final

from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html, format_html_join

from changedesk.channels.api import examples, told
from changedesk.channels.api.calls import JSON
from changedesk.channels.api.documented import WHY
from changedesk.channels.api.interface import API
from changedesk.channels.refusals import MEDIA_TYPE

ROOT: Final = "/api/v1/"
_TEMPLATE: Final = "#/components/schemas/{model}"
_HEADERS: Final = {
    "RateLimit-Policy": "Quota and window in seconds of this key.",
    "RateLimit": "What is left of it, and seconds until it is whole.",
    "traceparent": "W3C Trace Context; its second part is the trace_id of problems and logs.",
    "ETag": "Strong: the version.",
    "Link": "The next page (RFC 8288), on all but the last.",
    "Location": "Where it can be read from now on.",
    "Idempotency-Replayed": "Sent, as true, when this is the first call's answer again.",
}
_ALWAYS: Final = ("RateLimit-Policy", "RateLimit", "traceparent")


@lru_cache(maxsize=1)
def document() -> dict[str, Any]:
    """Return the API document."""
    made: dict[str, Any] = json.loads(json.dumps(API.get_openapi_schema(path_prefix=ROOT)))
    components = made["components"]
    components["securitySchemes"] = {
        "key": {"type": "http", "scheme": "bearer", "description": "An API key: cd_live_ and what follows, whole."}
    }
    components["schemas"].setdefault("Problem", told.Problem.model_json_schema(ref_template=_TEMPLATE))
    components["headers"] = {
        name: {"description": told_as, "schema": {"type": "string"}} for name, told_as in _HEADERS.items()
    }
    components["responses"] = {f"Problem{code}": _problem(why) for code, why in WHY.items()}
    made["security"] = [{"key": []}]
    made["servers"] = [{"url": "/", "description": "This installation"}]
    for path, operations in made["paths"].items():
        for method, operation in operations.items():
            _finish(path, method, operation)
    return made


def _problem(why: str) -> dict[str, Any]:
    schema = {"$ref": "#/components/schemas/Problem"}
    return {"description": why, "content": {MEDIA_TYPE: {"schema": schema}}, "headers": _headers(_ALWAYS)}


def _headers(names: Iterable[str]) -> dict[str, Any]:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}


def _finish(path: str, method: str, operation: dict[str, Any]) -> None:
    keyed = any(one["name"] == "Idempotency-Key" for one in operation["parameters"])
    for code, response in operation["responses"].items():
        if "$ref" in response:
            continue
        schema = json.dumps(response.get("content", {}))
        versioned = any(f"/{name}" in schema for name in ("Receipt", "Customer", "RequestPanel", "Created"))
        paged = any(f"/{name}" in schema for name in ("Entries", "Rows", "Feed", "Disputes", "Imports"))
        names = [*_ALWAYS, *(["ETag"] if versioned else []), *(["Link"] if paged else [])]
        names += ["Idempotency-Replayed"] if keyed else []
        names += ["Location"] if code == "201" and keyed and versioned else []
        response["headers"] = _headers(names)
    example = examples.BODIES.get(f"{method} {path.removeprefix(ROOT)}")
    if example is not None:
        operation["requestBody"]["content"][JSON]["example"] = example


def text() -> str:
    """Return the document as it is committed: the same for the same routes."""
    return json.dumps(document(), indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def serve(request: HttpRequest) -> HttpResponse:
    """The document, for programs."""
    del request
    return HttpResponse(text(), content_type=JSON)


def page(request: HttpRequest) -> HttpResponse:
    """The document, for people: one plain page that loads nothing."""
    del request
    parts = [
        (method.upper(), path, operation["summary"], operation.get("description", ""))
        for path, operations in document()["paths"].items()
        for method, operation in operations.items()
    ]
    listed = format_html_join("\n", "<dt><code>{} {}</code></dt><dd><b>{}.</b> {}</dd>", parts)
    return HttpResponse(
        format_html(
            '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
            '<meta name="viewport" content="width=device-width"></head><body><h1>{title}</h1><p>{about} '
            '<a href="openapi.json">openapi.json</a></p><dl>{listed}</dl></body></html>',
            title="Changedesk API",
            about=document()["info"]["description"],
            listed=listed,
        )
    )
