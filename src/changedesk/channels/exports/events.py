"""Found entries as events for other programs: JSON lines, OCSF, XES."""

import re
from collections.abc import Iterator
from datetime import UTC
from itertools import groupby
from typing import Any, BinaryIO, Final
from xml.sax.saxutils import quoteattr

import msgspec

from changedesk.reading.audit_search import Line

OCSF_VERSION: Final = "1.6.0"
_API_ACTIVITY: Final = 6003
"""OCSF 1.6.0, class API Activity of category Application Activity (schema.ocsf.io/1.6.0/classes/api_activity)."""
_CREATE, _READ, _UPDATE, _DELETE, _OTHER = 1, 2, 3, 4, 99
_ACTIVITIES: Final = {
    "customer.created": _CREATE,
    "account.created": _CREATE,
    "desk.opened": _CREATE,
    "record.viewed": _READ,
    "value.revealed": _READ,
    "record.searched": _READ,
    "evidence.exported": _READ,
    "erasure.confirmed": _DELETE,
}
_NO_XML: Final = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 (section 2.2) has no place for."""


def _time(line: Line) -> str:
    return line.view.recorded_at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def told(line: Line) -> dict[str, Any]:
    """Return an entry as data, masked as it is shown."""
    view = line.view
    return {
        "index": line.place,
        "id": str(view.change),
        "recorded_at": _time(line),
        "entry": view.kind,
        "what": view.title,
        "record": {"id": str(view.subject), "type": line.type, "name": line.whose},
        "version": view.version or None,
        "by": {"id": view.actor.id, "name": view.actor.name, "type": view.actor.tag},
        "on_behalf_of": view.on_behalf_of,
        "channel": view.channel,
        "verification": view.verification,
        "consent": view.consent,
        "reason": view.reason,
        "approved_by": [{"id": one.id, "name": one.name} for one in view.approvals],
        "request": view.ref,
        "rules": list(view.rules),
        "changes": [
            {"path": one.path, "before": one.before, "after": one.after, "masked": one.masked} for one in view.fields
        ],
        "erased": view.erased,
        "leaf": view.leaf,
    }


def json_lines(lines: Iterator[Line], out: BinaryIO) -> None:
    """Write one JSON object a line."""
    out.writelines(msgspec.json.encode(told(line)) + b"\n" for line in lines)


def ocsf(lines: Iterator[Line], out: BinaryIO) -> None:
    """Write one event of OCSF's class API Activity (6003) a line."""
    out.writelines(msgspec.json.encode(activity(line)) + b"\n" for line in lines)


def activity(line: Line) -> dict[str, Any]:
    """Return an entry as an OCSF event. No entry records an address: the source is named by its channel."""
    view = line.view
    done = _ACTIVITIES.get(view.kind, _UPDATE if view.is_change else _OTHER)
    return {
        "class_uid": _API_ACTIVITY,
        "category_uid": _API_ACTIVITY // 1000,
        "activity_id": done,
        "type_uid": _API_ACTIVITY * 100 + done,
        "severity_id": 1,
        "time": int(view.recorded_at.timestamp() * 1000),
        "message": view.title,
        "metadata": {
            "version": OCSF_VERSION,
            "uid": str(view.change),
            "sequence": line.place,
            "event_code": view.kind,
            "correlation_uid": str(view.request or view.subject),
            "product": {"name": "Changedesk", "vendor_name": "Changedesk"},
        },
        "actor": {"user": {"uid": view.actor.id, "name": view.actor.name, "type": view.actor.tag}},
        "api": {"operation": view.kind, "service": {"name": "Changedesk"}},
        "src_endpoint": {"svc_name": view.channel},
        "resources": [{"uid": str(view.subject), "type": line.type, "name": line.whose}],
        "unmapped": {
            "request": view.ref,
            "reason": view.reason,
            "verification": view.verification,
            "consent": view.consent,
            "rules": list(view.rules),
            "fields": [one.path for one in view.fields],
            "leaf": view.leaf,
        },
    }


def case(line: Line) -> str:
    """Return to which run of the process an entry belongs: its request, or the record where there is none."""
    return line.view.ref or str(line.view.subject)


def xes(lines: Iterator[Line], out: BinaryIO) -> None:
    """Write an event log for process mining (IEEE 1849-2016), a trace a case. Entries of a case come together."""
    out.write(
        b'<?xml version="1.0" encoding="UTF-8"?>\n'
        b'<log xes.version="1849-2016" xes.features="" xmlns="http://www.xes-standard.org/">\n'
    )
    for name, prefix in (
        ("Concept", "concept"),
        ("Time", "time"),
        ("Organizational", "org"),
        ("Lifecycle", "lifecycle"),
    ):
        uri = f"http://www.xes-standard.org/{prefix}.xesext"
        out.write(f'<extension name="{name}" prefix="{prefix}" uri="{uri}"/>\n'.encode())
    for key, group in groupby(lines, key=case):
        out.write(f"<trace>{_text('concept:name', key)}\n".encode())
        out.writelines(f"<event>{_event(line)}</event>\n".encode() for line in group)
        out.write(b"</trace>\n")
    out.write(b"</log>\n")


def _event(line: Line) -> str:
    view = line.view
    told_ = {
        "concept:name": view.kind,
        "org:resource": view.actor.id,
        "lifecycle:transition": "complete",
        "desk:channel": view.channel,
        "desk:record": str(view.subject),
        "desk:fields": " ".join(one.path for one in view.fields),
        "desk:reason": view.reason,
    }
    texts = "".join(_text(key, value) for key, value in told_.items() if value)
    return f'{texts}<date key="time:timestamp" value="{_time(line)}"/><int key="desk:index" value="{line.place}"/>'


def _text(key: str, value: str) -> str:
    return f'<string key="{key}" value={quoteattr(_NO_XML.sub("", value))}/>'
