"""One person at one page of one client: who acts, for whom, in which language and time zone, and when."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import wraps
from typing import Any, Final
from zoneinfo import ZoneInfo

from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone, translation

from changedesk.base import clock
from changedesk.base.actor import Actor
from changedesk.base.refusal import NotFound, Refusal
from changedesk.channels.console import errors
from changedesk.channels.console.show import shell
from changedesk.channels.opened import recording
from changedesk.channels.signin import actor_of
from changedesk.flow import admit
from changedesk.rules import access
from changedesk.rules.access import Verb

HUES: Final = 8
YEARS: Final = range(1900, 2200)
"""Of days and instants that people type, as of those that programs send: what lies around them can be counted with."""


class OtherClient(Refusal):
    """This form was made for another client than the one in the address."""

    code = "other-client"
    hint = "Open the page again at the client that you mean. Nothing was done."
    status = "conflict"


@dataclass(frozen=True, slots=True)
class Client:
    """The client whose desk this is. ``hue``: 1 to 8, so that two clients look different."""

    id: int
    slug: str
    name: str
    languages: tuple[str, ...]
    time_zone: str
    region: str
    support_phone: str

    @property
    def hue(self) -> int:
        return self.id % HUES + 1


@dataclass(frozen=True, slots=True)
class Person:
    name: str
    email: str
    language: str
    shortcuts_off: bool


@dataclass(frozen=True, slots=True)
class Visit:
    """A request of the browser, with everything that a view hands to verbs and readings."""

    request: HttpRequest
    actor: Actor
    client: Client
    clients: int
    person: Person
    at: datetime

    @property
    def language(self) -> str:
        return self.person.language

    @property
    def posted(self) -> bool:
        return self.request.method == "POST"

    def given(self, name: str) -> str:
        """Return what was typed into a field of the form, without blanks around it."""
        return self.request.POST.get(name, "").strip()

    def moment(self, text: str) -> datetime:
        """Return an instant that was typed as the client's clocks show it. Raises ValueError."""
        found = datetime.fromisoformat(text)
        if found.year not in YEARS:
            raise ValueError("a year that nothing is counted with")
        return found.replace(tzinfo=ZoneInfo(self.client.time_zone))

    def seen_version(self) -> int | None:
        """Return the version that the page showed; 0, which is none, where a form lost it."""
        text = self.given("version")
        return int(text) if text.isascii() and text.isdigit() and len(text) < len("1000000000") else 0

    def url(self, name: str, *args: object) -> str:
        return reverse(f"console:{name}", args=[self.client.slug, *args])

    def to(self, name: str, *args: object, query: str = "") -> HttpResponse:
        """Send the browser on to a page, by GET."""
        answer = redirect(self.url(name, *args) + query)
        answer.status_code = 303
        return answer

    def show(self, template: str, context: Mapping[str, Any], *, here: str = "", status: int = 200) -> HttpResponse:
        """Return a page in the shell of the desk."""
        around = {"shell": shell.shell(self, here), "client": self.client}
        return render(self.request, template, {**around, **context}, status=status)


View = Callable[..., HttpResponse]


def page(*methods: str, needs: Verb | None = None) -> Callable[[View], View]:
    """Make a view of the desk: signed in, at the client in the address, refusals shown as pages.

    ``needs``: what a person must be allowed to do for the page to be of any use to them; its verbs ask again.
    A form that was made for another client than the one in the address does nothing.
    """
    allowed: Sequence[str] = methods or ("GET", "HEAD")

    def made(view: View) -> View:
        @wraps(view)
        def answer(request: HttpRequest, slug: str, **named: Any) -> HttpResponse:
            if request.method not in allowed:
                return HttpResponseNotAllowed(allowed)
            try:
                visit = enter(request, slug)
                if "%00" in request.GET.urlencode() + request.POST.urlencode():
                    raise NotFound  # no field of ours brings a NUL, and no column takes one
                with timezone.override(ZoneInfo(visit.client.time_zone)):
                    if visit.posted and visit.given("client") != str(visit.client.id):
                        raise OtherClient
                    if needs is not None:
                        access.require(visit.actor, needs)
                    with recording():
                        return view(visit, **named)
            except Refusal as refusal:
                return errors.answer(request, refusal, slug=slug)

        return answer

    return made


def enter(request: HttpRequest, slug: str) -> Visit:
    """Return who is here. Raises Forbidden, and NotFound for a client that the person does not work for."""
    actor = actor_of(request, slug)
    person_id = int(request.user.pk or 0)
    found = admit.clients_of(person_id)
    client = next((item for item in found if item.id == actor.client), None)
    if client is None:  # let go between the two questions
        raise NotFound
    record = admit.person(person_id)
    translation.activate(record.language)
    request.LANGUAGE_CODE = translation.get_language()
    return Visit(
        request=request,
        actor=actor,
        client=Client(
            client.id,
            client.slug,
            client.name,
            client.languages,
            client.time_zone,
            client.region,
            client.support_phone,
        ),
        clients=len(found),
        person=Person(record.display_name, record.email, record.language, record.shortcuts_off),
        at=clock.now(),
    )
