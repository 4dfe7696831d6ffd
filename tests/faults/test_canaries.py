"""Personal values are sealed wherever they rest: in no log line, no address, no command line, no column, no signal.

Values that stand nowhere else in the world go through the whole product, by good calls and by bad ones; then
everything that it wrote is searched for them, as text, as hexadecimal and as base64.
"""

import base64
import json
import re
import subprocess
import threading
import uuid
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import httpx
import pytest
from tests.faults.installation import Installation, pause
from tests.faults.outside import Outside, received

from changedesk.config.embedded import binaries, server_account

pytestmark = pytest.mark.fault
CODE = re.compile(r"\bCode (\d{6})\b")
PERSON = {
    "personal.name": "Kanarienvogel Zaunkönigin",
    "personal.given_name": "Kanarienvogel",
    "personal.family_name": "Zaunkönigin",
    "personal.birth_date": "1931-07-29",
    "contact.email": "kanarienvogel.zk@goldammer-mail.example",
    "contact.phone_mobile": "+447700900861",
    "contact.phone_home": "+447700900862",
    "contact.url": "https://wachtelkoenig.example/blaukehlchen",
    "contact.postal_address": {
        "country": "US",
        "lines": "4711 Rohrdommelweg",
        "city": "Neuntoeterstadt",
        "region": "CA",
        "postal_code": "94110",
    },
    "payment.bank_account": "DE89370400440532013000",
}
LATER = {
    "name": "Wiedehopf Zaunkönigin",
    "email": "wiedehopf.zk@uferschnepfe-mail.example",
    "bad_email": "kiebitz.at.brachvogel",
    "phone": "+447700900863",
    "note": "Die Kundin sprach vom Ziegenmelker im Keller",
    "message": "Bitte erst den Pirol fragen",
    "reason": "Austernfischerin",
    "number": "Feldschwirl-00177",
    "search": "Zaunkönigin",
    "url": "https://steinwaelzer.example/sandregenpfeifer",
    "iban": "DE02120300000000202051",
}
CANARIES = tuple(
    dict.fromkeys(
        word
        for text in (*PERSON.values(), *LATER.values())
        for word in re.split(
            r"[\s/]+", " ".join(text.values()) if isinstance(text, dict) else str(text).removeprefix("https://")
        )
        if len(word) >= 6 and word not in ("sprach", "Keller", "fragen", "Kundin")
    )
)


def forms(word: str) -> Iterator[bytes]:
    """The ways in which a value may hide, in lower case: as it is, escaped, in hexadecimal, in base64."""
    plain = word.encode()
    escaped = word.encode("ascii", "backslashreplace"), json.dumps(word)[1:-1].encode()
    for raw in {plain, word.casefold().encode(), word.encode("latin-1"), *escaped}:
        yield raw.lower()
        yield raw.hex().encode()
        for shift in range(3):
            # Base64 by threes: cut what depends on the neighbours.
            text = base64.b64encode(b"\0" * shift + raw)[4 if shift else 0 : -4]
            if len(text) >= 8:
                yield text.lower()
    if word.lstrip("+").isdigit():
        yield word[-10:].encode()


NEEDLES: Mapping[bytes, str] = {form: word for word in CANARIES for form in forms(word)}


def hits(place: str, text: bytes) -> list[str]:
    lowered = text.lower()
    return [f"{place}: {word}" for form, word in NEEDLES.items() if form in lowered]


@dataclass
class Watch:
    """Listens to every signal of the database, and looks at every command line, while the block runs."""

    installation: Installation
    heard: list[str] = field(default_factory=list)
    words: set[str] = field(default_factory=set)
    over: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> Self:
        self.threads = [threading.Thread(target=self._listen), threading.Thread(target=self._look)]
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.over.set()
        for thread in self.threads:
            thread.join()

    def _listen(self) -> None:
        with self.installation.admin() as admin:
            admin.execute("LISTEN changedesk_work; LISTEN changedesk_log")
            while not self.over.is_set():
                self.heard += [note.payload for note in admin.notifies(timeout=0.3)]

    def _look(self) -> None:
        while not self.over.wait(0.05):
            for programs in self.installation.family().values():
                self.words.update(one.words for one in programs)


@dataclass
class Caller:
    url: str
    who: dict[str, str]
    seen: list[httpx.Response] = field(default_factory=list)

    def call(self, method: str, path: str, body: Any = None, *, by: str = "key", match: int | None = None) -> Any:
        headers = {"Authorization": f"Bearer {self.who[by]}", "Idempotency-Key": uuid.uuid4().hex}
        if match is not None:
            headers["If-Match"] = f'"{match}"'
        with httpx.Client(base_url=f"{self.url}/api/v1", timeout=30, trust_env=False) as http:
            answer = http.request(method, path, json=body, headers=headers)
        self.seen.append(answer)
        return answer

    def post(self, path: str, body: Any, **more: Any) -> Any:
        return self.call("POST", path, body, **more)


@pytest.fixture(scope="module")
def outside(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Outside]:
    with Outside(tmp_path_factory.mktemp("outside")) as made:
        yield made


@pytest.fixture(scope="module")
def installation(outside: Outside) -> Iterator[Installation]:
    made = Installation.fresh(log_level="debug", **outside.settings())
    made.up()
    yield made
    made.end()


def live(caller: Caller, outside: Outside) -> str:
    """What goes well: taken in, searched, read, changed, proved, agreed, approved, told, undone."""
    made = caller.post("/customers", {"values": PERSON, "accounts": [{"number": LATER["number"]}]})
    assert made.status_code == 201, made.text
    dana = str(made.json()["subject"])
    assert caller.post("/customers/search", {"text": LATER["search"]}).json()["items"]
    assert caller.post("/customers/search", {"text": PERSON["contact.email"]}).json()["items"]
    assert caller.post("/customers/search", {"text": PERSON["contact.phone_mobile"]}).json()["items"]
    for path in (f"/customers/{dana}", f"/customers/{dana}/timeline", f"/customers/{dana}/as-of", "/changes"):
        assert caller.call("GET", path).status_code == 200
    changed = [{"path": "contact.url", "new": LATER["url"]}, {"path": "payment.bank_account", "new": LATER["iban"]}]
    evidence = {"requested_by": "crm:17"}
    recorded = caller.post("/changes", {"items": [{"subject": dana, "changes": changed, "evidence": evidence}]})
    assert recorded.status_code == 201, recorded.text
    for values in ({"personal.name": LATER["name"]}, {"contact.phone_home": LATER["phone"]}):
        asked = wish(caller, dana, values)
        rejection = {"reason": "other", "message": LATER["message"]}
        caller.post(f"/change-requests/{asked['ref']}/reject", rejection, by="ines", match=asked["version"])
    asked = wish(caller, dana, {"contact.email": LATER["email"]})
    path = f"/change-requests/{asked['ref']}"
    for method, contact, to, purpose in (
        ("code_sms", "contact.phone_mobile", PERSON["contact.phone_mobile"], "change"),
        ("code_email", "contact.email", PERSON["contact.email"], "change"),
        ("code_email", "contact.email", LATER["email"], "new_contact"),
    ):
        known = len(received(outside.file))
        body = {"method": method, "path": contact, "purpose": purpose}
        started = caller.post(f"{path}/verification", body, by="ben")
        if started.status_code == 201:
            confirm = f"{path}/verification/{started.json()['id']}/confirm"
            caller.post(confirm, {"answer": "000000"}, by="ben")
            caller.post(confirm, {"answer": code_to(outside, str(to), known)}, by="ben")
    panel = caller.call("GET", path, by="ines").json()
    if panel["consent_asked"]:
        consent = {name: panel["consent_asked"][name] for name in ("statement", "version")}
        more = {"language": "en", "way": "read_aloud", "evidence": LATER["note"], "digest": panel["digest"]}
        caller.post(f"{path}/consent", {**consent, **more}, by="ben")
    caller.post(
        f"{path}/approve", {"digest": panel["digest"], "note": LATER["note"]}, by="ines", match=panel["version"]
    )
    change = recorded.json()["items"][0]["recorded"]["change"]
    caller.post(f"/changes/{change}/revert?dry_run=true", {"reason": "customer_request"}, by="ines")
    caller.post(f"/changes/{change}/revert", {"reason": "customer_request", "note": LATER["note"]}, by="ines")
    return dana


def wish(caller: Caller, subject: str, values: Mapping[str, Any]) -> dict[str, Any]:
    kind = "personal_details" if "personal.name" in values else "contact_details"
    body = {"subject": subject, "kind": kind, "values": values, "reason": "customer_request", "channel": "phone"}
    more = {"note": LATER["note"], "acknowledged": ["phone_unassigned", "name_parts_differ"]}
    asked = caller.post("/change-requests", {**body, **more}, by="ben")
    assert asked.status_code == 201, asked.text
    return dict(asked.json())


def code_to(outside: Outside, to: str, known: int) -> str:
    for _ in range(200):
        for letter in received(outside.file)[known:]:
            if letter["to"] == to and (found := CODE.search(letter["text"])):
                return found[1]
        pause(0.1)
    pytest.fail("no code arrived")


def go_wrong(caller: Caller, installation: Installation, subject: str) -> None:
    """What goes badly: bad values, values in the wrong places, unreadable bodies, and faults of the database itself."""
    wish_ = {"subject": subject, "kind": "contact_details", "reason": "customer_request"}
    bad = (
        ("/customers", {"values": {**PERSON, "contact.email": LATER["bad_email"]}}),
        ("/customers", {"values": {**PERSON, LATER["email"]: LATER["name"]}}),
        ("/customers", {"values": {**PERSON, "personal.birth_date": LATER["name"]}}),
        ("/customers", {"values": PERSON, LATER["reason"]: LATER["name"]}),
        ("/change-requests", {**wish_, "values": {"contact.email": LATER["bad_email"]}, "note": LATER["note"]}),
        ("/change-requests", {**wish_, "reason": LATER["reason"], "values": {"contact.email": LATER["email"]}}),
        ("/change-requests", {**wish_, "subject": LATER["name"], "values": {"contact.email": LATER["email"]}}),
        (
            "/changes",
            {"items": [{"subject": subject, "changes": [{"path": "contact.email", "new": [LATER["email"]]}]}]},
        ),
        ("/changes", {"items": [{"subject": subject, "changes": [{"path": "payment.bank_account", "new": "DE" * 9}]}]}),
        ("/customers/search", {"text": LATER["name"], "limit": LATER["name"]}),
    )
    for path, body in bad:
        assert 400 <= caller.post(path, body).status_code < 500, path
    for path in (f"/customers/{LATER['email']}", f"/customers/{subject}/timeline?field={LATER['email']}"):
        assert 400 <= caller.call("GET", path).status_code < 500
    assert caller.call("GET", f"/change-requests/{LATER['name']}?after={LATER['email']}").status_code >= 400
    recorded = {"items": [{"subject": subject, "changes": [{"path": "contact.email", "new": LATER["email"]}]}]}
    calls = (
        ("/customers", {"values": PERSON}),
        ("/changes", recorded),
        ("/customers/search", {"text": LATER["search"]}),
    )
    for breaking, mending in FAULTS:
        with installation.admin() as admin:
            admin.execute(breaking)
            try:
                # One is enough of a server that nobody can reach: each call waits for it.
                some = calls[:1] if "NOLOGIN" in breaking else calls
                assert 500 in {caller.post(path, body).status_code for path, body in some}, breaking
            finally:
                admin.execute(mending)
    killer = threading.Thread(target=end_writers, args=(installation,))
    killer.start()
    for _ in range(20):
        caller.post("/changes", {"items": recorded["items"] * 100})
    killer.join()


END = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
FAULTS = (
    ("ALTER TABLE desk.entry ADD CONSTRAINT broken CHECK (false) NOT VALID",
     "ALTER TABLE desk.entry DROP CONSTRAINT broken"),
    ("ALTER TABLE desk.blind_index RENAME TO elsewhere", "ALTER TABLE desk.elsewhere RENAME TO blind_index"),
    ("REVOKE INSERT ON desk.payload FROM changedesk_app", "GRANT INSERT ON desk.payload TO changedesk_app"),
    (f"ALTER ROLE changedesk_app NOLOGIN; {END} WHERE usename = 'changedesk_app'", "ALTER ROLE changedesk_app LOGIN"),
)  # fmt: skip


def end_writers(installation: Installation) -> None:
    """End the application's connections while it writes."""
    with installation.admin() as admin:
        for _ in range(20):
            admin.execute(f"{END} WHERE usename = 'changedesk_app' AND state = 'active'")
            pause(0.05)


def test_personal_values_stand_in_clear_nowhere(installation: Installation, outside: Outside) -> None:
    caller = Caller(installation.url, installation.python("tests.faults.credentials"))
    with Watch(installation) as watch:
        subject = live(caller, outside)
        assert installation.rest()
        go_wrong(caller, installation, subject)
        told = installation.run("customer", "search", "--client", "aurora", told=LATER["search"] + "\n")
        assert told.returncode == 0, told.stderr
        assert installation.rest()
    found = [hit for answer in caller.seen if answer.status_code >= 400 for hit in hits("a refusal", answer.content)]
    found += [hit for word in watch.words for hit in hits("a command line", word.encode())]
    found += [hit for payload in watch.heard for hit in hits("a signal", payload.encode())]
    logs = sorted((installation.state / "log").iterdir())
    assert {log.name for log in logs} >= {"web.log", "worker.log", "postgres.log"}
    assert all(log.stat().st_size for log in logs)
    found += [hit for log in logs for hit in hits(log.name, log.read_bytes())]
    found += [hit for program, text in environments(installation) for hit in hits(f"environment of {program}", text)]
    found += hits("the dump", dump(installation))
    assert found == []
    assert any(answer.status_code == 500 for answer in caller.seen)
    assert b"desk.entry" in dump(installation)
    assert watch.heard


def environments(installation: Installation) -> Iterator[tuple[str, bytes]]:
    for name, programs in installation.family().items():
        for one in programs:
            with suppress(OSError):
                yield name, Path(f"/proc/{one.pid}/environ").read_bytes()


def dump(installation: Installation) -> bytes:
    """The whole database as text, past all rights."""
    program = binaries(server_account()) / "pg_dump"
    done = subprocess.run(
        [program, "--dbname", installation.administrator()], capture_output=True, check=False, env={"LC_ALL": "C"}
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


def test_the_search_for_canaries_sees_them(installation: Installation) -> None:
    """A value in a column, a log, or wrapped up, is found: else the test above would prove nothing."""
    value = PERSON["contact.email"]
    assert isinstance(value, str)
    with installation.admin() as admin:
        admin.execute("CREATE TABLE desk.leak (plain text, raw bytea)")
        try:
            admin.execute("INSERT INTO desk.leak VALUES ('x', convert_to(%s, 'UTF8'))", [f"to {value}."])
            assert hits("the dump", dump(installation))
        finally:
            admin.execute("DROP TABLE desk.leak")
    for shown in (value, value.upper(), repr({"to": value}), base64.b64encode(f"to {value}.".encode()).decode()):
        assert hits("a log", shown.encode())
