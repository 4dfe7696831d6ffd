"""What is stored is what the history says: as it stands, as of any instant on either axis, and as committed to."""

from datetime import datetime, timedelta

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.cast import START, Desk, desk
from tests.flow.walk import LATER, record, stands
from tests.postgres import Database

from changedesk import flow
from changedesk.base.clock import micros
from changedesk.base.ids import SubjectId
from changedesk.base.refusal import Refusal
from changedesk.flow.indexing import terms_for
from changedesk.ledger import seal
from changedesk.ledger.commitment import commit_fields, commit_meta
from changedesk.ledger.entry import EntryKind, leaf
from changedesk.ledger.tree import leaf_hash
from changedesk.ledger.value import decode_value
from changedesk.store import keys, past
from changedesk.store.tx import look

HOUR = timedelta(hours=1)
PATHS: dict[str, list[str | None]] = {
    "contact.url": ["https://a.example/", "https://b.example/", None],
    "contact.phone_home": ["+12025550188", "+12025550199", "+12025550143", None],
    "personal.name": ["Dana Novak", "Dana Maria Novak", "D Winter"],
    "personal.birth_date": ["1980-03-12", "1980-03-13", None],
}


def _verify(d: Desk, dana: SubjectId) -> int:
    """Recompute every entry of a subject from its sealed parts; return how many versions there are."""
    subject = stands(d, dana)
    previous, versions = b"", 0
    with look(d.client) as seen:
        for short in reversed(past.timeline(seen, subject, limit=10**6)):
            row = past.by_change(seen, short.change)
            assert row is not None
            version = row.ver or 0
            payload, meta = past.payload_of(seen, dana, row, subject.key), past.meta_of(seen, dana, row)
            assert payload is not None
            fields, meta_hash = commit_fields(payload.cs, payload.assertions), commit_meta(meta.ms, meta.body)
            document = leaf(
                change_id=row.change_id, kind=EntryKind(row.kind), subject_ref=dana, version=version,
                previous=previous if version > 1 else b"", recorded_at_ms=micros(row.recorded_at) // 1000,
                fields=fields, meta=meta_hash,
            )  # fmt: skip
            assert (bytes(row.fields_hash), bytes(row.meta_hash)) == (fields, meta_hash)
            assert bytes(row.prev_leaf or b"") == (previous if version > 1 else b"")
            assert leaf_hash(document) == bytes(row.leaf_hash)
            if version:
                versions += 1
                assert version == versions
                previous = bytes(row.leaf_hash)
    assert (subject.ver, subject.head_leaf) == (versions, previous)
    return versions


def _tags(d: Desk, dana: SubjectId) -> set[tuple[str, bytes]]:
    with look(d.client) as seen:
        rows = seen.connection.execute(
            "SELECT field, tag FROM desk.blind_index WHERE subject_id = %s", (dana,)
        ).fetchall()
    return {(row[0], bytes(row[1])) for row in rows}


def _should_be_found(d: Desk, dana: SubjectId) -> set[tuple[str, bytes]]:
    with look(d.client) as seen:
        blind = keys.of_client(seen).blind
    texts = {path: held.text for path, held in stands(d, dana).state.items()}
    return {(index, seal.blind_tag(blind, index, term)) for index, term in terms_for(d.client).of(texts)}


Said = tuple[datetime, datetime, datetime | None, str, object]


def _replay(said: list[Said], known: datetime, valid: datetime) -> dict[str, object]:
    """What was known then about then, the slow way: of all that was said by then and covers it, the newest."""
    found = {
        path: value
        for recorded, start, end, path, value in said
        if recorded <= known and start <= valid and (end is None or valid < end)
    }
    return {path: value for path, value in found.items() if value is not None}


_STEP = st.tuples(
    st.sampled_from(sorted(PATHS)),
    st.integers(0, 3),
    st.integers(-30, 30),
    st.sampled_from([None, 5, 20]),
    st.booleans(),
)
_MOMENTS = st.tuples(st.integers(-40, 60), st.integers(-40, 60))


@given(steps=st.lists(_STEP, min_size=1, max_size=12), asked=st.lists(_MOMENTS, min_size=4, max_size=8))
@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
def test_any_history_gives_what_a_plain_replay_gives(
    database: Database, steps: list[tuple[str, int, int, int | None, bool]], asked: list[tuple[int, int]]
) -> None:
    database.clean()
    d = desk()
    dana = d.customer(at=START)
    said: list[Said] = [(START, START, None, path, held.value) for path, held in stands(d, dana).state.items()]
    for number, (path, pick, offset, length, dated) in enumerate(steps):
        at = LATER + number * HOUR
        start = LATER + offset * HOUR if dated else None
        end = start + length * HOUR if start is not None and length is not None else None
        value = PATHS[path][pick % len(PATHS[path])]
        change = flow.FieldChange(path=path, new=value, valid_from=start, valid_to=end)
        try:
            flow.record_changes([flow.RecordedChange(subject=dana, changes=[change])], actor=d.crm, at=at).one()
        except Refusal as refusal:
            assert refusal.code == "no-change"  # noqa: PT017 - the only no that these steps may meet
            continue
        said.append((at, start or at, end, path, value))
    for known, valid in asked:
        moments = LATER + known * HOUR, LATER + valid * HOUR
        with look(d.client) as seen:
            _, found = past.as_of(seen, stands(d, dana), known_at=moments[0], valid_at=moments[1])
        wanted = _replay(said, *moments)
        assert {path: decode_value(text) for path, text in found.items()} == wanted
    now = LATER + 100 * HOUR
    while flow.make_effective(d.client, at=now):
        pass
    assert stands(d, dana).values() == _replay(said, now, now)
    assert _tags(d, dana) == _should_be_found(d, dana)
    _verify(d, dana)


def test_a_long_history_is_read_through_its_snapshots(d: Desk, dana: SubjectId) -> None:
    for start in (0, 70):
        changes = [
            flow.RecordedChange(
                subject=dana, changes=[flow.FieldChange(path="contact.url", new=f"https://{n}.example/")]
            )
            for n in range(start, start + 70)
        ]
        assert not flow.record_changes(changes, actor=d.crm, at=LATER + start * HOUR).refused
    assert _verify(d, dana) == 141
    subject = stands(d, dana)
    with look(d.client) as seen:
        stored, snapshot = past.versions(seen, subject, newest=141)
        assert (len(stored), {item.path for item in snapshot}) == (141 - 128, set(subject.state))
        _, then = past.as_of(seen, subject, known_at=LATER, valid_at=LATER)
        _, now = past.as_of(seen, subject, known_at=LATER + 99 * HOUR, valid_at=LATER + 99 * HOUR)
    assert then["contact.url"] == b'"https://69.example/"'
    assert now == {path: held.text for path, held in subject.state.items()}
    dated = flow.FieldChange(path="contact.fax", new="+12025550177", valid_from=START + HOUR)
    flow.record_changes([flow.RecordedChange(subject=dana, changes=[dated])], actor=d.crm, at=LATER + 100 * HOUR).one()
    record(d, dana, {"contact.url": None}, at=LATER + 101 * HOUR)
    with look(d.client) as seen:
        _, then = past.as_of(seen, stands(d, dana), known_at=LATER + 102 * HOUR, valid_at=LATER)
    assert then["contact.fax"] == b'"+12025550177"'
    assert then["contact.url"] == b'"https://69.example/"'
