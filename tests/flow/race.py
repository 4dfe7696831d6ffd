"""Threads that start together."""

from collections.abc import Callable, Sequence
from threading import Barrier, Thread


def together(calls: Sequence[Callable[[], object]]) -> list[object]:
    """Run calls at once; return what each gave back, or the exception that it raised, in order."""
    barrier = Barrier(len(calls))
    found: list[object] = [None] * len(calls)

    def run(place: int, call: Callable[[], object]) -> None:
        barrier.wait()
        try:
            found[place] = call()
        except Exception as failure:  # noqa: BLE001 - what it was is for the test to judge
            found[place] = failure

    threads = [Thread(target=run, args=item) for item in enumerate(calls)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found
