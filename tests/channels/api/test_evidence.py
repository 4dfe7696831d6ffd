"""Evidence over HTTP: a file that verifies by itself; values only for keys that may see them."""

import io
import zipfile
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import httpx
import pytest
from pytest_django.fixtures import Settings
from tests.cast import Desk
from tests.channels.api.desk import Caller, customer, token
from tests.channels.api.test_conventions import is_problem
from tests.outbound.logs import forget, sequence

from changedesk.base.actor import Role
from changedesk.base.clock import now
from changedesk.base.ids import SubjectId
from changedesk.base.refusal import Forbidden
from changedesk.channels.evidence import handed
from changedesk.ledger import verifier
from changedesk.outbound import publish
from changedesk.reading.evidence import Level, Wanted


@pytest.fixture(autouse=True)
def own_folder(settings: Settings, tmp_path: Path) -> None:
    settings.CHANGEDESK_STATE_DIR = tmp_path / "state"
    forget()


def test_evidence_is_built_by_a_call_and_believed_by_nobody_but_its_verifier(
    http: httpx.Client, crm: Caller, home: Desk
) -> None:
    dana = customer(crm)
    asked = {"purpose": "court_or_authority", "record": dana, "level": "full", "reference": "1 C 23/26"}
    is_problem(crm.post("/evidence", asked), 404, "not-published")
    sequence(home.client)
    publish.publish(home.client, at=now())
    made = crm.post("/evidence", asked)
    assert (made.status_code, made.headers["Content-Type"]) == (200, "application/zip")
    assert made.headers["Content-Disposition"].startswith('attachment; filename="evidence-')
    with zipfile.ZipFile(io.BytesIO(made.content)) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    told = verifier.verify(files, crm.get("/log/keys").json()["keys"])
    assert told.problems == []
    assert b"dana@old.example" in files["entries/000000000000.json"]
    blind = Caller(http, token(home, "evidence:build"))
    is_problem(blind.post("/evidence", asked), 403, "forbidden")
    masked = blind.post("/evidence", {**asked, "level": "masked"})
    assert masked.status_code == 200
    assert b"dana@old.example" not in masked.content
    is_problem(crm.post("/evidence", {**asked, "request": "CR-XXXXX"}), 422, "scope-unclear")
    kinds = [one["kind"] for one in crm.get(f"/customers/{dana}/timeline").json()["items"]]
    assert kinds.count("evidence.exported") == 2


def test_a_large_bundle_is_made_by_the_worker_and_fetched_once_by_its_asker(
    http: httpx.Client, crm: Caller, home: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(handed, "SOON", 0)
    dana = customer(crm)
    sequence(home.client)
    publish.publish(home.client, at=now())
    asked = crm.post("/evidence", {"purpose": "audit", "record": dana})
    assert (asked.status_code, asked.json()["state"]) == (202, "waiting")
    place = f"/evidence/{asked.json()['id']}"
    is_problem(crm.post(f"{place}/download", {}), 404, "not-found")
    assert (handed.make_on(home.client, at=now()), handed.make_on(home.client, at=now())) == (1, 0)
    assert crm.get(place).json()["state"] == "ready"
    other = Caller(http, token(home, "evidence:build"))
    is_problem(other.get(place), 404, "not-found")
    is_problem(other.post(f"{place}/download", {}), 404, "not-found")
    made = crm.post(f"{place}/download", {})
    with zipfile.ZipFile(io.BytesIO(made.content)) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    assert verifier.verify(files, crm.get("/log/keys").json()["keys"]).problems == []
    is_problem(crm.post(f"{place}/download", {}), 404, "not-found")


def test_what_waits_in_clear_is_for_whoever_may_still_see_it(
    home: Desk, crm: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(handed, "SOON", 0)
    dana = customer(crm)
    sequence(home.client)
    publish.publish(home.client, at=now())
    wanted = Wanted(purpose="audit", level=Level.FULL, record=SubjectId(UUID(dana)))
    asked = handed.ask(wanted, actor=home.ines, at=now(), language="en")
    assert isinstance(asked, UUID)
    assert handed.make_on(home.client, at=now()) == 1
    only_auditor = replace(home.ines, roles=frozenset({Role.AUDITOR}))
    with pytest.raises(Forbidden):
        handed.fetch(asked, actor=only_auditor)
    assert b"PK" in handed.fetch(asked, actor=home.ines).data[:4]
