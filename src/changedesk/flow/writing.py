"""What a verb writes at its end: its entries in one statement, and the answer that is kept for its key with them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from msgspec import structs

from changedesk.base.actor import Actor
from changedesk.base.ids import SubjectId
from changedesk.flow.indexing import terms_for
from changedesk.ledger.value import Json
from changedesk.store import history, once, subjects
from changedesk.store.history import Draft
from changedesk.store.subjects import Subject
from changedesk.store.tx import Tx

Answered = Sequence[tuple[once.Claim, Mapping[str, Json]]]


@dataclass(slots=True)
class Writing:
    """The entries of one verb until they are written, and the subjects that it has read so far, by id."""

    tx: Tx
    known: dict[SubjectId, Subject] = field(default_factory=dict)
    carried: bool = False
    """Something was carried out that may have moved other requests, too."""
    _drafts: list[Draft] = field(default_factory=list)

    def subjects(self, ids: Iterable[SubjectId]) -> Mapping[SubjectId, Subject]:
        """Return the subjects that there are: those that are not known yet are read."""
        wanted = set(ids)
        self.known.update(subjects.load(self.tx, wanted - self.known.keys()))
        return self.known

    def add(self, drafts: Iterable[Draft]) -> None:
        """Write these too, after those before."""
        self._drafts += drafts

    @property
    def changes(self) -> bool:
        """Say whether a state waits to be written, which nobody may read before."""
        return any(draft.kind.bumps for draft in self._drafts)

    def write(self) -> None:
        """Write the entries now, because of what is read after them."""
        self._append(lambda _: ())

    def end(self, answered: Answered, *, actor: Actor, at: datetime) -> None:
        """Write the entries, and keep the answers of first calls with them. Raises InFlight (``once.record``)."""
        if self._drafts:
            self._append(lambda _: answered)
        else:
            once.record(self.tx, actor.id, answered, at=at)

    def _append(self, answers: history.Answers) -> None:
        drafts, self._drafts = self._drafts, []
        # What was read last is how it stands: an entry of a state follows the version that was locked.
        newest = {draft.subject.id: draft.subject for draft in drafts}
        drafts = [structs.replace(draft, subject=newest[draft.subject.id]) for draft in drafts]
        history.append(self.tx, drafts, terms=terms_for(self.tx.client), answers=answers)
