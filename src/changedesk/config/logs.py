"""Logs as JSON lines without personal data: no bodies, no query strings, no exception texts."""

import logging
import re
import sys
import traceback
from collections.abc import Mapping, MutableMapping
from functools import lru_cache
from types import TracebackType
from typing import Any

import msgspec
import structlog

SECRET_WORDS = re.compile(
    r"pass|secret|token|authori[sz]ation|cookie|session|key$|body|query|email|phone|name$|street|iban|birth",
    re.IGNORECASE,
)
SAFE_NAMES = frozenset({"route_name", "logger_name", "event_name", "duty_name"})
EMAIL = re.compile(r"[^\s@\"'<>=]+@[^\s@\"'<>]+")
LONG_NUMBER = re.compile(r"(?<![\w-])\+?\d(?:[\s().-]?\d){6,}(?![\w-])")
HIDDEN = "[hidden]"
Event = MutableMapping[str, Any]


def redact(_logger: Any, _method: str, event: Event) -> Event:
    """Hide values whose name says personal or secret, and whatever looks like an address or a number."""
    for name, value in event.items():
        if name not in {"timestamp", "trace"}:
            event[name] = clean(name, value)
    return event


def clean(name: str, value: Any) -> Any:
    """The value as it may be logged under this name; mappings and lists are gone into."""
    if _is_secret(name):
        return HIDDEN
    if isinstance(value, (bool, int, float, type(None))):
        return value
    if isinstance(value, Mapping):
        return {str(key): clean(str(key), inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [clean(name, inner) for inner in value]
    text = str(value)
    return LONG_NUMBER.sub(HIDDEN, EMAIL.sub(HIDDEN, text) if "@" in text else text)


@lru_cache(maxsize=512)
def _is_secret(name: str) -> bool:
    return SECRET_WORDS.search(name) is not None and name not in SAFE_NAMES


def shape_of_exception(_logger: Any, _method: str, event: Event) -> Event:
    """Replace an exception by its types and places: its text may quote the data that broke it."""
    given = event.pop("exc_info", None)
    found = sys.exc_info() if given is True else given
    if isinstance(found, BaseException):
        found = (type(found), found, found.__traceback__)
    if found and found[1] is not None:
        event["exception"] = describe(found[1], found[2])
    return event


def describe(error: BaseException, trace: TracebackType | None = None) -> list[str]:
    """An exception chain as ``type`` and ``file:line function`` lines, without any message or value."""
    lines = [f"{type(error).__module__}.{type(error).__qualname__}"]
    frames = traceback.extract_tb(trace or error.__traceback__)
    lines += [f"  {frame.filename.rsplit('site-packages/')[-1]}:{frame.lineno} {frame.name}" for frame in frames[-25:]]
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return lines + (describe(cause) if cause else [])


def _line(event: Event, **_: Any) -> str:
    return msgspec.json.encode(event, enc_hook=str).decode()


def configure(level: str) -> None:
    """Send every log line of this process, the libraries' too, through the redaction to standard error."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(level),
        cache_logger_on_first_use=True,
    )
    # Nobody reads where a line was written, and by which thread: the standard library looks it up all the same.
    logging._srcfile = None  # noqa: SLF001 - as the library's "Logging HOWTO" says, under "Optimization"
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                shape_of_exception,
                redact,
                structlog.processors.JSONRenderer(_line),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    # Django's own request lines quote whole paths; ours name the route. Statements would quote values.
    logging.getLogger("django.request").setLevel(logging.CRITICAL)
    logging.getLogger("django.security").setLevel(logging.CRITICAL)
    logging.getLogger("django.server").setLevel(logging.CRITICAL)
    logging.getLogger("django.db.backends").setLevel(logging.WARNING)
    for quiet in ("httpx", "httpcore", "psycopg.pool", "asyncio"):
        logging.getLogger(quiet).setLevel(logging.WARNING)
