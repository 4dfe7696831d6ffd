"""The day of a desk, walked from an asked change to its traces: what every story of a kind has in common."""

import re
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import httpx
from tests.cast import SECRET, Desk, totp
from tests.channels.api.desk import ALL, Caller, person, token

from changedesk import flow
from changedesk.base.actor import Role
from changedesk.base.clock import now
from changedesk.outbound import duties
from changedesk.store import deliveries
from changedesk.store.tx import look

Said = Mapping[str, Any]
WAIT = timedelta(days=8)
"""Longer than any wait between approval and change in these stories."""
ADDRESS = {"country": "US", "lines": "12 Elm Street", "city": "Springfield", "region": "IL", "postal_code": "62701"}


@dataclass(frozen=True, kw_only=True)
class Story:
    """One change that a customer or the business wants, and what is to be found afterwards."""

    row: str
    kind: str
    values: Said = field(default_factory=dict)
    operation: str = ""
    account: bool = False
    stood: Said = field(default_factory=dict)
    """What the subject held before, beside what everybody has."""
    fields: Mapping[str, tuple[Any, Any]]
    """By path: what the entry says stood before, and what stands now."""
    entry: str = "change.applied"
    announces: Sequence[str] = ()
    arrives: Mapping[str, str] = field(default_factory=dict)
    """New contact points that answer a code, with the way it goes."""
    initiated_by: str = "customer"
    reason: str = "customer_request"

    @property
    def name(self) -> str:
        return f"{self.row} {self.kind} {self.operation}".strip()


@dataclass
class Floor:
    """One client before a real server, with the people who work there."""

    http: httpx.Client
    home: Desk
    crm: Caller = field(init=False)
    ben: Caller = field(init=False)
    sam: Caller = field(init=False)
    """A supervisor who approves nothing here."""
    approvers: list[Caller] = field(init=False)
    taken: int = 0

    def __post_init__(self) -> None:
        self.crm = Caller(self.http, token(self.home, *ALL))
        self.ben = Caller(self.http, person(self.home, "Ben", Role.AGENT, "one"))
        self.sam = Caller(self.http, person(self.home, "Sam", Role.SUPERVISOR, "four"))
        self.approvers = [
            Caller(self.http, person(self.home, name, Role.SUPERVISOR, team))
            for name, team in (("Ines", "two"), ("Omar", "three"))
        ]

    def customer(self, stood: Said | None = None, *, account: Said | None = None) -> tuple[str, str]:
        """Take somebody in with one account; return the ids of both."""
        self.taken += 1
        values = {
            "personal.name": "Dana Novak",
            "contact.email": f"dana{self.taken}@old.example",
            "contact.phone_mobile": f"+1 202 555 {1000 + self.taken:04d}",
            **(stood or {}),
        }
        number = {"number": f"A-{self.taken:04d}", "values": dict(account or {})}
        made = good(self.crm.post("/customers", {"values": values, "accounts": [number]}), 201)
        good(self.crm.post(f"/customers/{made['subject']}/factors", {"secret": SECRET}), 204)
        return str(made["subject"]), str(made["accounts"][0])

    def panel(self, ref: str) -> dict[str, Any]:
        return dict(good(self.ben.get(f"/change-requests/{ref}")))

    def prove(self, ref: str, method: str, path: str | None = None, purpose: str = "change") -> None:
        """The customer answers for this request."""
        at = f"/change-requests/{ref}/verification"
        started = good(self.ben.post(at, {"method": method, "path": path, "purpose": purpose}), 201)
        for _ in range(3):  # a code may be of the half minute that just ended
            answer = totp(now()) if method == "totp" else self.code()
            found = good(self.ben.post(f"{at}/{started['id']}/confirm", {"answer": answer}))
            if found["matched"] or method != "totp":
                break
        assert found["matched"] is True

    def code(self) -> str:
        """The code in the newest message, as the customer reads it."""
        with look(self.home.client) as seen:
            message = deliveries.outbox(seen, before=now() + timedelta(seconds=5), limit=1)[0].message
        assert message is not None
        found = re.search(r"(?<!\d)\d{6}(?!\d)", message.body)
        assert found, "no code in the newest message"
        return found[0]

    def carry(self, ref: str, arrives: Said | None = None) -> dict[str, Any]:
        """Do for a request what it waits for, until it is applied; return its panel."""
        panel = self.prepare(ref, arrives)
        for _ in range(3):
            if panel["state"] == "applied":
                return panel
            self._step(panel)
            panel = self.panel(ref)
        raise AssertionError(panel["state"], panel["needs"])

    def prepare(self, ref: str, arrives: Said | None = None) -> dict[str, Any]:
        """The customer proves who they are and agrees, as far as it is asked for; return the panel."""
        for path, method in (arrives or {}).items():
            self.prove(ref, method, path, "new_contact")
        for _ in range(4):
            panel = self.panel(ref)
            if panel["needs"] not in ("verification", "consent"):
                return panel
            self._step(panel)
        raise AssertionError(panel["state"], panel["needs"])

    def _step(self, panel: dict[str, Any]) -> None:
        ref = panel["ref"]
        if panel["needs"] == "verification":
            self._verify(panel)
        elif panel["needs"] == "consent":
            wanted = {name: panel["consent_asked"][name] for name in ("statement", "version", "language")}
            way = {"way": "read_aloud", "digest": panel["digest"], "evidence": "call 77-2041"}
            good(self.ben.post(f"/change-requests/{ref}/consent", {**wanted, **way}))
        elif panel["needs"] == "approval":
            for caller in self.approvers:
                seen = good(caller.get(f"/change-requests/{ref}"))
                if seen["needs"] != "approval":
                    break
                good(caller.post(f"/change-requests/{ref}/approve", {"digest": seen["digest"]}, match=seen["version"]))
        else:
            assert panel["state"] == "scheduled", (panel["state"], panel["needs"])
            flow.apply_due(self.home.client, at=now() + WAIT)

    def _verify(self, panel: dict[str, Any]) -> None:
        used = {one["method"] for one in panel["challenges"] if one["counts"]}
        ways = [one for one in panel["offers"] if not one["refused"] and one["method"] not in used]
        # Few codes are sent in a quarter of an hour, and the code of an app works once.
        order = ["code_email", "code_sms"] if panel["kind"] == "unmerge" else ["totp", "code_sms"]
        best = max(ways, key=lambda one: order.index(one["method"]) if one["method"] in order else -1)
        self.prove(panel["ref"], best["method"], best["path"])

    def tell(self) -> None:
        """Let the worker's duties run until there is nothing left to do."""
        while any(duty.run(self.home.client) for duty in duties()):
            pass

    def feed(self) -> list[dict[str, Any]]:
        """All of the log, as another system follows it, values in clear."""
        found: list[dict[str, Any]] = []
        after, more = -1, True
        while more:
            page = good(self.crm.get("/changes", params={"after": after, "limit": 500, "values": True}))
            found += [one["data"] for one in page["items"]]
            after, more = page["next"], page["more"]
        return found


def good(answer: httpx.Response, status: int = 200) -> Any:
    assert answer.status_code == status, answer.text
    return answer.json() if answer.content else None


def told_and_kept(floor: Floor, story: Story) -> dict[str, Any]:
    """Walk a story from the asking to its traces, and look at each of them; return its event in the feed."""
    stood = {"account": story.stood} if story.account else {"stood": story.stood}
    customer, account = floor.customer(**stood)
    subject, where = (account, "accounts") if story.account else (customer, "customers")
    asked = good(floor.ben.post("/change-requests", wish(story, subject)), 201)
    panel = floor.carry(asked["ref"], story.arrives)
    floor.tell()
    panel = floor.panel(asked["ref"])
    entry = _in_the_history(floor, story, panel, f"/{where}/{subject}/timeline")
    _to_the_customer(panel)
    event = next(one for one in floor.feed() if one["id"] == entry["change"])
    assert event["type"] == story.entry
    changed = {path: (one["before"], one["after"]) for path, one in event["changes"].items()}
    assert changed == story.fields, changed
    assert [one["event"] for one in event["announces"]] == list(story.announces)
    return dict(event)


def _in_the_history(floor: Floor, story: Story, panel: dict[str, Any], timeline: str) -> dict[str, Any]:
    """What was, what is, who entered it, how the customer was verified, what they agreed to, who let it go ahead."""
    entry = next(one for one in good(floor.crm.get(timeline))["items"] if one["is_change"])
    strip = panel["strip"]
    assert (entry["kind"], entry["ref"], entry["channel"]) == (story.entry, panel["ref"], "phone")
    assert panel["entered_by"]["name"] == "Ben"
    assert entry["verification"].startswith("V") is (strip["level_needed"] > 0)
    assert entry["consent"] == (strip["consent_needed"] or "")
    assert [one["name"] for one in entry["approvals"]] == ["Ines", "Omar"][: strip["approvals_needed"]]
    held = {one["path"]: (one["before"], one["after"]) for one in reversed(entry["fields"])}
    assert set(held) == set(story.fields)
    for path, (before, after) in story.fields.items():
        assert (bool(held[path][0]), bool(held[path][1])) == (before is not None, after is not None), path
    return dict(entry)


def _to_the_customer(panel: dict[str, Any]) -> None:
    """That it is done, and every warning that policy has asked for; where there is no mail server, in the outbox."""
    told = {one["event"] for one in panel["notices"]}
    duties_ = {f"security_{one['event']}" for one in panel["strip"]["notices"] if one["security"]}
    assert {"completed", *duties_} <= told, told
    assert {one["state"] for one in panel["notices"]} == {"shown"}


def wish(story: Story, subject: str) -> dict[str, Any]:
    """What is sent to ask for it."""
    return {
        "subject": subject,
        "kind": story.kind,
        "operation": story.operation or None,
        "values": dict(story.values),
        "initiated_by": story.initiated_by,
        "reason": story.reason,
        "channel": "phone",
        "interaction": f"call-{uuid.uuid4().hex[:8]}",
    }
