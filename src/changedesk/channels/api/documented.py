"""How a route tells the API document about itself: its answers, its problems, the headers it wants."""

from collections.abc import Iterable
from typing import Any, Final
from urllib.parse import urlencode

from changedesk.channels.api.asked import Asked
from changedesk.channels.refusals import Answer

IDEMPOTENCY: Final = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": True,
    "description": "Random for each new call, the same for a repeat: the repeat gets the first call's answer. "
    "A refused call leaves nothing behind, so its key may be used again.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 200, "pattern": "^[\\x21\\x23-\\x7e]+$"},
    "example": "7f2c9a52-0c6e-4c2e-9f43-0a5d9f6f3b11",
}
IF_MATCH: Final = {
    "name": "If-Match",
    "in": "header",
    "required": True,
    "description": "The strong ETag of what this is decided on.",
    "schema": {"type": "string", "pattern": '^"[0-9]{1,18}"$'},
    "example": '"1"',
}
WHY: Final = {
    400: "The call cannot be read, or its Idempotency-Key is missing.",
    401: "The API key is missing, unknown, expired or revoked.",
    403: "The API key may not do this.",
    404: "There is no such thing for this client.",
    409: "It conflicts with what stands, or the first call with this key is under way.",
    412: "It has changed since it was read; `current` says how it stands.",
    413: "The body is too large.",
    415: "The body is not JSON.",
    422: "It cannot be done as asked; `errors` point at what is wrong.",
    428: "If-Match is missing.",
    429: "Too many calls, codes or tries.",
    500: "Something went wrong on our side.",
}
_ALWAYS: Final = (401, 403, 404, 422, 429, 500)
_WITH_BODY: Final = (400, 413, 415)


def documented(
    status: int,
    answer: Any,
    *,
    key: bool = False,
    seen: bool = False,
    body: bool = True,
    problems: Iterable[int] = (),
    also: int | None = None,
    also_answer: Any = None,
) -> dict[str, Any]:
    """Return the keywords of a route: what it answers, and which problems it may answer with instead.

    ``key`` and ``seen``: it needs an Idempotency-Key, an If-Match. ``also``: a second good answer.
    """
    wanted = {*_ALWAYS, *problems, *(_WITH_BODY if body else ())}
    wanted |= {400, 409} if key else set()
    wanted |= {409, 412, 428} if seen else set()
    extra: dict[str, Any] = {
        "responses": {code: {"$ref": f"#/components/responses/Problem{code}"} for code in sorted(wanted)},
        "parameters": [*([IDEMPOTENCY] if key else []), *([IF_MATCH] if seen else [])],
    }
    answers = {status: answer} if also is None else {status: answer, also: also_answer or answer}
    return {"response": answers, "openapi_extra": extra}


def nothing(*, replayed: bool) -> Answer:
    """Return the answer of a verb that tells nothing but that it was done."""
    return Answer(204, headers={"Idempotency-Replayed": "true"} if replayed else {})


def onward(path: str, query: Asked, **places: str | int | None) -> dict[str, str]:
    """Return the Link header to the next page, or nothing on the last."""
    if any(place is None for place in places.values()):
        return {}
    same = query.model_dump(mode="json", exclude_none=True, exclude_defaults=True)
    return {"Link": f'<{path}?{urlencode({**same, **places})}>; rel="next"'}
