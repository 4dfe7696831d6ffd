"""Pieces that several panels share: a field, a difference, a request among others, a hold, a dispute."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from changedesk import kinds
from changedesk.base.clock import micros
from changedesk.base.ids import RequestId
from changedesk.base.json import Value
from changedesk.ledger.commitment import FOREVER
from changedesk.reading import words
from changedesk.reading.panels import Diff, DisputeView, FieldView, HoldView, RequestLine
from changedesk.reading.people import People
from changedesk.reading.sight import Eyes
from changedesk.rules.fields import Field
from changedesk.rules.lifecycle import CUSTOMER_WORDS
from changedesk.rules.values.listed import listed
from changedesk.store import evidence
from changedesk.store.history import moment
from changedesk.store.past import Entry
from changedesk.store.requests import Request


def kind_label(kind: str, language: str) -> str:
    if kind not in kinds.KINDS:
        return words.group(kind, language)
    return words.in_language(kinds.find(kind).label, language)


def field_view(
    item: Field,
    value: Value,
    eyes: Eyes,
    *,
    entry: Entry | None = None,
    people: People,
    pending: str | None = None,
) -> FieldView:
    """Return one field as it stands, with the entry that set it."""
    shown = eyes.show(item.path, value)
    return FieldView(
        path=item.path,
        label=item.label_in(eyes.language),
        type=item.type.value,
        sensitivity=item.sensitivity.value,
        text=shown.text,
        masked=shown.masked,
        empty=value is None,
        since=None if entry is None else entry.recorded_at,
        by=None if entry is None else people.show(entry.actor),
        channel="" if entry is None else entry.channel,
        verified="" if entry is None else verified(entry.facts, eyes.language),
        change=None if entry is None else entry.change,
        pending=pending,
    )


def verified(facts: Mapping[str, object], language: str) -> str:
    """Return how the person was verified, in the words of an entry's facts: "V2, code by e-mail"."""
    told = facts.get("verified")
    if told is None or not isinstance(told, Mapping):
        return ""
    level, methods = told.get("level"), told.get("methods")
    names = [words.method(str(name), language) for name in methods] if isinstance(methods, Sequence) else []
    return listed([f"V{level}", *names], language) if level else ""


def diff_of_entry(entry: Entry, eyes: Eyes) -> tuple[Diff, ...]:
    """Return what an entry changed; nothing when its values are erased."""
    if not entry.assertions:
        return ()
    found = []
    for item in entry.assertions:
        path, start, end = item.path, item.valid_from_us, item.valid_to_us
        named = eyes.fields.get(path) or eyes.named(path)
        # A page has hundreds of these, and most values twice: those known already are not asked for.
        was = named.texts.get(item.old) or eyes.read_first(path, named, item.old)
        will = named.texts.get(item.new) or eyes.read_first(path, named, item.new)
        found.append(
            # By place, as in an entry's view.
            Diff(
                path,
                named.label,
                named.type,
                was.text,
                will.text,
                was.masked or will.masked,
                None if start <= 0 or start == micros(entry.recorded_at) else moment(start),
                None if end == FOREVER else moment(end),
            )
        )
    return tuple(found)


def diff(
    path: str,
    before: Value,
    after: Value,
    eyes: Eyes,
    *,
    valid_from: datetime | None = None,
    valid_to: datetime | None = None,
) -> Diff:
    """Return one field's before and after, as this viewer may see them."""
    named, was, will = eyes.named(path), eyes.show(path, before), eyes.show(path, after)
    return Diff(
        path=path,
        label=named.label,
        type=named.type,
        before=was.text,
        after=will.text,
        masked=was.masked or will.masked,
        valid_from=valid_from,
        valid_to=valid_to,
    )


def request_line(request: Request, eyes: Eyes) -> RequestLine:
    return RequestLine(
        id=request.id,
        ref=request.ref,
        kind=request.kind,
        kind_label=kind_label(request.kind, eyes.language),
        state=request.state.value,
        word=CUSTOMER_WORDS[request.state],
        since=request.state_at,
        received_at=request.received_at,
        fields=tuple(eyes.label(path) for path in request.fields),
    )


def hold_view(hold: evidence.Hold, people: People) -> HoldView:
    return HoldView(
        id=hold.id,
        blocks=hold.blocks,
        rule=hold.rule,
        release=hold.release,
        by=people.show(hold.placed_by),
        starts_at=hold.starts_at,
        ends_at=hold.ends_at,
        request=hold.request_id,
    )


def dispute_views(found: Iterable[evidence.Dispute], refs: Mapping[RequestId, str]) -> tuple[DisputeView, ...]:
    return tuple(
        DisputeView(
            id=item.id,
            ref=refs.get(item.request_id, ""),
            opened_at=item.opened_at,
            hold=item.hold_id,
            resolved_at=item.resolved_at,
            resolution=item.resolution,
        )
        for item in found
        if item.opened_at is not None
    )
