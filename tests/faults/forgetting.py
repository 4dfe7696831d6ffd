"""Takes a client's erasures a step on, and is killed (SIGKILL) where it is told to.

``python -m tests.faults.forgetting`` reads JSON lines of client, time, verb, module:function, before or after, and the
journal's file. Each is done by a process of its own, forked from this one, which never touches the database; a line
tells how it ended: the signal's number below zero, or its exit code.
"""

import importlib
import json
import os
import signal
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

import django
from django.conf import settings

django.setup()

from changedesk import flow  # noqa: E402 - tables load after set-up
from changedesk.base.ids import ClientId  # noqa: E402


def deadly(place: str, when: str) -> None:
    """Put death before or after a function."""
    name, _, function = place.partition(":")
    module = importlib.import_module(name)
    real = getattr(module, function)

    def dying(*given: Any, **named: Any) -> Any:
        if when == "after":
            real(*given, **named)
        os.kill(os.getpid(), signal.SIGKILL)

    setattr(module, function, dying)


def main(client: int, at: str, verb: str, place: str, when: str, journal: str) -> None:
    settings.CHANGEDESK_ERASURE_JOURNAL = Path(journal)
    deadly(place, when)
    moment = datetime.fromisoformat(at)
    if verb == "apply":
        flow.apply_due(ClientId(client), at=moment)
    else:
        flow.forget_on(ClientId(client), at=moment)


if __name__ == "__main__":
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            main(*json.loads(line))
            sys.exit(0)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])}\n")
        sys.stdout.flush()
