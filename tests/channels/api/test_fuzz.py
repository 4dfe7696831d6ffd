"""Whatever is sent to a running server, it answers what its document says, and never falls over."""

import os
import subprocess
import sys
from pathlib import Path

import httpx
from tests.channels.api.desk import ALL, Caller, customer, fresh, token
from tests.channels.api.test_story import ask
from tests.postgres import Database
from tests.web import Web

EXAMPLES = int(os.environ.get("CHANGEDESK_FUZZ", "12"))
CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "unsupported_method",
    "ignored_auth",
)
REAL = """
[[operations]]
include-path-regex = "^/api/v1/customers/"
parameters = {{ id = "{subject}" }}

[[operations]]
include-path-regex = "^/api/v1/change-requests/"
parameters = {{ ref = "{ref}" }}

[[operations]]
include-path-regex = "^/api/v1/changes/"
parameters = {{ id = "{change}" }}
"""


THERE = r"^/api/v1/(customers|change-requests|changes)/.*\{(id|ref)\}"
"""The operations that ``REAL`` leads to something that is there; to all others it would send the same once more."""


def run(url: str, secret: str, place: Path, *more: str) -> None:
    """Let the fuzzer loose on every operation, in every phase."""
    done = subprocess.run(
        [
            str(Path(sys.executable).with_name("schemathesis")),
            "run",
            f"{url}/api/v1/openapi.json",
            "--phases=examples,coverage,fuzzing,stateful",
            f"--max-examples={EXAMPLES}",
            f"--checks={','.join(CHECKS)}",
            f"--header=Authorization: Bearer {secret}",
            "--mode=all",
            # Threads that read source at once trip over one counter of the parser (CPython 3.11).
            "--workers=1",
            "--continue-on-failure",
            "--suppress-health-check=all",
            "--no-color",
            "--warnings=off",
            *more,
        ],
        cwd=place,
        capture_output=True,
        text=True,
        check=False,
    )
    print(done.stdout)  # noqa: T201 - the numbers, for who runs it with -s
    assert done.returncode == 0, done.stdout[-12000:]


def test_the_server_keeps_to_its_document_whatever_is_sent(database: Database, serve: Web, tmp_path: Path) -> None:
    secret = token(fresh(), *ALL)
    with httpx.Client(base_url=serve.fresh()) as http:
        crm = Caller(http, secret)
        dana = customer(crm)
        change = crm.get(f"/customers/{dana}/timeline").json()["items"][-1]["change"]
        there = REAL.format(subject=dana, ref=ask(crm, dana)["ref"], change=change)
    for name, config, *only in (("anything", ""), ("what is there", there, f"--include-path-regex={THERE}")):
        place = tmp_path / name
        place.mkdir()
        (place / "schemathesis.toml").write_text(config)
        run(serve.url, secret, place, *only)
    assert '"status": 5' not in serve.log.said()
