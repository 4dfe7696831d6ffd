"""What of an entry is shown in an evidence bundle, and what is kept back: every field has its slot, in its place.

The stand-alone ``verifier`` reads these; both follow ``commitment`` (ledger design, section 2).
"""

from collections.abc import Callable

from changedesk.ledger.commitment import Assertion, Opened, field_commitment, field_key, in_order, meta_key
from changedesk.ledger.payload import Meta, Payload
from changedesk.ledger.value import Json


def slots(payload: Payload, opens: Callable[[Assertion], bool]) -> list[Json]:
    """Return a slot for each field that the entry commits to, in the order of the commitment.

    A shown one: path, old and new (canonical texts, None where nothing is held), from and to (microseconds since 1970),
    and the key of its commitment, which opens no other. One that is kept back, or was forgotten: its commitment alone.
    """
    if payload.proof is None:
        opened = tuple(Opened(i, field_key(payload.cs, i), one) for i, one in enumerate(in_order(payload.assertions)))
        forgotten: tuple[bytes, ...] = ()
    else:
        opened, forgotten = payload.proof.opened, payload.proof.others
    known, others = {one.index: one for one in opened}, iter(forgotten)
    made: list[Json] = []
    for place in range(len(opened) + len(forgotten)):
        one = known.get(place)
        if one is None:
            made.append({"commitment": next(others).hex()})
        elif opens(one.assertion):
            made.append(_shown(one))
        else:
            made.append({"commitment": field_commitment(one.key, one.assertion).hex()})
    return made


def opened_meta(meta: Meta) -> dict[str, Json]:
    """Return who, how and why as committed to, with the key that opens it and nothing else."""
    return {"key": meta_key(meta.ms).hex(), "text": meta.body.decode()}


def _shown(one: Opened) -> dict[str, Json]:
    said = one.assertion
    return {
        "path": said.path,
        "old": None if said.old is None else said.old.decode(),
        "new": None if said.new is None else said.new.decode(),
        "from": said.valid_from_us,
        "to": said.valid_to_us,
        "key": one.key.hex(),
    }
