"""W9: from the answer to a change until an open page hears of it, its notice is queued and handed over, its hook too.

All programs run as the installation runs them, at half of the rate of changes that they could take. Mails and hooks go
to servers on this machine.
"""

import http.client
import json
import os
import socketserver
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from statistics import quantiles
from typing import Any

from aiosmtpd.controller import Controller

from bench import baseline, cpu, w8, wrk
from bench.stage import DICE, SCALE, Stage, Web, add_client, fields_of, free_port, ready, record, scaled, web

CUSTOMERS = 20_000
WRITERS = 8
SECONDS = 30.0
REQUESTS_A_SECOND = 2.0
SETTLE_SECONDS = 10.0
IDLE_SECONDS, IDLE_ROUNDS = 3, 3
P50_MS, P99_MS = 200.0, 1_000.0
SLUG = "telling"
WORKER = "import sys; from changedesk.config.command import app; sys.argv[1:] = ['worker']; app()"


@dataclass
class Post:
    """A mail server that remembers when each address was first written to. Seconds since the epoch."""

    got: dict[str, float] = field(default_factory=dict)

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802 - the library's name
        for address in envelope.rcpt_tos:
            self.got.setdefault(address, time.time())
        return "250 OK"


@dataclass
class Screen:
    """An open page: it listens to the live process, and remembers when it heard of which subject."""

    url: str
    session: str
    heard: dict[str, float] = field(default_factory=dict)
    there: threading.Event = field(default_factory=threading.Event)
    over: bool = False

    def listen(self) -> None:
        line = http.client.HTTPConnection(self.url.removeprefix("http://"), timeout=SECONDS)
        line.request("GET", f"/events?client={SLUG}", headers={"Cookie": f"session={self.session}"})
        answer = line.getresponse()
        assert answer.status == 200, answer.read()
        self.there.set()
        with suppress(OSError):
            while not self.over and (text := answer.readline()):
                if text.startswith(b"data: {"):
                    subject = json.loads(text[len("data: ") :]).get("subject")
                    self.heard.setdefault(subject, time.time())


class Receiver(socketserver.ThreadingTCPServer):
    """A receiver of hooks that remembers when it was told of which subject. Seconds since the epoch."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Taking)
        self.got: dict[str, float] = {}
        self.some = threading.Condition()

    def take(self, body: bytes) -> None:
        at, subject = time.time(), json.loads(body)["subject"]
        with self.some:
            self.got.setdefault(subject, at)
            self.some.notify_all()


class _Taking(socketserver.StreamRequestHandler):
    server: Receiver
    disable_nagle_algorithm = True

    def handle(self) -> None:
        """Take what comes by one connection, one event after the other."""
        while self.rfile.readline():
            size = 0
            while (line := self.rfile.readline()) not in (b"\r\n", b""):
                name, _, value = line.partition(b":")
                size = int(value) if name.lower() == b"content-length" else size
            self.server.take(self.rfile.read(size))
            self.wfile.write(b"HTTP/1.1 204 No Content\r\n\r\n")


@dataclass
class Told:
    """When what was asked was answered, by what will be heard of it."""

    changes: dict[str, float] = field(default_factory=dict)
    mails: dict[str, float] = field(default_factory=dict)
    requests: dict[str, float] = field(default_factory=dict)


def measure(stage: Stage) -> dict[str, Any]:
    wrk.require()
    stage = add_client(stage.place, SLUG, customers=scaled(CUSTOMERS, 6_000))
    record(stage, stage.ids[: len(stage.ids) // 4])
    (session,) = [cookie for role, cookie in w8.people(stage, SLUG) if role == "supervisor"][:1]
    seconds = max(6.0, SECONDS * min(1.0, SCALE * 2))
    post = Post()
    with ExitStack() as open_:
        mail = Controller(post, hostname="127.0.0.1", port=free_port())
        mail.start()
        open_.callback(mail.stop)
        smtp = {"CHANGEDESK_SMTP_HOST": "127.0.0.1", "CHANGEDESK_SMTP_PORT": str(mail.port),
                "CHANGEDESK_SMTP_STARTTLS": "false", "CHANGEDESK_HOOKS_INSIDE": "true"}  # fmt: skip
        hook = open_.enter_context(_hooked(stage))
        server = open_.enter_context(web())
        worker = open_.enter_context(_running([sys.executable, "-c", WORKER], smtp))
        live = open_.enter_context(_live())
        idle = _idle(stage, worker)
        half = _capacity(stage, server) / 2
        w8.Person(server.url.removeprefix("http://"), "supervisor", session).open(f"/c/{SLUG}/queue")
        screen = Screen(live.url, session)
        threading.Thread(target=screen.listen, daemon=True).start()
        assert screen.there.wait(30)
        _drained(stage)
        before = cpu.seconds(worker)
        told = _drive(stage, server, half, seconds)
        _until_told(told, screen, post, hook)
        used = cpu.seconds(worker) - before
        screen.over = True
    found = _found(stage, told, screen, post, hook)
    more = {"changes a second": half, "worker us a change": used / len(told.changes) * 1e6, "idle worker percent": idle}
    return {"table": _table(found, more), "found": found}


@contextmanager
def _running(command: Sequence[str], environment: dict[str, str]) -> Iterator[int]:
    process = subprocess.Popen(command, env={**os.environ, **environment}, start_new_session=True)
    try:
        yield process.pid
    finally:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(20)
        if process.poll() is None:
            process.kill()
            process.wait()


@contextmanager
def _hooked(stage: Stage) -> Iterator[Receiver]:
    """A receiver that is told of every change."""
    from django.conf import settings  # noqa: PLC0415 - after the path is set up

    from changedesk.base.clock import now  # noqa: PLC0415 - as above
    from changedesk.base.ids import ClientId  # noqa: PLC0415 - as above
    from changedesk.flow import hooks  # noqa: PLC0415 - as above
    from changedesk.rules.access import terminal  # noqa: PLC0415 - as above

    with Receiver() as made:
        threading.Thread(target=made.serve_forever, daemon=True).start()
        settings.CHANGEDESK_HOOKS_INSIDE = True
        new = hooks.NewHook(url=f"http://127.0.0.1:{made.server_address[1]}/in", events=["change.recorded"])
        hooks.register_hook(new, actor=terminal(ClientId(stage.client)), at=now())
        yield made
        made.shutdown()


@contextmanager
def _live() -> Iterator[Web]:
    from changedesk.config.supervisor import live_command  # noqa: PLC0415 - after the path is set up

    port = free_port()
    with _running(live_command(host="127.0.0.1", port=port), {}) as pid:
        ready(f"http://127.0.0.1:{port}/healthz")
        yield Web(f"http://127.0.0.1:{port}", pid)


def _idle(stage: Stage, worker: int) -> float:
    """What the worker takes of one core while there is nothing to do, in percent."""
    _drained(stage)
    found: list[float] = []
    for _ in range(IDLE_ROUNDS):  # in the first ones, files and the audit of what was recorded come to an end
        before = cpu.seconds(worker)
        time.sleep(IDLE_SECONDS)  # what is measured is the time itself
        found.append((cpu.seconds(worker) - before) / IDLE_SECONDS * 100)
    return min(found)


def _capacity(stage: Stage, server: Web) -> float:
    seconds = max(2.0, 4 * min(1.0, SCALE * 2))
    runs = [
        wrk.run(wrk.RECORD, server.url, stage.secret, _quiet(stage), connections=16, seconds=seconds, seed=turn)
        for turn in range(2)
    ]
    return runs[-1].per_second


def _quiet(stage: Stage) -> Sequence[Any]:
    return stage.ids[: len(stage.ids) // 4]


def _drained(stage: Stage) -> None:
    """Wait until all that follows the log has come to its end, and hooks were told of it."""
    with baseline.connect(stage.place.admin) as connection:
        for _ in range(600):
            row = connection.execute(
                "SELECT (SELECT count(*) FROM desk.staged WHERE client_id = %(c)s) + (SELECT size - (SELECT"
                " min(next_idx) FROM desk.cursor WHERE client_id = %(c)s) FROM desk.log_head"
                " WHERE client_id = %(c)s) + (SELECT count(*) FROM desk.hook_delivery WHERE client_id = %(c)s"
                " AND state = 'waiting')",
                {"c": stage.client},
            ).fetchone()
            if row and row[0] == 0:
                return
            time.sleep(0.1)
    sys.exit("The worker did not come to an end with what was recorded before.")


def _drive(stage: Stage, server: Web, rate: float, seconds: float) -> Told:
    """Record changes at a rate, each of a customer of its own, and ask for some; note when each was answered."""
    fresh = iter(enumerate(stage.ids[len(_quiet(stage)) :], len(_quiet(stage))))
    told, turn, failed = Told(), threading.Lock(), list[BaseException]()
    until = time.monotonic() + seconds

    def work(place: int) -> None:
        line = http.client.HTTPConnection(server.url.removeprefix("http://"), timeout=60)
        asks = place == 0
        pause = 1 / REQUESTS_A_SECOND if asks else (WRITERS - 1) / rate
        due = time.monotonic() + pause * DICE.random()
        try:
            while due < until and not failed:
                time.sleep(max(0.0, due - time.monotonic()))
                due += pause
                with turn:
                    number, subject = next(fresh, (-1, None))
                if subject is None:
                    return
                if asks:
                    ref = _ask(line, stage, subject)
                    told.requests[ref] = told.mails[f"user{number}@example.org"] = time.time()
                else:
                    _record(line, stage, subject, number)
                    told.changes[str(subject)] = time.time()
        except BaseException as failure:  # noqa: BLE001 - shown by the main thread
            failed.append(failure)

    threads = [threading.Thread(target=work, args=(place,)) for place in range(WRITERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failed:
        raise failed[0]
    return told


def _record(line: http.client.HTTPConnection, stage: Stage, subject: Any, number: int) -> None:
    changes = [{"path": path, "new": new} for path, new in fields_of(number, DICE.randrange(10**9))]
    _send(line, stage, "/api/v1/changes", {"items": [{"subject": str(subject), "changes": changes,
                                                      "evidence": {"reference": f"CONS-{number}"}}]})  # fmt: skip


def _ask(line: http.client.HTTPConnection, stage: Stage, subject: Any) -> str:
    values = {"contact.email": f"new{DICE.randrange(10**9)}@example.net"}
    body = {"subject": str(subject), "kind": "contact_details", "values": values, "reason": "customer_request",
            "channel": "phone"}  # fmt: skip
    return str(_send(line, stage, "/api/v1/change-requests", body)["ref"])


def _send(line: http.client.HTTPConnection, stage: Stage, path: str, body: Any) -> dict[str, Any]:
    headers = {"Authorization": f"Bearer {stage.secret}", "Content-Type": "application/json",
               "Idempotency-Key": uuid.uuid4().hex}  # fmt: skip
    line.request("POST", path, json.dumps(body), headers)
    answer = line.getresponse()
    told = answer.read()
    assert answer.status < 300, (path, answer.status, told)
    return dict(json.loads(told))


def _until_told(told: Told, screen: Screen, post: Post, hook: Receiver) -> None:
    until = time.monotonic() + SETTLE_SECONDS
    while time.monotonic() < until and not (
        told.changes.keys() <= screen.heard.keys() and told.mails.keys() <= post.got.keys()
    ):
        time.sleep(0.05)
    with hook.some:
        hook.some.wait_for(lambda: told.changes.keys() <= hook.got.keys(), SETTLE_SECONDS)


def _found(stage: Stage, told: Told, screen: Screen, post: Post, hook: Receiver) -> dict[str, list[float]]:
    """Milliseconds from each answer; what was not heard at all counts as the whole time that was waited."""
    with baseline.connect(stage.place.admin) as connection:
        rows: list[tuple[str, datetime]] = connection.execute(
            "SELECT r.ref, min(d.created_at) FROM desk.delivery d JOIN desk.request r ON r.client_id = d.client_id"
            " AND r.id = d.request_id WHERE d.client_id = %s GROUP BY 1",
            [stage.client],
        ).fetchall()
    queued = {ref: at.timestamp() for ref, at in rows}
    pairs = {"screen": (told.changes, screen.heard), "queued": (told.requests, queued), "sent": (told.mails, post.got),
             "hook": (told.changes, hook.got)}  # fmt: skip
    return {
        name: [max(0.0, there.get(one, at + SETTLE_SECONDS) - at) * 1000 for one, at in asked.items()]
        for name, (asked, there) in pairs.items()
    }


def _table(found: dict[str, list[float]], more: dict[str, float]) -> list[dict[str, Any]]:
    words = {"screen": "an open page hears of it", "queued": "its notice is queued",
             "sent": "its notice is with the mail server", "hook": "its hook is delivered"}  # fmt: skip
    table: list[dict[str, Any]] = []
    for name, taken in found.items():
        parts = quantiles(taken, n=100)
        for part, value, bar in (("p50", parts[49], P50_MS), ("p99", parts[98], P99_MS)):
            table.append({
                "what": f"W9, from a change until {words[name]}, {part}", "desk": f"{value:.0f} ms",
                "baseline": f"{bar:.0f} ms", "ratio": value / bar, "bar": 1.0, "lower": True,
            })  # fmt: skip
        table[-1]["more"] = {"seen": float(len(taken))}
    table[0]["more"] = more
    return table
