import os
import re
import shutil
import signal
import socket
from collections.abc import Iterator
from contextlib import suppress

import httpx
import pytest
from tests.faults.installation import Installation, any_port, pause

from changedesk.config.embedded import Server
from changedesk.config.supervisor import free_port

pytestmark = pytest.mark.fault


@pytest.fixture
def installation() -> Iterator[Installation]:
    made = Installation.fresh()
    yield made
    made.end()


def test_up_serves_survives_falls_and_leaves_nothing_behind(installation: Installation) -> None:
    said = installation.up()
    status = installation.status()
    assert status["ready"]
    assert str(status["url"]) in said
    assert httpx.get(f"{status['url']}/healthz").text == "ok\n"
    assert "All is well" in installation.run("doctor").stdout

    # A killed web process and a killed database come back by themselves.
    programs = status["programs"]
    assert isinstance(programs, dict)
    os.kill(int(programs["web"]), signal.SIGKILL)
    installation.wait_for([int(programs["web"])])
    answers(str(status["url"]))
    now_running = installation.status()["programs"]
    assert now_running["web"] != programs["web"]
    assert now_running["worker"] == programs["worker"]
    lock = Server(state_dir=installation.state).data / "postmaster.pid"
    os.kill(int(lock.read_text().split("\n", 1)[0]), signal.SIGKILL)
    answers(str(status["url"]))

    # A killed supervisor takes everything with it.
    family = [pid for pid in installation.processes() if pid != os.getpid()]
    assert len(family) >= 4
    assert installation.process
    installation.process.kill()
    installation.process.wait()
    installation.wait_for(family)
    assert installation.processes() == []

    # And the next start finds what was there.
    installation.up()
    assert installation.status()["ready"]
    assert "already runs" in installation.run("up").stderr
    assert "Stopped" in installation.run("stop").stdout
    assert installation.process
    installation.process.wait(10)
    assert installation.processes() == []
    assert installation.status() == {"running": False, "ready": False}


def test_what_was_acknowledged_before_ctrl_c_is_there_after_the_next_start(installation: Installation) -> None:
    """From an empty folder to a page, sign-ins, a customer; stopped by Ctrl-C and started again."""
    said = installation.up()
    assert installation.url in said
    for name in ("Ben", "Sofia", "Ines"):
        assert re.search(rf"{name} +(agent|supervisor) +{name.lower()}@\S+ +\S{{16,}} +[A-Z2-7]{{16,}}", said), said
    assert httpx.get(installation.url, follow_redirects=True).status_code == httpx.codes.OK
    key = installation.python("tests.faults.credentials")["key"]
    values = {"personal.name": "Dana Novak", "contact.email": "dana@restart.example"}
    made = api(installation, key, "POST", "/customers", {"values": values})
    assert made.status_code == httpx.codes.CREATED, made.text
    page = f"/customers/{made.json()['subject']}"
    before = api(installation, key, "GET", page).json()
    installation.family()

    assert installation.stop(signal.SIGINT) == 0
    assert installation.left() == []
    assert installation.processes() == []
    assert installation.refuses_connections()

    assert sign_ins(installation.up()) == sign_ins(said)
    assert api(installation, key, "GET", page).json() == before
    again = api(installation, key, "POST", "/customers", {"values": values})
    assert again.content == made.content
    found = api(installation, key, "POST", "/customers/search", {"text": "dana@restart.example"}).json()
    assert [hit["id"] for hit in found["items"]] == [made.json()["subject"]]
    assert installation.stop(signal.SIGTERM) == 0
    assert installation.left() == []


def sign_ins(said: str) -> list[str]:
    return [line for line in said.splitlines() if "@" in line]


def api(installation: Installation, key: str, method: str, path: str, body: object = None) -> httpx.Response:
    headers = {"Authorization": f"Bearer {key}", "Idempotency-Key": "one-and-the-same"}
    return httpx.request(method, f"{installation.url}/api/v1{path}", json=body, headers=headers, timeout=30)


def answers(url: str) -> None:
    """Return when the installation is ready again."""
    for _ in range(300):
        with suppress(httpx.TransportError):
            if httpx.get(f"{url}/readyz", timeout=5).status_code == httpx.codes.OK:
                return
        pause(0.1)
    pytest.fail("it did not come back")


def test_a_reset_takes_the_sign_ins_of_the_demonstration_along(installation: Installation) -> None:
    for name in ("demo-authenticators.json", "demo-signins.json", "demo-planted"):
        (installation.state / name).write_text("[]", encoding="utf-8")
    assert "Deleted" in installation.run("reset", "--yes").stdout
    assert not list(installation.state.glob("demo-*"))


def test_data_without_their_secrets_are_named_and_left_alone_until_they_are_reset(installation: Installation) -> None:
    """A state folder that somebody deleted: what root started keeps its data elsewhere."""
    server = Server(state_dir=installation.state, settings={"fsync": "off", "shared_buffers": "16MB"})
    server.start()
    server.stop()
    secrets = installation.state / "secrets"
    password = server.admin_password_file.read_text()
    assert f"not with it: {secrets / 'master_key'}. " in refused(installation, server)
    assert not (secrets / "master_key").exists()

    (secrets / "master_key").write_text("5a" * 32)
    server.admin_password_file.write_text("another")
    assert f"others than those in {secrets}. " in refused(installation, server)
    assert installation.processes() == []

    shutil.rmtree(secrets)
    assert f"{server.admin_password_file}, {secrets / 'master_key'}" in refused(installation, server)
    assert not secrets.exists()

    secrets.mkdir(mode=0o700)
    server.admin_password_file.write_text(password)
    server.start()
    server.stop()

    assert "Deleted" in installation.run("reset", "--yes").stdout
    assert not server.data.exists()
    server.require()


def refused(installation: Installation, server: Server) -> str:
    done = installation.run("up")
    assert done.returncode == 1
    assert str(server.data) in done.stderr
    assert "'changedesk reset'" in done.stderr
    return done.stderr


def test_a_taken_port_gives_the_next_free_one() -> None:
    first = any_port()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", first))
        taken.listen()
        assert free_port("127.0.0.1", first) > first
