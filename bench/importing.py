"""One process of an import: ``python -m bench.importing FILE MAP``, the program's key in BENCH_KEY."""

import os
import sys
from pathlib import Path


def main() -> None:
    import django  # noqa: PLC0415 - reads the settings of the environment

    django.setup()
    from changedesk.base.clock import now  # noqa: PLC0415 - after Django is set up
    from changedesk.channels import bulk  # noqa: PLC0415 - as above
    from changedesk.flow import admit  # noqa: PLC0415 - as above
    from changedesk.store.settings_read import configuration  # noqa: PLC0415 - as above

    actor = admit.key(f"Bearer {os.environ['BENCH_KEY']}", at=now())
    chosen = bulk.read_map(sys.argv[2])
    assert isinstance(chosen, bulk.ChangeMap)
    report = bulk.import_changes(
        Path(sys.argv[1]), chosen, actor=actor, catalogue=configuration(actor.client).catalogue
    )
    assert (report.stopped, dict(report.codes)) == ("", {}), (report.stopped, report.codes)


if __name__ == "__main__":
    main()
