"""An evidence bundle convinces somebody who has nothing of ours: on a bare Python, offline, to the byte."""

import json
import random
import re
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from django.test import override_settings
from pytest_django.plugin import DjangoDbBlocker
from tests.cast import START, Desk, desk, staff
from tests.flow.walk import LATER, done
from tests.outbound.logs import forget, keys, later, sequence
from tests.postgres import Database

from changedesk.base.actor import Actor, ActorType, Role
from changedesk.base.ids import SubjectId
from changedesk.base.refusal import Forbidden, NotFound, Refusal
from changedesk.channels.evidence import Bundle, build
from changedesk.channels.evidence.page import render
from changedesk.ledger import verifier
from changedesk.outbound import publish
from changedesk.reading.evidence import (
    BundleTooLarge,
    FieldsUnclear,
    Level,
    PurposeUnknown,
    ReferenceUnfit,
    ScopeUnclear,
    Wanted,
    scope,
)
from changedesk.reading.published import NotPublished
from changedesk.reading.timeline import timeline

ORIGIN = "ledger.example/aurora"
AFTER = LATER + timedelta(days=1)
OLD, NEW = "dana@old.example", "dana@new.example"
PRIVATE = (OLD, NEW, "Novak", "5550143", "555 0143", "555-0143")
GUARD = """
import sys
class Only:
    def find_spec(self, name, path=None, target=None):
        top = name.partition(".")[0]
        if top not in sys.stdlib_module_names | {"cryptography", "_cffi_backend", "cffi", "typing_extensions"}:
            raise ImportError("not in a bare installation: " + name)
sys.meta_path.insert(0, Only())
import runpy
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


@dataclass(frozen=True)
class Case:
    """A client whose customer Dana had an address changed; the log is published."""

    home: Desk
    dana: SubjectId
    ref: str
    vkey: str
    folder: Path
    carla: Actor
    """Compliance: may take values out."""

    def wanted(self, level: Level = Level.FULL, *fields: str) -> Wanted:
        return Wanted(purpose="legal_claim", reference="1 C 23/26", level=level, fields=fields, request=self.ref)

    def build(self, wanted: Wanted, actor: Actor | None = None, language: str = "en") -> Bundle:
        return build(wanted, actor=actor or self.carla, at=AFTER, language=language)

    def unpacked(self, bundle: Bundle) -> dict[str, bytes]:
        place = self.folder / bundle.name
        place.write_bytes(bundle.data)
        files, problems = verifier.unpack(place)
        assert problems == []
        return files


@pytest.fixture(scope="module")
def case(
    worker_database: Database, django_db_blocker: DjangoDbBlocker, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Case]:
    place = tmp_path_factory.mktemp("evidence")
    worker_database.clean()
    with django_db_blocker.unblock(), override_settings(CHANGEDESK_STATE_DIR=place / "state"):
        forget()
        home = desk()
        dana = home.customer()
        asked = done(home, dana)
        early = Wanted(purpose="audit", request=asked.ref)
        with pytest.raises(NotPublished):
            build(early, actor=home.otto, at=AFTER, language="en")
        sequence(home.client)
        publish.publish(home.client, at=later(1))
        carla = staff(home.client, 9, Role.COMPLIANCE)
        yield Case(home, dana, asked.ref, keys(home.client, ORIGIN)[0].vkey, place, carla)
        forget()


@pytest.fixture(scope="module")
def full(case: Case) -> dict[str, bytes]:
    return case.unpacked(case.build(case.wanted()))


def proved(files: dict[str, bytes], vkey: str) -> verifier.Verdict:
    found = verifier.verify(files, [vkey])
    assert found.problems == []
    assert found.proved
    return found


def text_of(files: dict[str, bytes]) -> str:
    """Everything that can be read in a bundle, but for its program, its note and its page."""
    return b"\n".join(data for name, data in files.items() if name.endswith((".json", ".txt"))).decode()


def test_a_bundle_is_verified_by_what_is_in_it_on_a_bare_python(case: Case, tmp_path: Path) -> None:
    bundle = case.build(case.wanted())
    place = tmp_path / bundle.name
    place.write_bytes(bundle.data)
    with zipfile.ZipFile(place) as archive:
        archive.extractall(tmp_path / "folder")
    for what in (place, tmp_path / "folder"):
        words = [sys.executable, "-I", "-c", GUARD, "folder/verify.py", "--key", case.vkey, "--show", str(what)]
        run = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=False, env={})
        assert run.returncode == 0, run.stdout + run.stderr
        assert run.stdout.endswith("\nPROVED\n")
        assert f'contact.email: "{OLD}" -> "{NEW}"' in run.stdout
        assert f"entries    {bundle.entries} proved" in run.stdout
    (tmp_path / "folder" / "evidence.pdf").write_bytes(b"%PDF another")
    run = subprocess.run([*words[:-1], "--json", words[-1]], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert run.returncode == 1
    assert [one["file"] for one in json.loads(run.stdout)["problems"]] == ["evidence.pdf"]


def test_one_byte_changed_anywhere_names_file_and_entry(case: Case, full: dict[str, bytes]) -> None:
    proved(full, case.vkey)
    chance = random.Random(4)  # noqa: S311 - the same sample each time
    for name, data in full.items():
        places = range(len(data)) if len(data) < 120 else [0, len(data) - 1, *chance.sample(range(len(data)), 30)]
        for at in places:
            forged = bytearray(data)
            forged[at] ^= chance.randrange(1, 256)
            found = verifier.verify({**full, name: bytes(forged)}, [case.vkey])
            named = [one for one in found.problems if one.file == name]
            assert named, (name, at, found.problems)
            entry = re.search(r"/(\d{12})\.", name)
            if entry:
                assert any(one.entry.split(",")[0] == str(int(entry[1])) for one in named), (name, at)


def test_one_byte_of_the_archive_changed_is_seen(case: Case, full: dict[str, bytes]) -> None:
    place = case.folder / "flipped.zip"
    data = verifier.pack(full)
    chance = random.Random(7)  # noqa: S311 - as above
    tail = len(data) - 3000
    for at in [*chance.sample(range(len(data)), 60), *chance.sample(range(tail, len(data)), 120)]:
        forged = bytearray(data)
        forged[at] ^= chance.randrange(1, 256)
        place.write_bytes(forged)
        assert verifier.verify_file(place, [case.vkey]).problems, at


def test_what_was_left_out_or_put_in_is_named(case: Case, full: dict[str, bytes]) -> None:
    for name in full:
        less = {other: data for other, data in full.items() if other != name}
        assert name in {one.file for one in verifier.verify(less, [case.vkey]).problems}
    more = {**full, "entries/000000000099.json": b"{}"}
    assert "entries/000000000099.json" in {one.file for one in verifier.verify(more, [case.vkey]).problems}


def test_another_key_proves_nothing_and_the_own_key_is_said_to_prove_little(case: Case, full: dict[str, bytes]) -> None:
    other = "ledger.example/acme+f1d8e151+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4"
    assert {"manifest", "checkpoint"} <= {one.file for one in verifier.verify(full, [other]).problems}
    own = verifier.verify(full)
    assert own.own_key
    assert not own.problems
    assert "from somebody you trust" in verifier.report(own)


def test_a_forger_who_signs_nothing_cannot_change_what_an_entry_says(case: Case, full: dict[str, bytes]) -> None:
    """Even with a manifest that fits the forgery: the entry's commitments do not."""
    name, body = next(
        (name, verifier.read_json(data))
        for name, data in full.items()
        if name.startswith("entries/") and NEW.encode() in data and b'"key"' in data
    )
    body["fields"][0]["new"] = '"somebody@else.example"'
    found = verifier.verify({**full, name: verifier.canonical(body)}, [case.vkey])
    assert any("not those that were recorded" in one.what for one in found.problems if one.file == name)


def test_masked_evidence_shows_no_value_and_is_proved_as_well(case: Case) -> None:
    files = case.unpacked(case.build(case.wanted(Level.MASKED), case.home.otto))
    assert len(proved(files, case.vkey).proved) == len([one for one in files if one.startswith("entries/")])
    assert [word for word in PRIVATE if word in text_of(files)] == []
    assert "commitment" in text_of(files)


def test_a_single_field_is_disclosed_and_nothing_else(case: Case) -> None:
    wanted = Wanted(purpose="customer_request", level=Level.FIELDS, fields=("contact.email",), record=case.dana)
    files = case.unpacked(case.build(wanted))
    shown = {
        slot["path"]
        for entry in proved(files, case.vkey).proved.values()
        for slot in entry["fields"] or ()
        if "path" in slot
    }
    assert shown == {"contact.email"}
    text = text_of(files)
    assert OLD in text
    assert NEW in text
    assert [word for word in (*PRIVATE[2:], "approved_by", "personal.name") if word in text] == []


def test_a_record_comes_whole_and_a_missing_version_is_seen(case: Case) -> None:
    files = case.unpacked(case.build(Wanted(purpose="audit", record=case.dana), case.home.otto))
    assert json.loads(files["evidence.json"])["whole"] == [case.dana.hex]
    found = proved(files, case.vkey)
    assert sorted(one["leaf"]["n"] for one in found.proved.values() if one["leaf"]["n"]) == [1, 2]
    assert found.proved[max(found.proved)]["leaf"]["k"]


def test_evidence_of_a_change_and_of_what_an_agent_did(case: Case) -> None:
    entries = timeline(case.dana, actor=case.home.otto, at=AFTER, language="en").items
    change = next(one for one in entries if one.kind == "change.applied")
    one = case.build(Wanted(purpose="dispute", change=change.change), case.home.otto)
    assert one.entries == 1
    proved(case.unpacked(one), case.vkey)
    deeds = Wanted(purpose="investigation", actor="s3", since=START, until=AFTER)
    files = case.unpacked(case.build(deeds, case.home.otto))
    by = {json.loads(data)["shown"]["by_id"] for name, data in files.items() if name.startswith("entries/")}
    assert by == {"s3"}
    proved(files, case.vkey)


def test_the_page_and_the_wording_that_was_agreed_to_are_there(case: Case, full: dict[str, bytes]) -> None:
    about = json.loads(full["evidence.json"])
    assert about["request"]["ref"] == case.ref
    assert (about["purpose"], about["reference"]) == ("legal_claim", "1 C 23/26")
    assert {one["method"] for one in about["request"]["verification"]} == {"totp", "code_sms", "code_email"}
    assert [one["verdict"] for one in about["request"]["decisions"]] == ["approve"]
    hashes = {re.search(r"[0-9a-f]{64}", name) for name in full if name.startswith("attachments/")} - {None}
    for one in hashes:
        assert one is not None
        assert one[0] in text_of({name: data for name, data in full.items() if name.startswith("entries/")})
    assert len(hashes) == len(about["request"]["consents"])


def test_the_page_is_tagged_archivable_pdf_in_every_language(case: Case, full: dict[str, bytes]) -> None:
    pages = {"en": full["evidence.pdf"]}
    for language in ("de", "ar"):
        pages[language] = case.unpacked(case.build(case.wanted(), language=language))["evidence.pdf"]
    for language, page in pages.items():
        assert page.startswith(b"%PDF-1.7")
        assert b"<pdfaid:part>2</pdfaid:part><pdfaid:conformance>A</pdfaid:conformance>" in page
        assert b"/MarkInfo<</Marked true" in page
        assert b"/StructTreeRoot" in page
        assert f"/Lang({language})".encode() in page
        assert b"/OutputIntents" in page
        for forbidden in (b"/JavaScript", b"/Encrypt", b"/Launch", b"/EmbeddedFile"):
            assert forbidden not in page


def test_names_that_no_font_of_the_page_knows_are_written_by_their_numbers(full: dict[str, bytes]) -> None:
    about = json.loads(full["evidence.json"])
    about["records"][0]["name"] = "王小明 \U0001f600 Łukasz مرحبا"
    assert render("b", about, [], language="en", at=AFTER).startswith(b"%PDF-1.7")


def test_every_bundle_is_on_record_about_everybody_in_it(case: Case) -> None:
    def told() -> list[str]:
        seen = timeline(case.dana, actor=case.home.otto, at=AFTER, language="en", limit=200).items
        return [one.actor.id for one in seen if one.kind == "evidence.exported"]

    before = told()
    case.build(case.wanted(Level.MASKED), case.home.otto)
    assert told() == ["s5", *before]
    own = Actor(case.home.client, ActorType.CUSTOMER, "c", case.home.ben.channel, "portal", subject=case.dana)
    seen = timeline(case.dana, actor=own, at=AFTER, language="en", limit=200).items
    assert "evidence.exported" not in {one.kind for one in seen}


REFUSED: list[tuple[Wanted, type[Refusal]]] = [
    (Wanted(purpose="curiosity", request="x"), PurposeUnknown),
    (Wanted(purpose="audit", request="x", reference="Dana\n"), ReferenceUnfit),
    (Wanted(purpose="audit"), ScopeUnclear),
    (Wanted(purpose="audit", request="x", since=START, until=AFTER), ScopeUnclear),
    (Wanted(purpose="audit", since=AFTER, until=START), ScopeUnclear),
    (Wanted(purpose="audit", request="x", actor="s1"), ScopeUnclear),
    (Wanted(purpose="audit", request="x", level=Level.FIELDS), FieldsUnclear),
    (Wanted(purpose="audit", request="x", fields=("contact.email",)), FieldsUnclear),
    (Wanted(purpose="audit", request="x", level=Level.FIELDS, fields=("no.such",)), FieldsUnclear),
    (Wanted(purpose="audit", request="x"), NotFound),
    (Wanted(purpose="audit", since=START - timedelta(days=2), until=START), NotFound),
]


@pytest.mark.parametrize(("wanted", "refusal"), REFUSED)
def test_what_cannot_be_built_is_refused_and_leaves_no_record(
    case: Case, wanted: Wanted, refusal: type[Refusal]
) -> None:
    with pytest.raises(refusal):
        case.build(wanted)


def test_evidence_is_of_ones_own_client_only(case: Case) -> None:
    entries = timeline(case.dana, actor=case.home.otto, at=AFTER, language="en").items
    outsider = staff(desk("borealis").client, 9, *Role)
    for wanted in (
        Wanted(purpose="audit", request=case.ref),
        Wanted(purpose="audit", record=case.dana),
        Wanted(purpose="audit", change=entries[0].change),
        Wanted(purpose="audit", since=START - timedelta(days=1), until=AFTER + timedelta(days=1)),
    ):
        with pytest.raises(NotFound):
            case.build(wanted, outsider)


def test_values_leave_the_house_with_those_only_who_may_see_them(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    for actor, level in ((case.home.otto, Level.FULL), (case.home.ben, Level.MASKED), (case.home.crm, Level.MASKED)):
        with pytest.raises(Forbidden):
            case.build(case.wanted(level), actor)
    monkeypatch.setattr(scope, "MOST", 3)
    with pytest.raises(BundleTooLarge):
        case.build(case.wanted())
