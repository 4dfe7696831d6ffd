"""What was told to customers, and what could not be: the outbox, and what a person must look at."""

import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

from changedesk.base.actor import Actor, Role
from changedesk.base.clock import micros
from changedesk.reading import sight
from changedesk.reading.panels import DeliveryView, Page
from changedesk.reading.timeline import BadCursor
from changedesk.rules import access
from changedesk.rules.access import Verb
from changedesk.rules.values.email import mask_email
from changedesk.rules.values.phone import mask_phone
from changedesk.rules.values.text import DOTS
from changedesk.rules.wording import CODES
from changedesk.store import deliveries
from changedesk.store.deliveries import Delivery
from changedesk.store.history import moment
from changedesk.store.tx import look

LIMIT_MAX: Final = 200
_LINK: Final = re.compile(r"\b[a-z][a-z0-9+.-]*://\S+", re.IGNORECASE)
_DIGIT: Final = re.compile(r"\d")


def outbox(
    *, actor: Actor, at: datetime, before: str | None = None, limit: int = 50, show_codes: bool = False
) -> Page[DeliveryView]:
    """Return a page of messages, newest first, with what they say.

    What gives power to its reader (codes, and links that dispute without a sign-in) is masked, unless
    ``show_codes``: for an installation without a mail server, where this page is where messages arrive. Never for
    an auditor. Raises Forbidden, BadCursor.
    """
    access.require(actor, Verb.OUTBOX_READ)
    limit = max(1, min(limit, LIMIT_MAX))
    start, last = (at + timedelta(seconds=1), deliveries.FIRST) if before is None else _place(before)
    with look(actor.client) as seen:
        found = deliveries.outbox(seen, before=start, last=last, limit=limit + 1)
    page = found[:limit]
    views = delivery_views(page, actor=actor, show_codes=show_codes)
    more = len(found) > limit
    return Page(views, next=f"{micros(page[-1].created_at)}-{page[-1].id}" if more else None)


def attention(*, actor: Actor, at: datetime, limit: int = 100) -> tuple[DeliveryView, ...]:  # noqa: ARG001 - every reading takes the time
    """Return the messages that failed, or of which nobody knows whether they arrived, newest first.

    What they say is left out. Raises Forbidden.
    """
    sight.require(actor, Verb.NOTICE_READ)
    with look(actor.client) as seen:
        found = deliveries.attention(seen, limit=max(1, min(limit, LIMIT_MAX)))
    if actor.type in sight.CUSTOMERS:
        found = [item for item in found if item.subject_id == actor.subject]
    return tuple(_view(item, text=None) for item in found)


def delivery_views(found: Iterable[Delivery], *, actor: Actor, show_codes: bool) -> tuple[DeliveryView, ...]:
    """Return messages ready to show; what they say is in them for those who may read the outbox only."""
    if not access.may(actor, Verb.OUTBOX_READ):
        return tuple(_view(item, text=None) for item in found)
    plain = show_codes and Role.AUDITOR not in actor.roles
    return tuple(_view(item, text=_text(item, actor, plain=plain)) for item in found)


def _text(item: Delivery, actor: Actor, *, plain: bool) -> tuple[str, str] | None:
    message = item.message
    if message is None:
        return None
    if plain:
        return message.subject, message.body
    if item.event in CODES:
        # A challenge says what will change: it is read by those who may see values, and its code by nobody.
        if not access.may(actor, Verb.VALUE_REVEAL):
            return None
        return _DIGIT.sub("•", message.subject), _LINK.sub(DOTS, _DIGIT.sub("•", message.body))
    return _LINK.sub(DOTS, message.subject), _LINK.sub(DOTS, message.body)


def _view(item: Delivery, *, text: Sequence[str] | None) -> DeliveryView:
    return DeliveryView(
        id=item.id,
        subject=item.subject_id,
        request=item.request_id,
        ref=item.ref,
        event=item.event,
        channel=item.channel,
        language=item.language,
        recipient=_recipient(item),
        required=item.required,
        state=item.state,
        attempts=item.attempts,
        error=item.last_error or "",
        created_at=item.created_at,
        next_at=item.next_at,
        done_at=item.done_at,
        subject_line="" if text is None else text[0],
        body="" if text is None else text[1],
    )


def _recipient(item: Delivery) -> str:
    if item.message is None:
        return ""
    match item.channel:
        case "email":
            return mask_email(item.message.to)
        case "sms":
            return mask_phone(item.message.to)
        case _:
            return DOTS if item.message.to else ""


def _place(before: str) -> tuple[datetime, UUID]:
    at, _, last = before.partition("-")
    try:
        return moment(int(at)).astimezone(UTC), UUID(last)
    except (ValueError, OverflowError):
        raise BadCursor from None
