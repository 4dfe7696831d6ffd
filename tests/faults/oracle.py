"""Judges a run: each broken promise is one sentence, beginning with its name."""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import Any

from tests.faults.evidence import Evidence, Row
from tests.faults.ledger import Call

from changedesk.base.clock import micros
from changedesk.ledger.entry import EntryKind, leaf
from changedesk.ledger.tree import Frontier, leaf_hash, root_of

ENDED = frozenset({"applied", "rejected", "withdrawn", "cancelled", "expired", "failed"})
WAITING = frozenset({"awaiting_verification", "awaiting_consent", "awaiting_approval"})
"""Where a request of these runs may rest; every other open state is one that it only passes through."""
NOTICES = {
    "opt_out": Counter({("completed", "email"): 1, ("completed", "sms"): 1}),
    "flow": Counter(
        {
            ("received", "email"): 1, ("received", "sms"): 1,
            ("security_requested", "email"): 1, ("security_requested", "sms"): 1,
            ("completed", "email"): 2, ("completed", "sms"): 1,
            ("security_applied", "email"): 1, ("security_applied", "sms"): 1,
        }
    ),
}  # fmt: skip
"""What a customer with one mailbox and one phone is told of an applied request; of a new mailbox, it too."""
MAY_MOVE_ON = ("being_processed", "challenge", "new_contact", "action_needed")
"""Events that depend on how fast things went, or on how often somebody asked for a code."""


def judge(found: Evidence) -> list[str]:
    """Return every broken promise of a run."""
    return [
        *_acknowledged(found),
        *_written(found),
        *_replays(found),
        *_chains(found),
        *_log(found),
        *_states(found),
        *_requests(found),
        *_told(found),
        *_sent(found),
    ]


def told(call: Call) -> list[dict[str, Any] | None]:
    """What was acknowledged, item by item; None where an item was refused."""
    if call.outcome != "done":
        return [None] * len(once_keys(call))
    if call.kind == "change":
        return [one["recorded"] for one in call.reply["items"]]
    return [call.reply]


def once_keys(call: Call) -> list[str]:
    if call.kind == "change":
        return [f"{call.key}#{place}" for place in range(len(call.body["items"]))]
    return [call.key]


def _acknowledged(found: Evidence) -> Iterator[str]:
    """Acknowledged means stored under its key, once; refused means not stored."""
    once = {(row["actor"], bytes(row["key_hash"])): row["reply"] for row in found.tables["once"]}
    entries = Counter(str(row["change_id"]) for row in found.tables["entry"])
    for call in found.calls.values():
        if call.outcome == "open":
            yield f"unresolved: {call.key} never got an answer"
            continue
        actor = found.actors[call.who]
        kept = [once.get((actor, hashlib.sha256(key.encode()).digest())) for key in once_keys(call)]
        for place, (reply, item) in enumerate(zip(kept, told(call), strict=True)):
            if item is not None and not _agree(item, reply):
                yield f"lost: {call.key}#{place} was acknowledged, and its key leads elsewhere"
            if item is None and reply is not None:
                yield f"refused but stored: {call.key}#{place}"
            change = (item or {}).get("change")
            if change is not None and entries[change] != 1:
                yield f"lost: the change of {call.key}#{place} is stored {entries[change]} times"


def _agree(item: dict[str, Any], reply: Any) -> bool:
    return reply is not None and all(reply.get(name, value) == value for name, value in item.items())


def _written(found: Evidence) -> Iterator[str]:
    """Each value that was sent once is written by the entry that was acknowledged for it, and by no other."""
    written: defaultdict[str, list[str]] = defaultdict(list)
    for one in found.opened.values():
        for entry in one["entries"]:
            for token in {token for value in entry["values"].values() for token in _tokens(value)}:
                written[token].append(entry["change"])
    for call in found.calls.values():
        if call.kind not in ("change", "customer") or call.outcome == "open":
            continue
        for token, item in zip(call.tokens, told(call), strict=True):
            wanted = [] if item is None else [item["change"]]
            if written[token] != wanted:
                fault = "lost" if len(written[token]) < len(wanted) else "twice"
                yield f"{fault}: a value of {call.key} was written by {len(written[token])} entries"


def _tokens(value: str) -> list[str]:
    """The unique words in a value as stored: ``t3x00012z`` in an address."""
    return [word for word in value.strip('"').replace("@", "/").replace(".", "/").split("/") if _is_token(word)]


def _is_token(word: str) -> bool:
    return word.startswith("t") and word.endswith("z") and word[1:-1].replace("x", "", 1).isdigit()


def _replays(found: Evidence) -> Iterator[str]:
    for key, (status, body) in found.replays.items():
        call = found.calls[key]
        if (status, body) != (call.status, call.answer):
            yield f"replay differs: {key} was {call.status}, its repeat {status}"


def _chains(found: Evidence) -> Iterator[str]:
    """Versions are dense, each links to the one before it, and every leaf is what its row hashes to."""
    chains: defaultdict[Any, list[Row]] = defaultdict(list)
    for row in found.tables["entry"]:
        if row["ver"] is not None:
            chains[row["subject_id"]].append(row)
        elif leaf_of(row, b"") != bytes(row["leaf_hash"]):
            yield f"leaf: entry {row['id']} does not hash to its leaf"
    for subject in found.tables["subject"]:
        chain = sorted(chains.pop(subject["id"], []), key=lambda row: int(row["ver"]))
        if [row["ver"] for row in chain] != list(range(1, subject["ver"] + 1)):
            yield f"versions: subject {subject['id']} has {len(chain)} of {subject['ver']}"
        links = [b"", *(bytes(row["leaf_hash"]) for row in chain)]
        for row, before in zip(chain, links, strict=False):
            if leaf_of(row, before) != bytes(row["leaf_hash"]):
                yield f"chain: version {row['ver']} of {subject['id']} does not follow the one before"
        if links[-1] != bytes(subject["head_leaf"]):
            yield f"chain: the head of {subject['id']} is not its newest version"
    for subject in chains:
        yield f"chain: entries of a subject that is not there: {subject}"


def leaf_of(row: Row, previous: bytes) -> bytes:
    """The leaf hash that an entry's row says, made anew; ``previous`` is the leaf of the version before."""
    document = leaf(
        change_id=row["change_id"],
        kind=EntryKind(row["kind"]),
        subject_ref=row["subject_id"],
        version=row["ver"] or 0,
        previous=previous,
        recorded_at_ms=micros(row["recorded_at"]) // 1000,
        fields=bytes(row["fields_hash"]),
        meta=bytes(row["meta_hash"]),
    )
    return leaf_hash(document)


def _log(found: Evidence) -> Iterator[str]:
    """Every entry has one place, places are dense, and the frontier is the tree of the leaves."""
    leaves, entries = found.tables["leaf"], {row["id"]: bytes(row["leaf_hash"]) for row in found.tables["entry"]}
    if found.tables["staged"]:
        yield f"staged: {len(found.tables['staged'])} entries wait for a place"
    if [row["idx"] for row in leaves] != list(range(len(leaves))):
        yield "dense: the log has a gap or a place taken twice"
    if sorted(row["entry_id"] for row in leaves) != sorted(entries):
        yield f"dense: {len(leaves)} places for {len(entries)} entries, or not the same ones"
    head = found.tables["head"][0]
    frontier = Frontier.from_bytes(bytes(head["frontier"]))
    if head["size"] != len(leaves) or frontier.size != len(leaves):
        yield f"head: size {head['size']} for {len(leaves)} places"
    if frontier.root() != root_of(entries.get(row["entry_id"], b"") for row in leaves):
        yield "head: the frontier is not the tree of the leaves"
    for row in found.tables["cursor"]:
        if row["next_idx"] != head["size"]:
            yield f"behind: {row['consumer']} is at {row['next_idx']} of {head['size']}"


def _states(found: Evidence) -> Iterator[str]:
    for subject, one in found.opened.items():
        if one["state"] != one["fold"]:
            yield f"fold: the history of {subject} does not fold to its state"
        if not all(entry["committed"] for entry in one["entries"]):
            yield f"commitment: an entry of {subject} holds something else than it committed to"


def _requests(found: Evidence) -> Iterator[str]:
    """A request is where its evidence carries it, and what is applied was proved, agreed and approved."""
    applied: defaultdict[Any, list[Row]] = defaultdict(list)
    for row in found.tables["entry"]:
        if row["kind"] == "change.applied":
            applied[row["request_id"]].append(row)
    for row in found.tables["request"]:
        made = applied.pop(row["id"], [])
        if row["state"] not in ENDED | WAITING:
            yield f"request: {row['ref']} rests in {row['state']}"
        if row["state"] != "applied":
            if made:
                yield f"request: {row['ref']} is {row['state']} and was applied"
            continue
        if [one["change_id"] for one in made] != [row["applied_change"]]:
            yield f"twice: request {row['ref']} was applied {len(made)} times"
        yield from _evidence(found, row)
    for request in applied:
        yield f"request: a change of a request that is not there: {request}"
    open_ = {row["id"] for row in found.tables["request"] if row["state"] not in ENDED}
    if {row["request_id"] for row in found.tables["open_field"]} - open_:
        yield "request: a field is kept by a request that has ended"


def _evidence(found: Evidence, request: Row) -> Iterator[str]:
    def mine(table: str) -> list[Row]:
        rows = [row for row in found.tables[table] if row["request_id"] == request["id"]]
        return [row for row in rows if row["digest"] == request["digest"]]

    makers = {row["actor"] for row in mine("decision") if row["verdict"] == "approve"} - {request["entered_by"]}
    if len(makers) < request["needs_approvals"]:
        yield f"evidence: {request['ref']} was applied with {len(makers)} approvals"
    if request["needs_consent"] and not mine("consent"):
        yield f"evidence: {request['ref']} was applied without consent"
    if request["needs_level"] > 1 and not mine("challenge"):
        yield f"evidence: {request['ref']} was applied without a proof"


def _told(found: Evidence) -> Iterator[str]:
    """Whatever an applied request owes its customer is queued, each message once."""
    rows = found.tables["delivery"]
    for dedupe, count in Counter(row["dedupe"] for row in rows).items():
        if count != 1:
            yield f"queued twice: {dedupe}"
    queued: defaultdict[str, Counter[tuple[str, str]]] = defaultdict(Counter)
    for row in rows:
        if row["event"] not in MAY_MOVE_ON:
            queued[str(row["request_id"])][row["event"], row["channel"]] += 1
    states = {str(row["id"]): row["state"] for row in found.tables["request"]}
    for call in found.calls.values():
        if call.kind in NOTICES and call.outcome == "done":
            request = call.reply["request"]
            if states.get(request) == "applied" and queued[request] != NOTICES[call.kind]:
                more, less = queued[request] - NOTICES[call.kind], NOTICES[call.kind] - queued[request]
                yield f"notices: {call.kind} {request} told too much {dict(more)}, too little {dict(less)}"


def _sent(found: Evidence) -> Iterator[str]:
    """Sent means arrived once; anything else arrived at most once and stands where people look."""
    arrived: defaultdict[str, int] = defaultdict(int)
    for letter in found.received:
        # A text gateway sends one message for one key, however often it is asked.
        arrived[letter["id"]] = 1 if letter["channel"] == "sms" else arrived[letter["id"]] + 1
    for row in found.tables["delivery"]:
        count = arrived.pop(str(row["id"]), 0)
        if row["state"] == "sending":
            yield f"stuck: notice {row['id']} is in sending"
        wanted = {"sent": (1,), "shown": (0,), "unconfirmed": (0, 1), "failed": (0,), "pending": (0,)}
        if count not in wanted.get(row["state"], (0, 1)):
            yield f"sent: notice {row['id']} is {row['state']} and arrived {count} times"
    for unknown in arrived:
        yield f"sent: a message arrived that nobody queued: {unknown}"
