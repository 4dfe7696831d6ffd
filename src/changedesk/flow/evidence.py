"""Evidence leaves the house: recorded about everybody whom it is about, and signed in the same transaction.

No bundle is signed that is not on record, and none is on record that was not made: whoever asks later reads who took
out what about whom, for what, and by which digest.
"""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from changedesk.base.actor import Actor
from changedesk.base.ids import SubjectId
from changedesk.flow.indexing import terms_for
from changedesk.ledger import note as notes
from changedesk.ledger.entry import EntryKind
from changedesk.ledger.value import Json
from changedesk.rules import access
from changedesk.store import bundles, history, log_keys, subjects
from changedesk.store.begin import begin
from changedesk.store.settings_read import client as client_of


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
