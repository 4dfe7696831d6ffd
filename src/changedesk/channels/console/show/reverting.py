"""What undoing would meet, field by field; values as far as this person may see them."""

from collections.abc import Sequence
from typing import Any

from changedesk import flow
from changedesk.base.json import Value
from changedesk.channels.console.show.asking import by_path
from changedesk.channels.console.visit import Visit
from changedesk.reading import forms
from changedesk.reading.panels import CustomerPanel
from changedesk.rules.fields import FieldType, Sensitivity
from changedesk.rules.values import display, mask

_BY_HAND = frozenset(
    {FieldType.TEXT, FieldType.NAME, FieldType.EMAIL, FieldType.PHONE, FieldType.DATE, FieldType.REFERENCE}
)
"""Types that one box is enough to type."""


def rows(fields: Sequence[flow.FieldRevert], panel: CustomerPanel, visit: Visit) -> list[dict[str, Any]]:
    """Return a row for each field."""
    known, now = {item.path: item for item in forms.fields(actor=visit.actor)}, by_path(panel)
    found = []
    for item in fields:
        field = known.get(item.path)
        # As the rest of the record: in clear where the reading shows it in clear.
        opened = panel.open or (field is not None and field.sensitivity is Sensitivity.PUBLIC)

        def text(value: Value, item: flow.FieldRevert = item, opened: bool = opened) -> str:  # noqa: FBT001 - bound here
            field = known.get(item.path)
            if field is None or value is None:
                return ""
            return display(field, value, visit.language) if opened else mask(field, value, visit.language)

        chosen = visit.given(f"choice.{item.path}")
        if not chosen and item.finding == "restore":
            chosen = "force"
        found.append(
            {
                "name": item.path,
                "label": now[item.path].label if item.path in now else item.path,
                "now": text(item.standing),
                "returns_to": text(item.before),
                "masked": not opened,
                "finding": str(item.finding),
                "later": len(item.later),
                "chosen": chosen,
                "custom": visit.given(f"custom.{item.path}"),
                "by_hand": field is not None and field.type in _BY_HAND,
                "history_url": f"{visit.url('customer', panel.id)}?field={item.path}#timeline",
            }
        )
    return found
