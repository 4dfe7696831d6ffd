"""``python -m bench [w1 w2 ... w10 size start]``: measure, then write bench/RESULTS.md.

BENCH_SCALE below 1 makes fills smaller and rounds shorter. PEER_PYTHON and PEER_DIR bring the other history libraries.
"""

import sys
import time
from collections.abc import Callable
from typing import Any

from bench import house, report, w1, w2, w3, w4, w5, w6, w7, w8, w9, w10
from bench.stage import Stage, open_stage

ON_A_STAGE: dict[str, Callable[[Stage], dict[str, Any]]] = {
    "size": house.size,
    "w1": w1.measure,
    "w3": w3.measure,
    "w5": w5.measure,
    "w6": w6.measure,
    "w7": w7.measure,
    "w2": lambda stage: w2.measure(stage.place),
    "w4": w4.measure,
    "w8": w8.measure,
    "w9": w9.measure,
    "w10": w10.measure,
}
"""In this order: what fills the tables comes last."""
ALONE = {"start": house.start}


def main() -> None:
    wanted = sys.argv[1:] or [*ON_A_STAGE, *ALONE]
    unknown = [name for name in wanted if name not in ON_A_STAGE and name not in ALONE]
    if unknown:
        known = ", ".join([*ON_A_STAGE, *ALONE])
        sys.exit(f"There is no measurement called {', '.join(unknown)}. Choose from {known}.")
    stage = open_stage() if any(name in ON_A_STAGE for name in wanted) else None
    for name in [*ON_A_STAGE, *ALONE]:
        if name not in wanted:
            continue
        started = time.monotonic()
        if name in ALONE:
            found = ALONE[name]()
        else:
            assert stage is not None
            found = ON_A_STAGE[name](stage)
        report.keep(name, found)
        print(f"{name}: {time.monotonic() - started:.0f} s", flush=True)
        for row in found["table"]:
            print("  ", row["what"], row["desk"], row["baseline"], row["ratio"], flush=True)
        report.write()


if __name__ == "__main__":
    main()
