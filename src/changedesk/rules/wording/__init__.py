"""What customers read. Two families that are never one: notices, and messages that carry a code.

A notice says which fields a request touches and never what stood or stands in them (47 CFR 64.2010(f)). A
challenge says what will change and goes to a bound factor only; it has no link, so that nobody learns to follow
one in a message with a code. The built-in texts are the TOML files beside this one, a file for each language.
"""

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any, Final, Protocol

from changedesk.base.refusal import Refusal

LANGUAGES: Final = ("en", "de", "ar")
CHANNELS: Final = ("email", "sms")
SECURITY: Final = frozenset({"security_requested", "security_applied"})
"""Told to every contact point that was there before, with the link to dispute."""
OF_THE_CUSTOMER: Final = frozenset({"factor_bound"})
"""Security notices of no request: they name no reference, and say where to call instead of a link."""
PRIVACY: Final = frozenset(
    {"privacy_received", "privacy_asked", "privacy_extended", "privacy_refused", "privacy_answered"}
)
"""What becomes of a data-subject request. ``until``: by when it is answered; ``why``: a ground or a reason in words;
``handover``: where a copy can be had, empty where there is none."""
NOTICES: Final = frozenset(
    {"received", "being_processed", "action_needed", "completed", "declined", "cancelled", "reverted", "disputed"}
    | {"erased"}
    | SECURITY
    | OF_THE_CUSTOMER
    | PRIVACY
)
CODES: Final = frozenset({"challenge", "caller", "new_contact"})
"""One change is confirmed, the person on the line is, a new contact point is."""
EVENTS: Final = NOTICES | CODES

_SENTENCES: Final = frozenset({"dispute", "question"})
_NOTICE_VARIABLES: Final = frozenset({"client_name", "reference", "what", "support", "link"}) | _SENTENCES
_KNOWN: Final[Mapping[str, frozenset[str]]] = {
    **dict.fromkeys(NOTICES - SECURITY, _NOTICE_VARIABLES - {"link"}),
    **dict.fromkeys(SECURITY, _NOTICE_VARIABLES),
    **dict.fromkeys(OF_THE_CUSTOMER, frozenset({"client_name", "support"}) | _SENTENCES),
    **dict.fromkeys(
        PRIVACY, frozenset({"client_name", "reference", "what", "support", "until", "why", "handover", "question"})
    ),
    "challenge": frozenset({"client_name", "code", "summary", "support", "warning"}),
    **dict.fromkeys(("caller", "new_contact"), frozenset({"client_name", "code", "support", "warning"})),
}
_NEEDED: Final[Mapping[str, frozenset[str]]] = {
    **dict.fromkeys(NOTICES, frozenset({"reference"})),
    **dict.fromkeys(OF_THE_CUSTOMER, frozenset({"dispute"})),
    "challenge": frozenset({"code", "summary", "warning"}),
    **dict.fromkeys(("caller", "new_contact"), frozenset({"code", "warning"})),
}
_PLACE: Final = re.compile(r"\{([a-z_]+)\}")
_LINK: Final = re.compile(r"[a-z][a-z0-9+.-]*://|www\.", re.IGNORECASE)
_LINKED: Final = re.compile(r"(?:[a-z][a-z0-9+.-]*://|www\.)\S+", re.IGNORECASE)


class TemplateInvalid(Refusal):
    """The text cannot be used for this message.

    ``data``: event, channel, unknown and missing variables, and problem: event, channel, braces, variables or link.
    """

    code = "template-invalid"
    hint = "Use only the variables named for this message, each in braces, with those it cannot do without."


class Own(Protocol):
    """A client's own text with the message that it is for."""

    @property
    def event(self) -> str: ...
    @property
    def channel(self) -> str: ...
    @property
    def language(self) -> str: ...
    @property
    def subject(self) -> str: ...
    @property
    def body(self) -> str: ...
    @property
    def version(self) -> int: ...


Overrides = Mapping[tuple[str, str, str], tuple[str, str, int]]
"""A client's own texts: (event, channel, language) to (subject, body, version)."""
NONE: Final[Overrides] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Text:
    """A message, ready to send. The subject of a text message is empty.

    ``template`` names the text that it was made from and its version, such as ``completed/email/en/builtin-1`` or,
    for a client's own, ``completed/email/en/client-3``.
    """

    subject: str = field(repr=False)
    body: str = field(repr=False)
    template: str = ""


@dataclass(frozen=True, slots=True)
class _Language:
    sentences: Mapping[str, str]
    texts: Mapping[tuple[str, str], Text]


def overrides_of(templates: Iterable[Own]) -> Overrides:
    """Return a client's own texts as the functions here take them."""
    return {(item.event, item.channel, item.language): (item.subject, item.body, item.version) for item in templates}


def variables(event: str) -> frozenset[str]:
    """Return the variables that a text for this message may use. Raises TemplateInvalid."""
    if event not in EVENTS:
        raise TemplateInvalid(event=event, problem="event")
    return _KNOWN[event]


def check(event: str, channel: str, *, subject: str, body: str) -> None:
    """Raise TemplateInvalid when a client's own text cannot be used: before it is saved, not when it is needed."""
    known = variables(event)
    if channel not in CHANNELS:
        raise TemplateInvalid(event=event, channel=channel, problem="channel")
    whole = f"{subject}\n{body}"
    if set("{}") & set(_PLACE.sub("", whole)):
        raise TemplateInvalid(event=event, channel=channel, problem="braces")
    used, in_body = set(_PLACE.findall(whole)), set(_PLACE.findall(body))
    missing = set(_NEEDED[event] - in_body)
    if event in SECURITY and not in_body & {"link", "dispute"}:
        missing.add("dispute")
    # A code in the subject line is read on a locked screen.
    unknown = (used - known) | (set(_PLACE.findall(subject)) & {"code", "summary", "link", "dispute"})
    if unknown or missing:
        raise TemplateInvalid(
            event=event, channel=channel, problem="variables", unknown=sorted(unknown), missing=sorted(missing)
        )
    if event in CODES and _LINK.search(whole):
        raise TemplateInvalid(event=event, channel=channel, problem="link")


def challenge_message(
    *, method: str, code: str, client_name: str, summary: str, language: str, support: str, overrides: Overrides = NONE
) -> Text:
    """Return the message that asks the customer to confirm one change with a code.

    ``method``: email or sms. ``summary`` says what will change, new values masked; ``support`` how to reach the
    client. Neither keeps a working link. Without a summary the code says who is on the line, and the message
    looks different (OWASP transaction authorisation, 1.4). Raises TemplateInvalid.
    """
    given = {"code": code, "client_name": client_name, "support": support}
    if not summary.strip():
        return _code_message("caller", method, given, language, overrides)
    return _code_message("challenge", method, {**given, "summary": _unlinked(summary)}, language, overrides)


def new_contact_message(
    *, method: str, code: str, client_name: str, language: str, support: str = "", overrides: Overrides = NONE
) -> Text:
    """Return the message that asks whether a new contact point is reached. It says nothing of the request.

    Raises TemplateInvalid.
    """
    given = {"code": code, "client_name": client_name, "support": support}
    return _code_message("new_contact", method, given, language, overrides)


def notice_message(
    event: str, channel: str, variables: Mapping[str, str], language: str, overrides: Overrides = NONE
) -> Text:
    """Return a notice. ``channel``: email, sms or portal (the built-in e-mail text).

    ``variables``: client_name, support, and for a notice of a request reference and what (the words of the kind's
    notice); for a security notice of one link: without it the notice says to call. Raises TemplateInvalid.
    """
    if event not in NOTICES:
        raise TemplateInvalid(event=event, problem="event")
    words = _language(language).sentences
    given = {"support": "", "until": "", "why": "", **variables}
    given["support"] = given["support"] or words["support_unknown"]
    dispute = words["dispute"] if event in SECURITY and given.get("link") else words["dispute_spoken"]
    handover = words["handover"] if event in PRIVACY and given.get("link") else ""
    for name, sentence in (("dispute", dispute), ("question", words["question"]), ("handover", handover)):
        given[name] = _filled(sentence, given)
    if channel == "portal":
        return _rendered(event, "email", given, language, NONE)
    return _rendered(event, channel, given, language, overrides)


def _code_message(event: str, method: str, given: dict[str, str], language: str, overrides: Overrides) -> Text:
    words = _language(language).sentences
    if not given["support"] or _LINK.search(given["support"]):
        given["support"] = words["support_unknown"]
    return _rendered(event, method, {**given, "warning": words["warning"]}, language, overrides)


def _rendered(event: str, channel: str, given: Mapping[str, str], language: str, overrides: Overrides) -> Text:
    if channel not in CHANNELS:
        raise TemplateInvalid(event=event, channel=channel, problem="channel")
    tongue = _tongue(language)
    asked = language if (event, channel, language) in overrides else tongue
    own = overrides.get((event, channel, asked))
    if own is None:
        text = _language(language).texts[event, channel]
    else:
        text = Text(own[0], own[1], f"{event}/{channel}/{asked}/client-{own[2]}")
        check(event, channel, subject=text.subject, body=text.body)
    missing = _used(text) - given.keys()
    if missing:
        raise TemplateInvalid(event=event, channel=channel, problem="variables", missing=sorted(missing))
    flat = {name: _flat(value) for name, value in given.items()}
    return Text(_flat(_filled(text.subject, flat)), _filled(text.body, flat).strip(), text.template)


def _used(text: Text) -> set[str]:
    return set(_PLACE.findall(f"{text.subject}\n{text.body}"))


def _filled(template: str, given: Mapping[str, str]) -> str:
    # One pass: a value that looks like a variable stays what it is.
    return _PLACE.sub(lambda found: given[found[1]], template)


def _flat(value: str) -> str:
    """Return a value as one line of printing characters: it cannot add a line or a header to a message."""
    if not value.isprintable():
        value = "".join(letter if letter.isprintable() or letter in "\u200c\u200d" else " " for letter in value)
    return " ".join(value.split())


def _unlinked(text: str) -> str:
    return _LINKED.sub(lambda found: found[0].replace("://", " ").replace(".", " "), text)


def _tongue(language: str) -> str:
    return language.split("-", maxsplit=1)[0].lower()


def _language(language: str) -> _Language:
    tongue = _tongue(language)
    return _load(tongue if tongue in LANGUAGES else "en")


@cache
def _load(tongue: str) -> _Language:
    table: dict[str, Any] = tomllib.loads((files(__package__) / f"{tongue}.toml").read_text("utf-8"))
    texts = {
        (event, channel): Text(
            text.get("subject", ""), text["body"], f"{event}/{channel}/{tongue}/builtin-{table['version']}"
        )
        for channel in CHANNELS
        for event, text in table[channel].items()
    }
    return _Language(table["sentences"], texts)
