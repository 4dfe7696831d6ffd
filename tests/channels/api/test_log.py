"""The published log over HTTP: files as they stand, and a receipt that proves its entry without us."""

from pathlib import Path

import httpx
import pytest
from pytest_django.fixtures import Settings
from tests.cast import Desk
from tests.channels.api.desk import Caller, customer, fresh, person, token
from tests.outbound.logs import forget, later, sequence

from changedesk.base.actor import Role
from changedesk.base.clock import now
from changedesk.ledger import receipt as receipts
from changedesk.ledger.checkpoint import open_checkpoint
from changedesk.ledger.cosignature import AnyVerifier, read_vkey
from changedesk.ledger.tiles import decode_bundle
from changedesk.ledger.tree import leaf_hash, root_of
from changedesk.outbound import publish
from changedesk.outbound.publish import anchors
from changedesk.reading.published import NotPublished

ORIGIN = "ledger.example/aurora"


@pytest.fixture(autouse=True)
def own_folder(settings: Settings, tmp_path: Path) -> None:
    settings.CHANGEDESK_STATE_DIR = tmp_path / "state"
    forget()


def key_of(caller: Caller, path: str = "/log/keys") -> AnyVerifier:
    told = caller.get(path).json()
    assert told["keys"][0].startswith(f"{told['origin']}+")
    return read_vkey(told["keys"][0])


def published(home: Desk) -> None:
    sequence(home.client)
    publish.publish(home.client, at=now())


def test_a_receipt_proves_its_entry_offline(crm: Caller, home: Desk) -> None:
    dana = customer(crm)
    change = crm.get(f"/customers/{dana}/timeline").json()["items"][-1]["change"]
    early = crm.get(f"/changes/{change}/receipt")
    assert (early.status_code, early.json()["code"]) == (404, NotPublished.code)
    published(home)
    told = crm.get(f"/changes/{change}/receipt")
    assert told.headers["Content-Type"] == "text/plain; charset=utf-8"
    receipt = receipts.parse(told.content)
    assert (
        receipts.check(receipt, receipt.extra, key_of(crm), ORIGIN).size == receipt.index + 2
    )  # the look at the timeline is on record too
    assert change.encode() in receipt.extra
    assert b"Dana" not in receipt.extra


def test_the_files_give_the_root_that_the_checkpoint_signs(crm: Caller, home: Desk) -> None:
    for name in ("Dana Novak", "Kim Sato"):
        customer(crm, personal__name=name)
    published(home)
    told = crm.get("/log/checkpoint")
    assert told.headers["Content-Type"] == "text/plain; charset=utf-8"
    checkpoint = open_checkpoint(told.content, key_of(crm), ORIGIN)
    bundle = crm.get(f"/log/tile/entries/000.p/{checkpoint.size}")
    assert bundle.headers["Content-Type"] == "application/octet-stream"
    leaves = [leaf_hash(one) for one in decode_bundle(bundle.content, checkpoint.size)]
    assert root_of(leaves) == checkpoint.root
    assert crm.get(f"/log/tile/0/000.p/{checkpoint.size}").content == b"".join(leaves)


def test_what_is_no_file_of_the_log_is_not_there(crm: Caller, home: Desk) -> None:
    customer(crm)
    published(home)
    for path in ("0/000", "0/0", "8/000.p/1", "entries/../../../master_key", "0/000.p/2/", "data/000"):
        assert crm.get(f"/log/tile/{path}").status_code == 404, path


def test_a_log_is_read_with_its_own_clients_keys_only(crm: Caller, home: Desk, http: httpx.Client) -> None:
    customer(crm)
    published(home)
    other = Caller(http, token(fresh("harbour"), "feed:read", "customers:read"))
    assert other.get("/log/checkpoint").status_code == 404
    change = crm.get("/changes").json()["items"][0]["id"]
    assert crm.get(f"/changes/{change}/receipt").status_code == 200
    assert other.get(f"/changes/{change}/receipt").status_code == 404
    searching = Caller(http, token(home, "search"))
    for path in ("/log/checkpoint", "/log/keys", "/log/tile/0/000.p/1", f"/changes/{change}/receipt"):
        assert searching.get(path).status_code == 403
    otto = Caller(http, person(home, "Otto", Role.AUDITOR, "audit"))
    assert otto.get("/log/checkpoint").status_code == 200


def test_the_installations_log_holds_the_clients_checkpoint(crm: Caller, home: Desk) -> None:
    assert crm.get("/log/anchor/checkpoint").status_code == 404
    customer(crm)
    published(home)
    anchors.anchor(home.client, at=later(1))
    anchor = key_of(crm, "/log/anchor/keys")
    receipt = receipts.parse(crm.get("/log/anchor/receipt").content)
    assert receipt.extra == crm.get("/log/checkpoint").content
    receipts.check(receipt, anchors.digest(receipt.extra), anchor, anchor.name)
    assert open_checkpoint(crm.get("/log/anchor/checkpoint").content, anchor, anchor.name).size == 1
    bundle = crm.get("/log/anchor/tile/entries/000.p/1").content
    assert decode_bundle(bundle, 1) == [anchors.digest(receipt.extra)]
