"""When values were last changed, of a record and of everything that a customer holds."""

from collections.abc import Mapping
from datetime import datetime

from changedesk.store import past, subjects
from changedesk.store.subjects import Subject
from changedesk.store.tx import Look


def last_changed(look: Look, subject: Subject) -> dict[str, datetime]:
    """Return when each standing value was last changed; a value that came with the customer is not listed."""
    later = {path: held.ver for path, held in subject.state.items() if held.ver > 1}
    if not later:
        return {}
    entries = past.provenance(look, subject)
    return {path: entries[ver].recorded_at for path, ver in later.items() if ver in entries}


def with_held(look: Look, person: Subject, changed: Mapping[str, datetime], *, at: datetime) -> Mapping[str, datetime]:
    """Return the same of a person (``changed``) and of every account that they hold at ``at``: the newest of each."""
    for account in subjects.load(look, subjects.accounts_at(look, person.id, at)).values():
        changed = newest(changed, last_changed(look, account))
    return changed


def newest(one: Mapping[str, datetime], other: Mapping[str, datetime]) -> dict[str, datetime]:
    """Return the later of two moments for each path."""
    return {**one, **{path: max(when, one.get(path, when)) for path, when in other.items()}}
