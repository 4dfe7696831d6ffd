"""The desk as the measurements find it: one client, its customers, a program with a key, and a web server."""

import os
import random
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx

from bench.place import Place, open_place

EMAIL, PHONE, URL = "contact.email", "contact.phone_mobile", "contact.url"
SCOPES = (
    "customers:read", "customers:reveal", "customers:write", "search", "requests:read", "requests:write",
    "changes:record", "feed:read", "imports:run", "factors:write",
)  # fmt: skip
CUSTOMERS = 20_000
DICE = random.SystemRandom()
SCALE = float(os.environ.get("BENCH_SCALE", "1"))
"""Below 1 the fills and loads are smaller and the rounds shorter: for trying the bench, not for quoting it."""
BATCH = 500


def scaled(count: int, least: int = 1) -> int:
    return max(least, int(count * SCALE))


@dataclass
class Stage:
    place: Place
    client: int
    actor: Any
    secret: str
    ids: list[Any]


def values(number: int) -> dict[str, str]:
    return {
        "personal.name": f"Name{number % 977} Family{number % 7919}",
        EMAIL: f"user{number}@example.org",
        PHONE: f"+1202{2_000_000 + number % 8_000_000}",
    }


def fields_of(turn: int, number: int) -> list[tuple[str, str]]:
    """The change of the comparison: two fields, three every second time."""
    two = [(EMAIL, f"user{number}@example.org"), (PHONE, f"+1202{2_000_000 + number % 8_000_000}")]
    return [*two, (URL, f"https://site{number}.example.org/")] if turn % 2 else two


def change_of(subject: Any, turn: int, number: int) -> Any:
    from changedesk import flow  # noqa: PLC0415 - after Django is set up

    changes = [flow.FieldChange(path=path, new=new) for path, new in fields_of(turn, number)]
    return flow.RecordedChange(subject=subject, changes=changes, evidence={"reference": f"CONS-{number}"})


def open_stage(*, customers: int | None = None) -> Stage:
    """Start a server, migrate, make a client with customers, and a key for the load."""
    place = open_place()
    return add_client(place, "bench", customers=scaled(CUSTOMERS, 2_000) if customers is None else customers)


def add_client(place: Place, slug: str, *, customers: int, scopes: Sequence[str] = ()) -> Stage:
    from changedesk.base.actor import Actor, ActorType, Channel, Role  # noqa: PLC0415 - after Django is set up
    from changedesk.base.clock import now  # noqa: PLC0415 - as above
    from changedesk.base.ids import ClientId  # noqa: PLC0415 - as above
    from changedesk.flow import admit, configure  # noqa: PLC0415 - as above
    from changedesk.rules.access import terminal  # noqa: PLC0415 - as above

    client = configure.create_client(
        configure.NewClient(
            slug=slug, name=slug.title(), origin=f"ledger.example/{slug}", packs=("telecom",), jurisdictions=("US",),
            industries=("telecom",), languages=("en",),
        ),
        actor=terminal(ClientId(0)),
        at=now(),
    )  # fmt: skip
    admin = Actor(client, ActorType.STAFF, "s0", Channel.API, "bench", roles=frozenset({Role.ADMINISTRATOR}))
    made = configure.create_key(
        "load", (*SCOPES, *scopes), entry_point="bench", expires_at=now() + timedelta(days=2), actor=admin, at=now()
    )
    actor = admit.key(f"Bearer {made.secret}", at=now())
    return Stage(place, int(client), actor, made.secret, take_in(actor, customers))


def take_in(actor: Any, count: int) -> list[Any]:
    from changedesk import flow  # noqa: PLC0415 - after Django is set up
    from changedesk.base.clock import now  # noqa: PLC0415 - as above

    ids: list[Any] = []
    for start in range(0, count, BATCH):
        items = [flow.NewCustomer(values=values(number)) for number in range(start, min(start + BATCH, count))]
        outcome = flow.create_customers(items, actor=actor, at=now())
        assert not outcome.refused, next(iter(outcome.refused.values()))
        ids += [one.subject for one in outcome.done]
    return ids


def record(stage: Stage, subjects: Sequence[Any], *, first: int = 0) -> None:
    from changedesk import flow  # noqa: PLC0415 - after Django is set up
    from changedesk.base.clock import now  # noqa: PLC0415 - as above

    for start in range(0, len(subjects), BATCH):
        part = subjects[start : start + BATCH]
        items = [change_of(one, first + place, DICE.randrange(10**9)) for place, one in enumerate(part)]
        outcome = flow.record_changes(items, actor=stage.actor, at=now())
        assert not outcome.refused, next(iter(outcome.refused.values()))


def drain(stage: Stage) -> None:
    """Let the sequencer take everything that is staged."""
    from changedesk.base.ids import ClientId  # noqa: PLC0415 - after Django is set up
    from changedesk.outbound import duties  # noqa: PLC0415 - as above

    sequencer = next(duty for duty in duties() if "sequenc" in duty.name)
    while sequencer.run(ClientId(stage.client)):
        pass


@dataclass
class Web:
    url: str
    pid: int


@contextmanager
def web(*, workers: int = 2, threads: int = 32, **settings: str) -> Iterator[Web]:
    """The web process as the installation runs it, on a free port; ended with the block."""
    from changedesk.config.supervisor import web_command  # noqa: PLC0415 - after the path is set up

    port = free_port()
    command = web_command(host="127.0.0.1", port=port, workers=workers, threads=threads)
    environment = {**os.environ, "CHANGEDESK_PUBLIC_URL": f"http://127.0.0.1:{port}", **settings}
    process = subprocess.Popen(command, env=environment, start_new_session=True)
    try:
        url = f"http://127.0.0.1:{port}"
        ready(f"{url}/healthz")
        yield Web(url, process.pid)
    finally:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(20)
        if process.poll() is None:
            process.kill()
            process.wait()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def ready(url: str, *, seconds: float = 60, status: int = 200) -> float:
    """Ask until it answers so; return how long that took, in seconds."""
    started = time.monotonic()
    while time.monotonic() - started < seconds:
        with suppress(httpx.HTTPError):
            if httpx.get(url, timeout=5).status_code == status:
                return time.monotonic() - started
        time.sleep(0.02)
    sys.exit(f"{url} did not answer within {seconds} seconds.")


def token() -> str:
    return secrets.token_hex(16)
