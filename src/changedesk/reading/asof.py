"""What was known at one instant of what was true at another."""

from datetime import datetime

from changedesk.base.actor import Actor
from changedesk.base.ids import SubjectId
from changedesk.reading import sight
from changedesk.reading.panels import AsOf, Moment
from changedesk.reading.sight import Eyes
from changedesk.rules.access import Verb
from changedesk.rules.fields import Sensitivity
from changedesk.store import past
from changedesk.store.settings_read import configuration
from changedesk.store.tx import look


def as_of(
    subject_id: SubjectId,
    *,
    known_at: datetime,
    valid_at: datetime,
    actor: Actor,
    at: datetime,
    language: str = "en",
) -> AsOf:
    """Return the values that the record held at ``known_at`` for the instant ``valid_at``.

    Version 0 and no values for an instant before the subject was known. Raises Forbidden, NotFound.
    """
    sight.require(actor, Verb.TIMELINE_READ)
    catalogue = configuration(actor.client).catalogue
    asked = past.as_of_asks(subject_id, known_at=known_at, valid_at=valid_at)
    with look(actor.client) as seen:
        # What is a customer's own is asked of the same snapshot, once it is known that they hold the account.
        seen.ahead(*sight.find_asks(subject_id, actor=actor, at=at)[1:], last=actor.type not in sight.CUSTOMERS)
        rows = seen.together(asked)[0]
        subject, holders = sight.find(seen, subject_id, actor=actor, rows=rows[:1])
        erased = subject.erased_at is not None or subject.key is None
        view = sight.of_subjects(seen, [subject], actor=actor, at=at, holders={subject_id: holders})[subject_id]
        since = sight.own_since(seen, subject, actor=actor)
        # Before an account was theirs it held what was another's.
        before = since is not None and min(known_at, valid_at) < since
        version, texts = (
            (0, {}) if erased or before else past.as_of(seen, subject, known_at=known_at, valid_at=valid_at, rows=rows)
        )
    eyes = Eyes(view, catalogue, language)
    values: dict[str, Moment] = {}
    for path, text in sorted(texts.items()):
        named = eyes.named(path)
        if named.item is not None and named.item.sensitivity is Sensitivity.SECRET:
            continue
        shown = eyes.read_first(path, named, text)
        values[path] = Moment(label=named.label, text=shown.text, masked=shown.masked, value=shown.value)
    return AsOf(subject=subject_id, version=version, known_at=known_at, valid_at=valid_at, erased=erased, values=values)
