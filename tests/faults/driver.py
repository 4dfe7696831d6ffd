"""The callers: some clients at once, in a process of their own, with a ledger of what they were told.

Takes its orders as JSON from standard input: url, folder, credentials, changes, clients, seed.
"""

import json
import random
import re
import sys
import threading
import time
import traceback
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pyotp
from tests.faults.installation import pause
from tests.faults.ledger import Writer
from tests.faults.outside import received

PATIENCE_SECONDS = 180.0
GIVEN_UP = threading.Event()
"""Somebody got no answer for that long: nobody will, so nobody goes on."""
LETTER_SECONDS = 20.0
LATER = frozenset({"idempotency-in-flight", "busy"})
"""Refusals that say: nothing was done, send it again."""
CODE = re.compile(r"\bCode (\d{6})\b")


class Stuck(Exception):  # noqa: N818 - a flow that could not go on, which is an outcome
    """A request waits for something that did not come."""


@dataclass
class Plan:
    """What one client will do: in all ``changes`` changes, some of them by whole requests."""

    changes: int
    flows: int
    opt_outs: int
    batches: int


@dataclass
class Client:
    """One caller with customers of its own, who also works on those that all share."""

    number: int
    url: str
    folder: Path
    credentials: dict[str, str]
    ledger: Writer
    rng: random.Random
    shared: list[str]
    own: list[str] = field(default_factory=list)
    count: int = 0
    tokens: int = 0

    def __post_init__(self) -> None:
        self.http = httpx.Client(base_url=f"{self.url}/api/v1", timeout=20, trust_env=False)

    def token(self) -> str:
        self.tokens += 1
        return f"t{self.number}x{self.tokens:05d}z"

    def post(
        self,
        kind: str,
        path: str,
        body: Any,
        *,
        who: str = "key",
        match: int | None = None,
        tokens: tuple[str, ...] = (),
    ) -> httpx.Response:
        """Call until the outcome is known, with one key. Raises Stuck when it never is."""
        self.count += 1
        key = f"{kind}-{self.number}-{self.count}-{self.rng.getrandbits(64):016x}"
        self.ledger.say("sent", key, kind=kind, who=who, path=path, body=body, match=match, tokens=list(tokens))
        ends = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < ends:
            answer = self.send("POST", path, body, who=who, key=key, match=match)
            if answer is not None and answer.status_code < httpx.codes.INTERNAL_SERVER_ERROR:
                if answer.is_client_error and answer.json()["code"] in LATER:
                    pause(self.rng.uniform(0.02, 0.2))
                    continue
                fact = "done" if answer.is_success else "refused"
                replayed = answer.headers.get("Idempotency-Replayed") == "true"
                self.ledger.say(fact, key, status=answer.status_code, answer=answer.text, replayed=replayed)
                return answer
            why = "no answer" if answer is None else answer.status_code
            self.ledger.say("unknown", key, why=why)
            if GIVEN_UP.wait(self.rng.uniform(0.05, 0.3)):
                break
        GIVEN_UP.set()
        raise Stuck(kind)

    def send(self, method: str, path: str, body: Any = None, *, who: str, **more: Any) -> httpx.Response | None:
        """One try; None when the connection did not bring an answer."""
        headers = {"Authorization": f"Bearer {self.credentials[who]}"}
        if method == "POST":
            headers["Idempotency-Key"] = more.get("key") or f"{self.number}-{self.rng.getrandbits(64):016x}"
        if more.get("match") is not None:
            headers["If-Match"] = f'"{more["match"]}"'
        try:
            return self.http.request(method, path, json=body, headers=headers)
        except httpx.TransportError:
            return None

    def get(self, path: str, who: str) -> Any:
        """Read until there is an answer."""
        ends = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < ends:
            answer = self.send("GET", path, who=who)
            if answer is not None and answer.is_success:
                return answer.json()
            pause(0.1)
        raise Stuck(path)

    # What a client does

    def customer(self, label: str) -> tuple[str, str]:
        """A new customer with a mailbox and a phone of its own; its id and that phone's number."""
        token = self.token()
        digits = f"{self.number}{self.tokens % 100:02d}"
        values = {
            "personal.name": f"{label} Load",
            "contact.email": f"{token}@old.example",
            "contact.phone_mobile": f"+447700900{digits}",
            "contact.url": f"https://{token}.example/",
        }
        made = self.post("customer", "/customers", {"values": values}, tokens=(token,))
        if not made.is_success:
            raise Stuck(made.text)
        return str(made.json()["subject"]), f"+447700900{digits}"

    def change(self, subject: str, **more: Any) -> None:
        token = self.token()
        wanted = {
            "contact.url": f"https://{token}.example/",
            **{name.replace("__", "."): v for name, v in more.items()},
        }
        self.post("change", "/changes", {"items": [self._item(subject, wanted)]}, tokens=(token,))

    def batch(self, subjects: list[str]) -> None:
        tokens = [self.token() for _ in subjects]
        items = [
            self._item(subject, {"contact.url": f"https://{token}.example/"})
            for subject, token in zip(subjects, tokens, strict=True)
        ]
        self.post("change", "/changes", {"items": items}, tokens=tuple(tokens))

    def _item(self, subject: str, values: dict[str, Any]) -> dict[str, Any]:
        return {"subject": subject, "changes": [{"path": path, "new": new} for path, new in values.items()]}

    def opt_out(self) -> None:
        """Something to opt out of, and a request that does: it applies at once."""
        subject = self.rng.choice(self.own)
        self.change(subject, pref__marketing_sms=True)
        body = {"subject": subject, "kind": "marketing_preferences", "values": {"pref.marketing_sms": False}}
        self.post("opt_out", "/change-requests", {**body, "reason": "customer_request"})

    def flow(self) -> None:
        """A whole change of an e-mail address: asked by Ben, proved, agreed, approved by Ines, applied."""
        subject, phone = self.customer("Flow")
        secret, token = pyotp.random_base32(), self.token()
        factors, key = f"/customers/{subject}/factors", f"bind-{token}"
        while (bound := self.send("POST", factors, {"secret": secret}, who="key", key=key)) is None or (
            bound.is_server_error
        ):
            pause(0.1)
        body = {
            "subject": subject,
            "kind": "contact_details",
            "values": {"contact.email": f"{token}@new.example"},
            "reason": "customer_request",
            "channel": "phone",
        }
        asked = self.post("flow", "/change-requests", body, who="ben", tokens=(token,))
        if not asked.is_success:
            raise Stuck(asked.text)
        path = f"/change-requests/{asked.json()['ref']}"
        ends = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < ends:
            panel = self.get(path, "ben")
            if panel["state"] == "applied":
                return
            self._step(path, panel, secret, {"code_email": f"{token}@new.example", "code_sms": phone})
        raise Stuck(path)

    def _step(self, path: str, panel: dict[str, Any], secret: str, ways: dict[str, str]) -> None:
        strip = panel["strip"]
        if panel["state"] == "awaiting_approval":
            body = {"digest": panel["digest"]}
            self.post("approve", f"{path}/approve", body, who="ines", match=panel["version"])
        elif not strip["new_contacts_confirmed"]:
            self._prove(path, "code_email", ways["code_email"], purpose="new_contact", contact="contact.email")
        elif strip["level_reached"] < strip["level_needed"]:
            proved = {one["method"] for one in panel["challenges"] if one["state"] == "confirmed" and one["counts"]}
            if "totp" not in proved:
                self._prove(path, "totp", pyotp.TOTP(secret))
            else:
                self._prove(path, "code_sms", ways["code_sms"], contact="contact.phone_mobile")
        elif panel["state"] == "awaiting_consent":
            asked = panel["consent_asked"]
            body = {name: asked[name] for name in ("statement", "version")} | {"digest": panel["digest"]}
            self.post("consent", f"{path}/consent", {**body, "language": "en", "way": "read_aloud"}, who="ben")
        else:
            raise Stuck(panel["state"])

    def _prove(self, path: str, method: str, way: Any, *, purpose: str = "change", contact: str | None = None) -> None:
        """One proof. What the call became of is seen on the request, so nothing here needs an answer."""
        known = len(received(self.folder / "received.jsonl"))
        body = {"method": method, "purpose": purpose, "path": contact}
        started = self.send("POST", f"{path}/verification", body, who="ben")
        if started is not None and started.status_code == httpx.codes.TOO_MANY_REQUESTS:
            raise Stuck(started.json()["code"])
        if started is None or not started.is_success:
            pause(0.2)
            return
        code = way.now() if isinstance(way, pyotp.TOTP) else self._letter(known, method.removeprefix("code_"), way)
        if code:
            confirm = f"{path}/verification/{started.json()['id']}/confirm"
            answer = self.send("POST", confirm, {"answer": code}, who="ben")
            if (
                isinstance(way, pyotp.TOTP)
                and answer is not None
                and answer.is_success
                and not answer.json()["matched"]
            ):
                pause(1)  # a step of an authenticator counts once: the next one comes with the clock

    def _letter(self, known: int, channel: str, to: str) -> str:
        """Wait for the customer's post; the code in it, or nothing when none came."""
        ends = time.monotonic() + LETTER_SECONDS
        while time.monotonic() < ends:
            for letter in received(self.folder / "received.jsonl")[known:]:
                found = CODE.search(letter["text"])
                if (letter["channel"], letter["to"]) == (channel, to) and found:
                    return found[1]
            pause(0.1)
        return ""

    def steps(self, plan: Plan) -> Iterator[Any]:
        """The client's day, in an order that its seed decides."""
        left = plan.changes - 2 * plan.opt_outs - plan.flows
        sizes = [5] * plan.batches
        singles = max(left - sum(sizes), 0)
        day: list[Any] = [self.flow] * plan.flows + [self.opt_out] * plan.opt_outs
        day += [lambda n=n: self.batch(self._some(n)) for n in sizes]
        day += [lambda: self.change(self.rng.choice([*self.own, *self.shared]))] * singles
        self.rng.shuffle(day)
        yield from day

    def _some(self, number: int) -> list[str]:
        return [self.rng.choice([*self.own, *self.shared]) for _ in range(number)]


def work(client: Client, plan: Plan, failed: list[str]) -> None:
    try:
        client.own = [client.customer("Own")[0] for _ in range(3)]
        for step in client.steps(plan):
            if GIVEN_UP.is_set():
                return
            try:
                step()
            except Stuck as stuck:
                failed.append(f"stuck: {stuck}"[:200])
    except BaseException:  # noqa: BLE001 - the thread's own end must be told in the driver's answer
        failed.append(f"broken: {traceback.format_exc()}")


def main(word: dict[str, Any]) -> None:
    folder, seed, clients = Path(word["folder"]), word["seed"], word["clients"]
    ledger = Writer(folder / "ledger.jsonl")

    def client(number: int, shared: list[str]) -> Client:
        rng = random.Random(f"{seed}-{number}")  # noqa: S311 - sameness is wanted, not secrecy
        return Client(number, word["url"], folder, word["credentials"], ledger, rng, shared)

    shared = [client(9, []).customer("Shared")[0]]
    each = word["changes"] // clients
    plan = Plan(each, flows=max(1, each // 125), opt_outs=max(1, each // 12), batches=max(1, each // 50))
    failed: list[str] = []
    threads = [threading.Thread(target=work, args=(client(number, shared), plan, failed)) for number in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    sys.stdout.write(json.dumps(failed))


if __name__ == "__main__":
    main(json.load(sys.stdin))
