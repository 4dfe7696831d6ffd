"""What leaves the house carries the person's own statement, and who took it stands in the person's register."""

import re
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from tests.cast import soon, staff
from tests.channels.console.room import Room
from tests.flow.test_forget import begun

from changedesk.base import clock
from changedesk.base.actor import Actor, Channel, Role
from changedesk.base.ids import SubjectId
from changedesk.base.refusal import NotFound
from changedesk.channels.evidence import build
from changedesk.flow import subject_answer, subject_request
from changedesk.ledger import verifier
from changedesk.outbound import find, publish, sequence
from changedesk.reading import portable, recipients
from changedesk.reading.evidence import Level, Wanted
from changedesk.rules.rights import Right
from changedesk.store import forget
from changedesk.store.tx import look

SAID = "I never lived in that street."


@pytest.fixture
def out(room: Room, settings: Any, tmp_path: Path) -> Room:
    settings.CHANGEDESK_STATE_DIR = tmp_path / "state"
    settings.CHANGEDESK_ERASURE_JOURNAL = tmp_path / "erasures.jsonl"
    return room


def officer(room: Room) -> Actor:
    return staff(room.desk.client, 90, Role.PRIVACY, Role.COMPLIANCE)


def stated(room: Room, dana: SubjectId) -> None:
    """A correction that was refused, and what the person says to that."""
    at = clock.now() - timedelta(days=2)
    made = subject_request.receive(dana, Right.RECTIFICATION, channel=Channel.PHONE, actor=room.desk.ben, at=at)
    answered = {"actor": officer(room), "at": soon(at)}
    subject_answer.refuse(made.ref, "accurate_and_complete", note="The bill shows it.", **answered)  # type: ignore[arg-type]
    subject_answer.state_disagreement(made.ref, SAID, **answered)  # type: ignore[arg-type]


def published(room: Room) -> None:
    client = room.desk.client
    while sequence(client) or find.run(client):
        pass
    publish.publish(client, at=clock.now(), paced=False)


def bundle(room: Room, tmp_path: Path, wanted: Wanted, actor: Actor) -> dict[str, bytes]:
    made = build(wanted, actor=actor, at=clock.now(), language="en")
    place = tmp_path / made.name
    place.write_bytes(made.data)
    files, problems = verifier.unpack(place)
    assert (problems, verifier.verify(files).problems) == ([], [])
    return files


def test_a_statement_goes_with_every_bundle_of_its_record(out: Room, tmp_path: Path) -> None:
    dana = out.customer()
    stated(out, dana)
    published(out)
    full = bundle(out, tmp_path, Wanted(purpose="complaint", record=dana, level=Level.FULL), officer(out))
    (told,) = verifier.read_json(full["evidence.json"])["statements"]
    assert (told["record"], told["text"], full[told["file"]].decode()) == (str(dana), SAID, SAID)
    for forged in ({**full, told["file"]: b"I lived there."}, {k: v for k, v in full.items() if k != told["file"]}):
        assert [one.file for one in verifier.verify(forged).problems] == [told["file"]]
    named = Wanted(purpose="complaint", record=dana, level=Level.FIELDS, fields=("contact.email",))
    assert verifier.read_json(bundle(out, tmp_path, named, officer(out))["evidence.json"])["statements"] == [told]
    masked = bundle(out, tmp_path, Wanted(purpose="complaint", record=dana), out.actor("Otto"))
    (hidden,) = verifier.read_json(masked["evidence.json"])["statements"]
    assert hidden == {**told, "file": "", "text": ""}
    assert not any(SAID.encode() in data for data in masked.values())


def test_files_and_bundles_stand_in_the_register_with_who_took_them(out: Room) -> None:
    dana = out.customer()
    published(out)
    build(Wanted(purpose="complaint", record=dana), actor=out.actor("Otto"), at=clock.now(), language="en")
    made = out.post("Ines", "audit", do="export", query="action:created", format="csv").content.decode()
    export = re.search(r'name="export" value="([0-9a-f-]{36})"', made)
    assert export
    place = f"privacy/disclosures/{dana}"
    page = out.get("Otto", place).content.decode()
    assert "Evidence bundle" in page
    assert "File of the history" not in page  # it has not left the house yet
    out.post("Ines", "audit", do="download", export=export[1])
    page = out.get("Otto", place).content.decode()
    for word in ("File of the history", export[1], "Evidence bundle", "Otto", "Ines"):
        assert word in page, word
    asked = subject_request.receive(dana, Right.ACCESS, channel=Channel.PHONE, actor=out.desk.ben, at=clock.now())
    copy: Any = portable.collect(asked.ref, actor=officer(out), at=clock.now(), language="en").body["recipients"]
    assert {(one["sort"], one["by"]) for one in copy} >= {("export", "staff"), ("evidence", "staff")}

    due = begun(out.desk, dana, clock.now() + timedelta(days=1))
    with look(out.desk.client) as seen:
        (job,) = forget.of_subject(seen, dana)
    page = out.get("Otto", f"erasures/{job.id}").content.decode()
    for word in ("Tell them, too", "File of the history", "Evidence bundle"):
        assert word in page, word
    given: dict[str, Any] = {"actor": officer(out), "at": due, "language": "en"}
    told = recipients.to_be_told(job.id, **given)
    assert {one.sort for one in told} == {"export", "evidence"}
    with pytest.raises(NotFound):
        recipients.to_be_told(uuid4(), **given)
