"""Whatever is sent to a running server, it answers what its document says, and never falls over."""

import os
import subprocess
import sys
from pathlib import Path

from tests.channels.api.desk import ALL, fresh, token
from tests.conftest import Web
from tests.postgres import Database

EXAMPLES = int(os.environ.get("CHANGEDESK_FUZZ", "20"))
CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "unsupported_method",
    "ignored_auth",
)


def test_the_server_keeps_to_its_document_whatever_is_sent(database: Database, serve: Web, tmp_path: Path) -> None:
    secret = token(fresh(), *ALL)
    done = subprocess.run(
        [
            str(Path(sys.executable).with_name("schemathesis")),
            "run",
            f"{serve.url}/api/v1/openapi.json",
            "--phases=examples,coverage,fuzzing,stateful",
            f"--max-examples={EXAMPLES}",
            f"--checks={','.join(CHECKS)}",
            f"--header=Authorization: Bearer {secret}",
            "--mode=all",
            "--workers=2",
            "--continue-on-failure",
            "--suppress-health-check=all",
            "--no-color",
            "--warnings=off",
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    print(done.stdout)  # noqa: T201 - the numbers, for who runs it with -s
    said = serve.log.read_text(errors="replace")
    assert done.returncode == 0, done.stdout[-12000:]
    assert '"status": 5' not in said
