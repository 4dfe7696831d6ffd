"""An evidence bundle as a file: collected, set as a page, recorded and signed, packed."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from importlib.resources import files
from typing import Final
from uuid import UUID, uuid4

from changedesk import flow
from changedesk.base.actor import Actor
from changedesk.base.ids import SubjectId
from changedesk.channels.evidence import page
from changedesk.channels.evidence.words import README
from changedesk.ledger.value import Json, encode_json
from changedesk.ledger.verifier import CHECKPOINT, DOCUMENT, KEYS, MANIFEST, TITLE, pack
from changedesk.reading import evidence
from changedesk.reading.evidence import Collected, Wanted

PAGE: Final = "evidence.pdf"
VERIFIER: Final = "verify.py"
MEDIA: Final = "application/zip"


@dataclass(frozen=True, slots=True)
class Bundle:
    """A bundle, ready to hand over. ``under``: each record that it is about, with the key that it was read under."""

    id: UUID
    data: bytes
    entries: int
    under: tuple[tuple[SubjectId, UUID | None], ...] = ()

    @property
    def name(self) -> str:
        return f"evidence-{self.id}.zip"


def build(wanted: Wanted, *, actor: Actor, at: datetime, language: str) -> Bundle:
    """Make a bundle, put on record that it was made, and return it.

    Raises what ``reading.evidence.collect`` raises.
    """
    found = evidence.collect(wanted, actor=actor, at=at, language=language)
    id_ = uuid4()
    bundle = str(id_)
    made = _files(bundle, found, language=language, at=at)
    facts: dict[str, Json] = {
        "purpose": wanted.purpose,
        "reference": wanted.reference,
        "level": wanted.level.value,
        "scope": wanted.told(),
        "shown": sorted(wanted.fields),
        "entries": len(found.pieces),
    }
    text = manifest(bundle, made)
    made[MANIFEST] = flow.seal_evidence(id_, text, [subject for subject, _ in found.under], facts, actor=actor, at=at)
    return Bundle(id_, pack(made), len(found.pieces), found.under)


def manifest(bundle: str, made: Mapping[str, bytes]) -> str:
    """Return the text that is signed: the title, the bundle's id, and each file's SHA-256 as sha256sum writes it."""
    lines = [f"{hashlib.sha256(data).hexdigest()}  {name}" for name, data in sorted(made.items())]
    return "\n".join([TITLE, bundle, *lines, ""])


def _files(bundle: str, found: Collected, *, language: str, at: datetime) -> dict[str, bytes]:
    about = {**found.about, "format": TITLE, "bundle": bundle}
    return {
        DOCUMENT: encode_json(about),
        PAGE: page.render(bundle, found.about, [one.body for one in found.pieces], language=language, at=at),
        CHECKPOINT: found.checkpoint,
        KEYS: "".join(f"{key}\n" for key in found.keys).encode(),
        VERIFIER: (files("changedesk.ledger") / "verifier.py").read_bytes(),
        "README.txt": README.encode(),
        **found.attachments,
        **{f"entries/{one.index:012}.json": encode_json(one.body) for one in found.pieces},
        **{f"receipts/{one.index:012}.tlog-proof": one.receipt for one in found.pieces},
    }
