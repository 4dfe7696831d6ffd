"""Evidence leaves the house: recorded about everybody whom it is about, and signed in the same transaction.

No bundle is signed that is not on record, and none is on record that was not made: whoever asks later reads who took
out what about whom, for what, and by which digest. Large bundles are made by the worker, and wait here until whoever
asked fetches them, a day at most.
"""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from changedesk.base.actor import Actor, automation
from changedesk.base.ids import ClientId, SubjectId, uuid7
from changedesk.base.refusal import NotFound
from changedesk.flow.indexing import terms_for
from changedesk.ledger import note as notes
from changedesk.ledger.entry import EntryKind
from changedesk.ledger.value import Json
from changedesk.rules import access
from changedesk.store import bundles, history, log_keys, subjects
from changedesk.store.begin import begin
from changedesk.store.settings_read import client as client_of

WAITS: Final = timedelta(days=1)
"""So long a finished bundle waits to be fetched."""


def seal_evidence(
    bundle: UUID, manifest: str, about: Sequence[SubjectId], facts: Mapping[str, Json], *, actor: Actor, at: datetime
) -> bytes:
    """Record that a bundle was made, and return its manifest signed with the log's key (C2SP signed-note).

    ``manifest``: the digests of all its files, a line each. ``facts``: scope, level, purpose, nothing personal. Raises
    Forbidden.
    """
    access.require(actor, access.Verb.EVIDENCE_BUILD)
    told = {**facts, "bundle": str(bundle), "manifest": hashlib.sha256(manifest.encode()).hexdigest()}
    with begin(actor) as tx:
        known = subjects.load(tx, about)
        drafts = [
            history.Draft(subject, EntryKind.EVIDENCE_EXPORTED, actor, at, facts=told) for subject in known.values()
        ]
        written = history.append(tx, drafts, terms=terms_for(tx.client))
        bundles.take(tx, bundle, written[0].change, by=actor.id, at=at)
        # The first key is the Ed25519 one, which every reader of signed notes knows.
        return notes.sign(manifest, log_keys.signers(tx, client_of(actor.client).origin)[:1])


def ask_evidence(body: bytes, *, actor: Actor, at: datetime) -> UUID:
    """Let the worker make a bundle; return what it is fetched by. ``body``: who asks for what. Raises Forbidden."""
    access.require(actor, access.Verb.EVIDENCE_BUILD)
    id_ = uuid7()
    with begin(actor) as tx:
        bundles.ask(tx, id_, body, by=actor.id, at=at, ends_at=at + WAITS)
    return id_


def next_evidence(client: ClientId, *, at: datetime) -> tuple[UUID, bytes] | None:
    """Return the bundle that waits longest, and who asked for what. What nobody fetched in time is dropped."""
    with begin(automation(client, "evidence")) as tx:
        bundles.drop_ended(tx, at=at)
        return bundles.next_asked(tx)


def keep_evidence(
    id_: UUID, bundle: UUID, data: bytes, under: Mapping[SubjectId, UUID | None], *, client: ClientId
) -> None:
    """Keep a finished bundle until it is fetched. ``under``: the key of each record that it is about, as it was read.

    Where somebody was forgotten since, it is not kept: it waits still, and is made anew from what is left.
    """
    with begin(automation(client, "evidence")) as tx:
        now = subjects.load(tx, under)
        if all((one.key.id if one.key else None) == under[one.id] for one in now.values()):
            bundles.keep(tx, id_, bundle, data, list(under))


def refuse_evidence(id_: UUID, code: str, *, client: ClientId) -> None:
    """Say why a bundle is not made: the code of a refusal."""
    with begin(automation(client, "evidence")) as tx:
        bundles.refuse(tx, id_, code)


def fetch_evidence(id_: UUID, *, actor: Actor) -> tuple[UUID, bytes]:
    """Hand a finished bundle over, once, to whoever asked for it: its id and file. Raises Forbidden, NotFound."""
    access.require(actor, access.Verb.EVIDENCE_BUILD)
    with begin(actor) as tx:
        found = bundles.fetch(tx, id_, by=actor.id)
    if found is None:
        raise NotFound
    return found
