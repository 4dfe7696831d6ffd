"""A database that was killed and came back: nobody who calls afterwards meets a connection that it broke."""

import os
import signal
from pathlib import Path
from uuid import uuid4

import httpx
from tests.faults.installation import Installation

from changedesk.config.embedded import Server


def create(installation: Installation, secret: str) -> int:
    headers = {"Authorization": f"Bearer {secret}", "Idempotency-Key": uuid4().hex}
    body = {"values": {"personal.name": "Kim Lund"}}
    return httpx.post(f"{installation.url}/api/v1/customers", json=body, headers=headers, timeout=60).status_code


def test_a_call_after_the_database_came_back_is_answered_by_every_process() -> None:
    installation = Installation.fresh(web_workers="2")
    try:
        installation.up()
        secret = installation.python("tests.faults.credentials")["key"]
        assert {create(installation, secret) for _ in range(8)} == {201}
        postmaster = Path(Server(state_dir=installation.state).data) / "postmaster.pid"
        os.kill(int(postmaster.read_text().splitlines()[0]), signal.SIGKILL)
        installation.rest()
        assert {create(installation, secret) for _ in range(8)} == {201}
    finally:
        installation.end()
