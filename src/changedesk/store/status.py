"""How subjects stood, move by move: in clear codes, written with the entry that each move is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from changedesk.base.ids import ChangeId, SubjectId
from changedesk.store.tx import Look, Tx


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusMove:
    """One move of a state or an overlay. ``was`` None: nothing had been said before; ``became`` None: nothing is now.

    States are told by name, overlays as ``true``. ``effective_at`` is since when it holds.
    """

    change_id: ChangeId
    path: str
    subject_id: SubjectId
    was: str | None
    became: str | None
    reason: str
    initiated_by: str
    effective_at: datetime
    recorded_at: datetime


def record(tx: Tx, moves: Sequence[StatusMove]) -> None:
    """Write moves down beside the entries that they are."""
    if not moves:
        return
    columns: Mapping[str, list[object]] = {
        name: [getattr(move, name) for move in moves] for name in StatusMove.__dataclass_fields__
    }
    tx.run("moves.record", **columns)


def of_subject(look: Look, subject: SubjectId, *, limit: int = 200) -> list[StatusMove]:
    """Return a subject's moves, the newest first."""
    names = StatusMove.__dataclass_fields__
    return [
        StatusMove(**{name: getattr(row, name) for name in names})
        for row in look.rows("moves.of_subject", subject=subject, limit=limit)
    ]
