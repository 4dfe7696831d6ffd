"""Forgetting single fields of an entry, so that what is left can still be proved (ledger design, section 2).

The secret of an entry opens every one of its fields, so it goes too: what is kept keeps its own key k_i, what is
forgotten leaves its commitment F_i behind. Both together still give the ``c`` of the leaf.
"""

from collections.abc import Callable

from changedesk.ledger.commitment import (
    Assertion,
    Opened,
    Reveal,
    check_disclosure,
    commit_fields,
    field_commitment,
    field_key,
    in_order,
)
from changedesk.ledger.payload import Payload

_EMPTIED = b""


def redact(payload: Payload, forget: Callable[[Assertion], bool]) -> Payload | None:
    """Return a payload without the assertions that ``forget`` chooses, None when nothing is left of it.

    A payload of which nothing is to be forgotten comes back as it is. ``forget`` is asked of snapshots too.
    """
    opened, others = _whole(payload)
    kept = tuple(one for one in opened if not forget(one.assertion))
    snapshot = payload.snapshot
    if snapshot is not None:
        snapshot = [one for one in snapshot if not forget(one)]
        if len(kept) == len(opened) and len(snapshot) == len(payload.snapshot or ()):
            return payload
    elif len(kept) == len(opened):
        return payload
    if not kept:
        return None
    hidden = {one.index: field_commitment(one.key, one.assertion) for one in opened if one not in kept}
    places = iter(others)
    shown = {one.index for one in kept}
    known = {one.index for one in opened}
    rest = tuple(
        hidden[place] if place in hidden else next(places)
        for place in range(len(opened) + len(others))
        if place not in shown and (place in hidden or place not in known)
    )
    return Payload(_EMPTIED, [one.assertion for one in kept], snapshot, Reveal(kept, rest))


def fits(payload: Payload, c: bytes) -> bool:
    """Say whether a payload, whole or partly forgotten, is what an entry's leaf commits to."""
    if payload.proof is not None:
        same = [one.assertion for one in payload.proof.opened] == list(payload.assertions)
        return same and check_disclosure(payload.proof, c)
    return commit_fields(payload.cs, payload.assertions) == c


def _whole(payload: Payload) -> tuple[tuple[Opened, ...], tuple[bytes, ...]]:
    if payload.proof is not None:
        return payload.proof.opened, payload.proof.others
    ordered = in_order(payload.assertions)
    return tuple(Opened(i, field_key(payload.cs, i), one) for i, one in enumerate(ordered)), ()
