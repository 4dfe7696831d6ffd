"""W3: a whole request over HTTP (submit, code, confirm, consent, approve, applied), 16 connections."""

import re
import socket
import threading
import time
import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import msgspec

from bench import baseline, cpu
from bench.rounds import interleaved, middle
from bench.stage import SCALE, Stage, add_client, record, scaled, token, web

CONNECTIONS = 16
ROUNDS = 3
SECONDS = 8.0
BAR = 0.3
END = b"\r\n\r\n"
LENGTH = re.compile(rb"(?i)content-length: *(\d+)")
CODE = re.compile(r"(?<!\d)\d{6}(?!\d)")


class Line:
    """One connection that is kept open, with one agent's key and one approver's.

    It writes and reads its few lines of HTTP itself: who measures shares the two cores with what is measured.
    """

    def __init__(self, host: str, agent: str, approver: str) -> None:
        name, _, port = host.rpartition(":")
        self.host, self.agent, self.approver = host, agent, approver
        self.socket = socket.create_connection((name, int(port)), timeout=30)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def send(self, path: str, body: Any, *, secret: str = "", match: int | None = None) -> dict[str, Any]:
        sent = msgspec.json.encode(body)
        seen = "" if match is None else f'If-Match: "{match}"\r\n'
        head = (
            f"POST /api/v1/change-requests{path} HTTP/1.1\r\nHost: {self.host}\r\n"
            f"Authorization: Bearer {secret or self.agent}\r\nContent-Type: application/json\r\n"
            f"Idempotency-Key: {uuid.uuid4().hex}\r\nContent-Length: {len(sent)}\r\n{seen}\r\n"
        )
        self.socket.sendall(head.encode() + sent)
        got = self._read()
        while END not in got:
            got += self._read()
        told, _, answer = got.partition(END)
        while len(answer) < int(LENGTH.findall(told)[0]):
            answer += self._read()
        assert told[9:10] == b"2", (path, told, answer)
        return dict(msgspec.json.decode(answer))

    def _read(self) -> bytes:
        got = self.socket.recv(65536)
        assert got, "the server hung up"
        return got


def measure(stage: Stage) -> dict[str, Any]:
    record(stage, stage.ids[:2000])
    # Customers of its own: a contact point that changed lately takes no code.
    stage = add_client(stage.place, "asking", customers=scaled(10_000, 3_000))
    approver = _approver(stage)
    place = stage.place
    with baseline.connect(place.admin) as connection:
        sizes = baseline.measured(connection)
        baseline.make(connection, len(stage.ids), sizes)
    script = baseline.one_change(len(stage.ids), sizes)
    seconds = max(2.0, SECONDS * min(1.0, SCALE * 2))
    fresh = iter(stage.ids)
    with web() as server:
        host = server.url.removeprefix("http://")

        def desk(_number: int) -> dict[str, float]:
            started, mine = time.monotonic(), time.process_time()
            before, before_server = cpu.seconds(server.pid), cpu.seconds(place.server_pid)
            done = _drive(stage, host, approver, fresh, seconds)
            taken = time.monotonic() - started
            return {
                "per_second": done / taken, "driver_us": (time.process_time() - mine) / done * 1e6,
                "web_us": (cpu.seconds(server.pid) - before) / done * 1e6,
                "database_us": (cpu.seconds(place.server_pid) - before_server) / done * 1e6,
            }  # fmt: skip

        def base(_number: int) -> dict[str, float]:
            got = baseline.pgbench(place.programs, place.admin, script, clients=CONNECTIONS, seconds=seconds)
            return {"per_second": got.per_second / 6}

        systems: dict[str, Callable[[int], dict[str, float]]] = {"desk": desk, "six pgbench transactions": base}
        runs = interleaved(ROUNDS, systems)
    mid = {name: {key: middle([run[key] for run in rows]) for key in rows[0]} for name, rows in runs.items()}
    ours, theirs = mid["desk"]["per_second"], mid["six pgbench transactions"]["per_second"]
    row = {"what": "W3, whole request, 16 connections", "desk": f"{ours:.0f}/s", "baseline": f"{theirs:.0f}/s",
           "ratio": ours / theirs, "bar": BAR, "more": mid}  # fmt: skip
    return {"runs": runs, "table": [row]}


def _approver(stage: Stage) -> str:
    from changedesk.base.actor import Role  # noqa: PLC0415 - after Django is set up
    from changedesk.base.clock import now  # noqa: PLC0415 - as above
    from changedesk.base.ids import ClientId  # noqa: PLC0415 - as above
    from changedesk.flow import admit, configure  # noqa: PLC0415 - as above
    from changedesk.rules.access import terminal  # noqa: PLC0415 - as above

    actor = terminal(ClientId(stage.client))
    person = configure.invite(
        f"ines.{token()[:8]}@house.example.org", "Ines", [Role.SUPERVISOR], team="lead", actor=actor, at=now()
    )
    return admit.staff_key(person, actor=actor, at=now() + timedelta(0)).secret


def _drive(stage: Stage, host: str, approver: str, subjects: Any, seconds: float) -> int:
    """Walk requests on every line until the time is over; return how many were applied."""
    counts = [0] * CONNECTIONS
    turn = threading.Lock()
    failed: list[BaseException] = []
    until = time.monotonic() + seconds

    def work(place: int) -> None:
        line = Line(host, stage.secret, approver)
        try:
            while time.monotonic() < until and not failed:
                with turn:
                    subject = next(subjects)
                walk(stage, line, subject)
                counts[place] += 1
        except BaseException as failure:  # noqa: BLE001 - shown by the main thread
            failed.append(failure)

    threads = [threading.Thread(target=work, args=(place,)) for place in range(CONNECTIONS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failed:
        raise failed[0]
    return sum(counts)


def walk(stage: Stage, line: Line, subject: Any) -> None:
    """One request from asking to applied: a new postal address takes a code, a consent and an approval."""
    address = {"country": "US", "lines": f"{uuid.uuid4().int % 9000} Main Street", "city": "Springfield",
               "region": "IL", "postal_code": "62701"}  # fmt: skip
    asked = line.send(
        "",
        {"subject": str(subject), "kind": "contact_details", "values": {"contact.postal_address": address},
         "reason": "customer_request", "channel": "phone"},
    )  # fmt: skip
    ref = asked["ref"]
    started = line.send(f"/{ref}/verification", {"method": "code_sms", "path": "contact.phone_mobile"})
    done = line.send(f"/{ref}/verification/{started['id']}/confirm", {"answer": code_of(stage, asked)})
    now = done["receipt"]
    assert done["matched"], done
    if now["state"] == "awaiting_consent":
        statement = STATEMENT.get(stage.client) or STATEMENT.setdefault(stage.client, _statement(stage, ref))
        agreed = {"statement": statement, "version": 1, "language": "en", "way": "read_aloud", "digest": now["digest"]}
        now = line.send(f"/{ref}/consent", agreed)
    if now["state"] == "awaiting_approval":
        now = line.send(f"/{ref}/approve", {"digest": now["digest"]}, secret=line.approver, match=now["version"])
    assert now["state"] == "applied", now


STATEMENT: dict[int, str] = {}


def _statement(stage: Stage, ref: str) -> str:
    from changedesk.base.ids import ClientId  # noqa: PLC0415 - after Django is set up
    from changedesk.store import requests  # noqa: PLC0415 - as above
    from changedesk.store.tx import look  # noqa: PLC0415 - as above

    with look(ClientId(stage.client)) as seen:
        asked = requests.by_ref(seen, ref)
    assert asked
    return str(asked.needs_consent)


def code_of(stage: Stage, asked: dict[str, Any]) -> str:
    """The code as the customer reads it on their phone: from the request's newest message."""
    from changedesk.base.ids import ClientId, RequestId  # noqa: PLC0415 - after Django is set up
    from changedesk.store import deliveries  # noqa: PLC0415 - as above
    from changedesk.store.tx import look  # noqa: PLC0415 - as above

    request = RequestId(uuid.UUID(asked["request"]))
    with look(ClientId(stage.client)) as seen:
        keys_of = ("keys.of_subjects", {"subjects": [uuid.UUID(asked["subject"])]})
        seen.ahead(deliveries.of_request_asks(request), keys_of, last=True)
        sent = deliveries.of_request(seen, request)
    texts = [f"{one.message.subject} {one.message.body}" for one in sent if one.message and one.event == "challenge"]
    found = CODE.search(texts[-1])
    assert found
    return found[0]
