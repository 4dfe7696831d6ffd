"""W8: the pages of the desk as people open them, beside an empty page in the same stack."""

import random
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from http.client import HTTPConnection
from statistics import quantiles
from typing import Any
from urllib.parse import urlencode

from bench import baseline, cpu
from bench.rounds import interleaved
from bench.stage import SCALE, Stage, add_client, record, scaled, token, web

CHANGES, CUSTOMERS, REQUESTS = 100_000, 20_000, 2_000
ROUNDS = 3
SECONDS = 12.0
BAR_MS = 150.0
PAUSE = 1.0
"""Seconds between one person's pages, on average: far busier than anybody reads."""
EMPTY = {"empty": "/empty"}
SLUG = "shown"
TEAM = ("agent",) * 8 + ("supervisor",) * 3 + ("auditor",) * 2 + ("privacy", "administrator", "compliance")
PAGES: dict[str, dict[str, str]] = {
    "agent": {
        "queue": "/queue", "queue, mine": "/queue?mine=1", "search": "/search", "find": "POST /search",
        "customer": "/customers/{customer}", "as of": "/customers/{customer}/as-of?known_at=2040-01-01T00:00",
        "new change": "/customers/{customer}/changes/new", "request": "/changes/{ref}",
        "verify": "/customers/{customer}/verify",
    },
    "supervisor": {
        "queue": "/queue", "approvals": "/approvals", "disputes": "/disputes", "notices": "/notices",
        "outbox": "/outbox", "batches": "/batches", "reversals": "/reversals", "customer": "/customers/{customer}",
        "request": "/changes/{ref}",
        "trends": "/trends", "trends of a year": "/trends?days=365",
    },
    "auditor": {
        "history": "/audit", "history, searched": "/audit?q=action:recorded%20-channel:phone",
        "history, an entry": "/audit/{place}", "who looked": "/audit/access", "readers": "/audit/readers",
        "integrity": "/audit/integrity", "evidence": "/audit/evidence", "policies": "/policies",
    },
    "privacy": {"data requests": "/privacy", "erasures": "/erasures", "customer": "/customers/{customer}"},
    "administrator": {"policies": "/policies", "keys": "/system/keys", "profile": "/profile"},
    "compliance": {"queue": "/queue", "policies": "/policies", "profile": "/profile"},
}  # fmt: skip


@dataclass
class Person:
    """Somebody who is signed in, on a connection that stays open."""

    host: str
    role: str
    session: str
    line: HTTPConnection = field(init=False)

    def __post_init__(self) -> None:
        self.line = HTTPConnection(self.host, timeout=60)

    def open(self, path: str, form: str = "") -> float:
        """Open a page, or post a form to it; return the milliseconds until all of it was there."""
        headers = {"Cookie": f"session={self.session}; csrf={CSRF}"}
        if form:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        started = time.perf_counter()
        self.line.request("POST" if form else "GET", path, form or None, headers)
        answer = self.line.getresponse()
        answer.read()
        took = (time.perf_counter() - started) * 1000
        assert answer.status == 200, (path, answer.status)
        return took


CSRF = "a" * 32
"""The desk compares the cookie with the form; any secret of this length will do."""


@dataclass(frozen=True)
class Things:
    """What the pages are about."""

    client: int
    customers: Sequence[Any]
    refs: Sequence[str]
    places: int

    def at(self, page: str, dice: random.Random) -> tuple[str, str]:
        """Return a page's path and the form that is posted to it, which may be empty."""
        path = page.removeprefix("POST ").format(
            customer=dice.choice(self.customers), ref=dice.choice(self.refs), place=dice.randrange(self.places)
        )
        if page == path:
            return f"/c/{SLUG}{path}" if path != EMPTY["empty"] else path, ""
        if not page.startswith("POST "):
            return f"/c/{SLUG}{path}", ""
        name = f"Family{dice.randrange(min(len(self.customers), 7919))}"
        return f"/c/{SLUG}{path}", urlencode({"csrfmiddlewaretoken": CSRF, "client": self.client, "terms": name})


def measure(stage: Stage) -> dict[str, Any]:
    stage = add_client(stage.place, SLUG, customers=scaled(CUSTOMERS, 500))
    things = fill(stage)
    signed_in = people(stage, SLUG)
    seconds = max(3.0, SECONDS * min(1.0, SCALE * 2))
    with web(DJANGO_SETTINGS_MODULE="bench.empty_settings") as server:
        host = server.url.removeprefix("http://")
        here = [Person(host, role, session) for role, session in signed_in]
        alone = _alone(here, things)
        systems: dict[str, Callable[[int], dict[str, Any]]] = {
            "pages": lambda turn: _drive(server.pid, stage, here, things, PAGES, seconds, PAUSE, turn),
            "empty": lambda turn: _drive(server.pid, stage, here, things, {}, seconds, PAUSE, turn),
        }
        runs = interleaved(ROUNDS, systems)
        pressed = _drive(server.pid, stage, here, things, PAGES, seconds, 0.0, ROUNDS)
    return {"table": _table(runs, pressed, alone), "pressed": pressed["times"], "alone": alone}


def fill(stage: Stage) -> Things:
    """Changes of every customer, requests that wait, and all that the worker makes of them."""
    from changedesk.base.ids import ClientId  # noqa: PLC0415 - after Django is set up
    from changedesk.outbound import duties  # noqa: PLC0415 - as above
    from changedesk.reading import live  # noqa: PLC0415 - as above

    for turn in range(scaled(CHANGES, 2_500) // len(stage.ids)):
        record(stage, stage.ids, first=turn)
    refs = ask(stage, min(scaled(REQUESTS, 200), len(stage.ids)))
    while sum(duty.run(stage.client) for duty in duties()):
        pass
    with baseline.connect(stage.place.admin) as connection:
        connection.execute("VACUUM ANALYZE")
        connection.execute("CHECKPOINT")
    return Things(stage.client, stage.ids, refs, live.size(ClientId(stage.client)))


def ask(stage: Stage, count: int) -> list[str]:
    """Ask for another address of some customers; return the references."""
    from changedesk import flow  # noqa: PLC0415 - after Django is set up
    from changedesk.base.actor import Channel  # noqa: PLC0415 - as above
    from changedesk.base.clock import now  # noqa: PLC0415 - as above

    refs: list[str] = []
    asking = stage.ids[:count]
    for start in range(0, len(asking), 100):
        wishes = [
            flow.Wish(
                subject=one, kind="contact_details", values={"contact.email": f"new{start + place}@example.net"},
                reason="customer_request", channel=Channel.PHONE,
            )
            for place, one in enumerate(asking[start : start + 100])
        ]  # fmt: skip
        outcome = flow.submit(wishes, actor=stage.actor, at=now())
        assert not outcome.refused, next(iter(outcome.refused.values()))
        refs += [one.ref for one in outcome.done]
    return refs


def people(stage: Stage, slug: str) -> list[tuple[str, str]]:
    """The roles and sessions of sixteen people with both factors."""
    from allauth.mfa.totp.internal import auth as totp  # noqa: PLC0415 - after Django is set up
    from django.contrib.auth import get_user_model  # noqa: PLC0415 - as above
    from django.test import Client  # noqa: PLC0415 - as above

    from changedesk.base.actor import Role  # noqa: PLC0415 - as above
    from changedesk.base.clock import now  # noqa: PLC0415 - as above
    from changedesk.base.ids import ClientId  # noqa: PLC0415 - as above
    from changedesk.flow import configure  # noqa: PLC0415 - as above
    from changedesk.rules.access import terminal  # noqa: PLC0415 - as above

    found: list[tuple[str, str]] = []
    actor = terminal(ClientId(stage.client))
    for number, role in enumerate(TEAM):
        email = f"person{number}@{slug}.example.org"
        person = configure.invite(email, f"Person {number}", [Role(role)], team=role, actor=actor, at=now())
        secret = totp.generate_totp_secret()
        configure.set_sign_in(person, password=token(), totp_secret=secret, actor=actor, at=now())
        browser = Client()
        browser.force_login(get_user_model().objects.get(pk=person))
        found.append((role, browser.cookies["session"].value))
    return found


def _alone(team: Sequence[Person], things: Things) -> dict[str, float]:
    """Each page by itself, nobody else there: the median of a few, in milliseconds. Warms every page too."""
    dice = random.Random(1)  # noqa: S311 - which page is opened is no secret
    found: dict[str, float] = {}
    first = {person.role: person for person in reversed(team)}
    for role, pages in PAGES.items():
        for name, page in pages.items():
            taken = [first[role].open(*things.at(page, dice)) for _ in range(7)]
            found.setdefault(name, quantiles(taken[2:], n=2)[0])
    found["empty"] = quantiles([team[0].open(EMPTY["empty"]) for _ in range(7)][2:], n=2)[0]
    return found


def _drive(
    pid: int, stage: Stage, team: Sequence[Person], things: Things, pages: dict[str, dict[str, str]],
    seconds: float, pause: float, turn: int,
) -> dict[str, Any]:  # fmt: skip
    """Let everybody open pages for a while, each after a pause; return milliseconds by page, and CPU a page."""
    times: dict[str, list[float]] = {}
    failed: list[BaseException] = []
    until = time.monotonic() + seconds

    def work(place: int, person: Person) -> None:
        dice = random.Random(turn * 100 + place)  # noqa: S311 - as above
        mine = list((pages.get(person.role) or EMPTY).items())
        try:
            while time.monotonic() < until and not failed:
                name, page = dice.choice(mine)
                if pause:
                    time.sleep(dice.uniform(0.0, 2 * pause))
                times.setdefault(name, []).append(person.open(*things.at(page, dice)))
        except BaseException as failure:  # noqa: BLE001 - shown by the main thread
            failed.append(failure)

    before, server = cpu.seconds(pid), cpu.seconds(stage.place.server_pid)
    threads = [threading.Thread(target=work, args=one) for one in enumerate(team)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failed:
        raise failed[0]
    count = sum(len(taken) for taken in times.values())
    return {
        "times": times, "count": count, "web_us": (cpu.seconds(pid) - before) / count * 1e6,
        "database_us": (cpu.seconds(stage.place.server_pid) - server) / count * 1e6,
    }  # fmt: skip


def _p95(taken: Sequence[float]) -> float:
    return quantiles(taken, n=20)[-1] if len(taken) > 1 else taken[0]


def _all(runs: Sequence[dict[str, Any]]) -> dict[str, list[float]]:
    found: dict[str, list[float]] = {}
    for run in runs:
        for name, taken in run["times"].items():
            found.setdefault(name, []).extend(taken)
    return found


def _table(
    runs: dict[str, list[dict[str, Any]]], pressed: dict[str, Any], alone: dict[str, float]
) -> list[dict[str, Any]]:
    pages, empty = _all(runs["pages"]), _p95(_all(runs["empty"])["empty"])
    slowest = max(pages, key=lambda name: _p95(pages[name]))
    hard = [one for taken in pressed["times"].values() for one in taken]
    rows = (
        ("W8, every page, 16 people, p95", [one for taken in pages.values() for one in taken]),
        (f"W8, the slowest page ({slowest}), p95", pages[slowest]),
        ("W8, every page, 16 people without a pause, p95", hard),
    )
    table: list[dict[str, Any]] = [
        {"what": what, "desk": f"{_p95(taken):.0f} ms", "baseline": f"{BAR_MS:.0f} ms; empty page {empty:.0f} ms",
         "ratio": _p95(taken) / BAR_MS, "bar": 1.0, "lower": True}
        for what, taken in rows
    ]  # fmt: skip
    for row, name in ((table[0], "pages"), (table[2], "")):
        one = runs[name][-1] if name else pressed
        row["more"] = {"web us": one["web_us"], "database us": one["database_us"], "opened": one["count"]}
    table[0]["more"]["p95 ms"] = {name: _p95(taken) for name, taken in pages.items()}
    table[1]["more"] = {"alone, ms": alone}
    return table
