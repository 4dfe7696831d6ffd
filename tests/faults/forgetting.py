"""Takes a client's erasures a step on, and kills itself (SIGKILL) where it is told to.

``python -m tests.faults.forgetting CLIENT AT VERB MODULE:FUNCTION before|after``
"""

import importlib
import os
import signal
import sys
from datetime import datetime
from typing import Any

import django

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


def main(client: str, at: str, verb: str, place: str, when: str) -> None:
    deadly(place, when)
    moment = datetime.fromisoformat(at)
    if verb == "apply":
        flow.apply_due(ClientId(int(client)), at=moment)
    else:
        flow.forget_on(ClientId(int(client)), at=moment)


if __name__ == "__main__":
    main(*sys.argv[1:])
