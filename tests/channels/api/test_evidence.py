"""Evidence over HTTP: a file that verifies by itself; values only for keys that may see them."""

import io
import zipfile
from pathlib import Path

import httpx
import pytest
from pytest_django.fixtures import Settings
from tests.cast import Desk
from tests.channels.api.desk import Caller, customer, token
from tests.channels.api.test_conventions import is_problem
from tests.outbound.logs import forget, sequence

from changedesk.base.clock import now
from changedesk.ledger import verifier
from changedesk.outbound import publish


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
