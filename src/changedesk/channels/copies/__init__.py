"""A person's copy of their data as a file: data for machines, a page to read; sealed until it is handed over."""

from datetime import datetime
from typing import Final

from changedesk import flow
from changedesk.base.actor import Actor
from changedesk.channels.copies import page
from changedesk.flow import subject_answer
from changedesk.flow.subject_steps import Handled
from changedesk.ledger.value import encode_json
from changedesk.ledger.verifier import pack
from changedesk.reading import portable

MEDIA: Final = "application/zip"


def build(ref: str, *, actor: Actor, at: datetime, language: str, key: flow.Once | None = None) -> Handled:
    """Make the copy that answers a request, and keep it. Raises what ``flow.subject_answer.keep_copy`` raises."""

    def make(name: str) -> bytes:
        found = portable.collect(name, actor=actor, at=at, language=language)
        files = {"data.json": encode_json(found.body)}
        if found.table:
            files["data.csv"] = found.table.encode()
        else:
            files["data.pdf"] = page.render(found.body, language=language, at=at)
        return pack(files)

    return subject_answer.keep_copy(ref, make, actor=actor, at=at, key=key)


def name_of(ref: str) -> str:
    """Return what the file is called: nothing of the person stands in it."""
    return f"your-data-{ref}.zip"
