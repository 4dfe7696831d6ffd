"""What is about to be shown is recorded first: around every answer that may show records, in every channel."""

from collections.abc import Iterator
from contextlib import contextmanager

from changedesk import flow
from changedesk.base import clock
from changedesk.reading import sight


@contextmanager
def recording() -> Iterator[None]:
    """Record at the end of the block what was opened in it. Where that fails the block fails, and nothing is shown."""
    with sight.watching() as watch:
        yield
    flow.note_views(watch.views, watch.searches, at=clock.now())
