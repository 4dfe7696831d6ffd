"""One process of an import: ``python -m bench.importing FILE MAP``, the program's key in BENCH_KEY.

Says that it is ready, begins when it is told a line, and says in the end what processor time it took.
"""

import gc
import json
import os
import sys
import time
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
    catalogue = configuration(actor.client).catalogue
    gc.freeze()  # as the command does
    print("ready", flush=True)
    sys.stdin.readline()
    before = time.process_time()
    report = bulk.import_changes(Path(sys.argv[1]), chosen, actor=actor, catalogue=catalogue)
    assert (report.stopped, dict(report.codes)) == ("", {}), (report.stopped, report.codes)
    print(json.dumps({"processor_s": time.process_time() - before, "start_s": before}), flush=True)


if __name__ == "__main__":
    main()
