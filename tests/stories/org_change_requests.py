"""All 37 files of a registry's curators as bulk requests: ``python -m tests.stories.org_change_requests``.

Prints the tables, and writes them into docs/bulk.md. It takes minutes, on a database of its own that goes with it.
"""

import sys
import tempfile
from pathlib import Path

import django
from tests.postgres import Database, Run


def main() -> None:
    """Run everything, and write the page."""
    run = Run()
    run.set_environment()
    django.setup()
    database = Database(run)
    from tests.stories import org_findings, org_registry  # noqa: PLC0415 - Django's settings come first

    with tempfile.TemporaryDirectory() as folder:
        registry, old = org_registry.Registry(), org_registry.published()
        lines = org_registry.run(registry, old, org_registry.request_files(), Path(folder))
        text = org_findings.page(registry, old, lines)
    database.close()
    (org_registry.ROOT / "docs" / "bulk.md").write_text(text, "utf-8")
    sys.stdout.write(text)


if __name__ == "__main__":
    main()
