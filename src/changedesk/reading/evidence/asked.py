"""What a bundle says of a request beside its entries: how it was verified, agreed to, decided and told.

These are statements of the desk, signed with the bundle; what the log proves of them stands in the entries. A wording
is proved too: the entry of the consent holds its SHA-256.
"""

from datetime import datetime

from changedesk.base.actor import Actor
from changedesk.ledger.value import Json
from changedesk.reading import request as request_page
from changedesk.reading.request_panels import RequestPanel
from changedesk.store.requests import Request


def asked(request: Request | None, *, actor: Actor, at: datetime, language: str) -> tuple[dict[str, Json], list[bytes]]:
    """Return what a request's page says of its evidence, and the wordings that were agreed to. No value of a record.

    Raises Forbidden.
    """
    if request is None:
        return {}, []
    panel = request_page.request(request.ref, actor=actor, at=at, language=language)
    stored = [one.wording.encode() for one in panel.consents if one.wording_as_stored]
    return _told(panel), stored


def _told(panel: RequestPanel) -> dict[str, Json]:
    return {
        "ref": panel.ref,
        "kind": panel.kind_label,
        "state": panel.state,
        "received_at": panel.received_at.isoformat(),
        "reason": panel.reason_label,
        "channel": panel.channel,
        "requested_by": panel.requested_by.name,
        "entered_by": panel.entered_by.name,
        "level_needed": panel.strip.level_needed,
        "level_reached": panel.strip.level_reached,
        "rules": [
            {"id": one.id, "version": one.version, "citation": one.citation, "url": one.url}
            for one in panel.strip.rules
        ],
        "verification": [
            {"method": one.method, "contact": one.contact, "state": one.state, "tries": one.tries,
             "by": one.by.name, "at": one.started_at.isoformat()}
            for one in panel.challenges
        ],
        "consents": [
            {"statement": one.statement, "version": one.version, "language": one.language, "wording": one.wording,
             "way": one.way, "by": one.by.name, "at": one.given_at.isoformat()}
            for one in panel.consents
        ],
        "decisions": [
            {"verdict": one.verdict, "by": one.by.name, "team": one.team, "reason": one.reason,
             "at": one.at.isoformat()}
            for one in panel.decisions
        ],
        "notices": [
            {"event": one.event, "channel": one.channel, "to": one.recipient, "state": one.state,
             "at": (one.done_at or one.created_at).isoformat()}
            for one in panel.notices
        ],
    }  # fmt: skip
