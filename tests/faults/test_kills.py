"""Programs are killed under load, and nothing that was acknowledged is lost, doubled, or left untold.

``CHANGEDESK_FAULTS=full`` runs the whole campaign: 2,000 changes, 16 kills, leases as long as they really are.
"""

import hashlib
import os
import secrets
import uuid
from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import replace
from datetime import timedelta

import pytest
from tests.faults import campaign
from tests.faults.campaign import Ran
from tests.faults.evidence import Evidence, Row
from tests.faults.ledger import Call
from tests.faults.oracle import judge, once_keys

pytestmark = pytest.mark.fault
FULL = os.environ.get("CHANGEDESK_FAULTS") == "full"


@pytest.fixture(scope="module")
def ran() -> Iterator[Ran]:
    seed = secrets.randbelow(10**6)
    if FULL:
        yield campaign.run(changes=2000, clients=8, kills=16, seed=seed)
    else:
        yield campaign.run(changes=240, clients=8, kills=5, seed=seed, patient=False)


def test_kills_lose_nothing_double_nothing_and_leave_nothing_behind(ran: Ran) -> None:
    figures = ran.figures
    assert ran.violations == [], figures
    assert sum(figures["kills"].values()) >= (10 if FULL else 4), figures
    assert figures["acked_changes"] >= (2000 if FULL else 240), figures
    assert figures["requests"].get("contact_details:applied"), figures
    assert figures["requests"].get("marketing_preferences:applied"), figures


# What the oracle must see: each tampering is a fault that it exists for.


def _call(found: Evidence, kind: str, items: int = 1) -> Call:
    done = [one for one in found.calls.values() if one.kind == kind and one.outcome == "done"]
    return next(one for one in done if kind != "change" or len(one.body["items"]) == items)


def _entry(found: Evidence, kind: str) -> Row:
    return next(row for row in found.tables["entry"] if row["kind"] == kind)


def _applied(found: Evidence, kind: str) -> Row:
    ref = next(
        one.reply["ref"] for one in found.calls.values() if one.kind == kind and one.reply["ref"] in _refs(found)
    )
    return next(row for row in found.tables["request"] if row["ref"] == ref)


def _refs(found: Evidence) -> set[str]:
    return {row["ref"] for row in found.tables["request"] if row["state"] == "applied"}


def _drop_entry(found: Evidence) -> None:
    change = _call(found, "change").reply["items"][0]["recorded"]["change"]
    found.tables["entry"] = [row for row in found.tables["entry"] if str(row["change_id"]) != change]


def _drop_key(found: Evidence) -> None:
    # Of a call that was answered: the key of one that a kill left without an answer may be gone.
    (key,) = once_keys(_call(found, "change"))
    hash_ = hashlib.sha256(key.encode()).digest()
    found.tables["once"] = [row for row in found.tables["once"] if bytes(row["key_hash"]) != hash_]


def _drop_value(found: Evidence) -> None:
    token = _call(found, "change").tokens[0]
    for one in found.opened.values():
        for entry in one["entries"]:
            entry["values"] = {path: text for path, text in entry["values"].items() if token not in text}


def _write_twice(found: Evidence) -> None:
    token = _call(found, "change").tokens[0]
    for one in found.opened.values():
        again = [e for e in one["entries"] if any(token in text for text in e["values"].values())]
        one["entries"] += [{**entry, "change": str(uuid.uuid4())} for entry in again]


def _apply_twice(found: Evidence) -> None:
    row = _entry(found, "change.applied")
    found.tables["entry"].append({**row, "change_id": uuid.uuid4()})


def _refuse_stored(found: Evidence) -> None:
    _call(found, "opt_out").outcome = "refused"


def _never_answer(found: Evidence) -> None:
    _call(found, "opt_out").outcome = "open"


def _answer_otherwise(found: Evidence) -> None:
    key, (status, body) = next(iter(found.replays.items()))
    found.replays[key] = (status, body + " ")


def _skip_place(found: Evidence) -> None:
    del found.tables["leaf"][len(found.tables["leaf"]) // 2]


def _leave_staged(found: Evidence) -> None:
    found.tables["staged"].append({"entry_id": 1})


def _swap_leaves(found: Evidence) -> None:
    leaves = found.tables["leaf"]
    leaves[1]["entry_id"], leaves[2]["entry_id"] = leaves[2]["entry_id"], leaves[1]["entry_id"]


def _backdate(found: Evidence) -> None:
    _entry(found, "change.recorded")["recorded_at"] -= timedelta(seconds=1)


def _cut_tail(found: Evidence) -> None:
    row = next(row for row in found.tables["subject"] if row["ver"] > 2)
    found.tables["entry"] = [
        one for one in found.tables["entry"] if (one["subject_id"], one["ver"]) != (row["id"], row["ver"])
    ]


def _relink(found: Evidence) -> None:
    row = next(row for row in found.tables["entry"] if (row["ver"] or 0) > 2)
    row["leaf_hash"] = row["fields_hash"]


def _change_state(found: Evidence) -> None:
    next(one for one in found.opened.values() if one["state"])["state"].popitem()


def _change_payload(found: Evidence) -> None:
    next(iter(found.opened.values()))["entries"][0]["committed"] = False


def _rest_between(found: Evidence) -> None:
    _applied(found, "flow")["state"] = "approved"


def _approve_nothing(found: Evidence) -> None:
    found.tables["decision"].clear()


def _agree_nothing(found: Evidence) -> None:
    found.tables["consent"].clear()


def _prove_nothing(found: Evidence) -> None:
    found.tables["challenge"].clear()


def _queue_less(found: Evidence) -> None:
    request = _applied(found, "flow")["id"]
    rows = found.tables["delivery"]
    rows.remove(next(r for r in rows if r["request_id"] == request and r["event"] == "security_applied"))


def _queue_twice(found: Evidence) -> None:
    request = _applied(found, "opt_out")["id"]
    rows = found.tables["delivery"]
    rows.append(dict(next(r for r in rows if r["request_id"] == request)))


def _sent(found: Evidence) -> str:
    return next(str(r["id"]) for r in found.tables["delivery"] if r["state"] == "sent" and r["channel"] == "email")


def _lose_letter(found: Evidence) -> None:
    gone = _sent(found)
    found.received[:] = [letter for letter in found.received if letter["id"] != gone]


def _send_twice(found: Evidence) -> None:
    twice = _sent(found)
    found.received += [letter for letter in found.received if letter["id"] == twice]


def _send_unqueued(found: Evidence) -> None:
    found.received.append({**found.received[0], "id": str(uuid.uuid4())})


def _keep_sending(found: Evidence) -> None:
    found.tables["delivery"][0]["state"] = "sending"


MUTANTS: dict[Callable[[Evidence], None], str] = {
    _drop_entry: "lost", _drop_key: "lost", _drop_value: "lost", _write_twice: "twice", _apply_twice: "twice",
    _refuse_stored: "refused but stored", _never_answer: "unresolved", _answer_otherwise: "replay differs",
    _skip_place: "dense", _leave_staged: "staged", _swap_leaves: "head", _backdate: "chain", _cut_tail: "versions",
    _relink: "chain", _change_state: "fold", _change_payload: "commitment", _rest_between: "request",
    _approve_nothing: "evidence", _agree_nothing: "evidence", _prove_nothing: "evidence", _queue_less: "notices",
    _queue_twice: "queued twice", _lose_letter: "sent", _send_twice: "sent", _send_unqueued: "sent",
    _keep_sending: "stuck",
}  # fmt: skip


@pytest.mark.parametrize("tamper", MUTANTS, ids=lambda tamper: tamper.__name__.strip("_"))
def test_the_oracle_sees(ran: Ran, tamper: Callable[[Evidence], None]) -> None:
    found = deepcopy(replace(ran.evidence))
    tamper(found)
    assert MUTANTS[tamper] in {sentence.split(":", 1)[0] for sentence in judge(found)}
