"""How much one person may reveal, take out, or see through broken glass: part of a client's policy, within bounds.

A policy is written by one person and published by another, so no one person widens what they may see.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Final

from changedesk.base.refusal import Refusal


class LimitUnfit(Refusal):
    """This limit lies outside of what it may be, or there is no limit of this name.

    ``data``: limit, and the least and the most that it may be; or known, the limits that there are.
    """

    code = "limit-unfit"
    hint = "Choose a whole number within the bounds named here; a day allows no fewer reveals than an hour."


@dataclass(frozen=True, slots=True)
class Limits:
    """What one person may do at a client. The defaults are the house's."""

    reveals_an_hour: int = 30
    """Masked values that one person reveals in any hour."""
    reveals_a_day: int = 120
    """And in any twenty-four hours."""
    export_entries: int = 50_000
    """Entries of the history that one file takes out."""
    glass_minutes: int = 60
    """Minutes that broken glass stays broken, at most."""


BOUNDS: Final[Mapping[str, tuple[int, int]]] = {
    "reveals_an_hour": (1, 300),
    "reveals_a_day": (1, 1_000),
    "export_entries": (1, 50_000),
    "glass_minutes": (1, 60),
}
"""The least and the most of each. A file is written within one call, which more entries would outlast; an hour is
what the database lets broken glass last."""


def read(told: Mapping[str, Any], standing: Limits | None = None) -> Limits:
    """Return the limits that somebody asks for; what they leave out stays as it stands. Raises LimitUnfit."""
    if unknown := told.keys() - BOUNDS.keys():
        raise LimitUnfit(limit=min(unknown), known=list(BOUNDS))
    found = Limits(**{**asdict(standing or Limits()), **told})
    for one in fields(found):
        value: object = getattr(found, one.name)
        least, most = BOUNDS[one.name]
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
            raise LimitUnfit(limit=one.name, least=least, most=most)
    if found.reveals_a_day < found.reveals_an_hour:
        raise LimitUnfit(limit="reveals_a_day", least=found.reveals_an_hour, most=BOUNDS["reveals_a_day"][1])
    return found
