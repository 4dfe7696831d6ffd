"""When values were last changed, of records and of everything that customers hold."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from changedesk.base.ids import SubjectId
from changedesk.store import past, subjects
from changedesk.store.subjects import Holding, Subject
from changedesk.store.tx import Look

Changed = Mapping[str, datetime]
"""When each path was last changed."""


def last_changed(look: Look, subject: Subject) -> Changed:
    """Return when each standing value was last changed; a value that came with the customer is not listed."""
    later = {path: held.ver for path, held in subject.state.items() if held.ver > 1}
    if not later:
        return {}
    entries = past.provenance(look, subject)
    return {path: entries[ver].recorded_at for path, ver in later.items() if ver in entries}


def each_last_changed(look: Look, records: Sequence[Subject]) -> dict[SubjectId, Changed]:
    """Return the same of several records, with one round trip."""
    moved = [one for one in records if any(held.ver > 1 for held in one.state.values())]
    if moved:
        look.ahead(*map(past.provenance_asks, moved))
    return {one.id: last_changed(look, one) for one in records}


def with_held(
    look: Look, changed: Mapping[SubjectId, Changed], holdings: Iterable[Holding], *, at: datetime
) -> dict[SubjectId, Changed]:
    """Return the same of customers (``changed``) and of every account that they hold at ``at``: the newest of each."""
    found = dict(changed)
    held = {(one.customer, one.account) for one in holdings if one.stands(at)}
    accounts = subjects.load(look, sorted({account for _, account in held}))
    moved = each_last_changed(look, list(accounts.values()))
    for customer, account in held:
        found[customer] = newest(found[customer], moved[account])
    return found


def newest(one: Changed, other: Changed) -> Changed:
    """Return the later of two moments for each path."""
    return {**one, **{path: max(when, one.get(path, when)) for path, when in other.items()}}
