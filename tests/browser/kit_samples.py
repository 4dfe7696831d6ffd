"""Invented people and requests for looking at the pages without a database."""

from datetime import UTC, datetime, timedelta
from typing import Any

NOW = datetime.now(UTC)
Sample = dict[str, Any]


def back(**of: float) -> datetime:
    return NOW - timedelta(**of)


def ahead(**of: float) -> datetime:
    return NOW + timedelta(**of)


SHELL: Sample = {
    "client": {"id": "c-1", "name": "Nordlicht Telecom", "hue": 2},
    "clients": 3,
    "person": {"name": "Sofia Brandt", "initials": "SB", "roles": "Agent, approver"},
    "may": {"search", "ask", "approve", "notices", "import", "outbox"},
    "counts": {"queue": 12, "approvals": 3, "notices": 1},
    "keys": "on",
    "banners": [],
}
CUSTOMER: Sample = {
    "id": "0198-7c",
    "name": "Dana Okafor-Lindqvist",
    "initials": "DO",
    "number": "NT-448 120",
    "status": "active",
    "overlays": ["on_hold"],
    "language": "German",
    "since": back(days=900),
}
BADGE: Sample = {"level": "V2", "method": "code by e-mail", "minutes_left": 11, "until": ahead(minutes=11)}
BY_BEN: Sample = {
    "since": back(days=40),
    "by": "Ben Acheampong",
    "on_behalf_of": "the customer",
    "channel": "phone",
    "verified": "V3, code to phone",
    "consent": "consent read aloud",
    "url": "#",
    "index": 48211,
}
BY_HER: Sample = {
    "since": back(days=310),
    "by": "the customer",
    "channel": "web_portal",
    "verified": "V2, passkey",
    "url": "#",
    "index": 20114,
}
IMPORTED: Sample = {"since": back(days=900), "by": "first import", "channel": "batch_import", "index": 311}

ROWS: list[Sample] = [
    {
        "label": "E-mail",
        "before": "d••••@example.org",
        "after": "dana.okafor@post.example",
        "before_masked": True,
        "provenance": BY_HER,
    },
    {
        "label": "Postal address",
        "before": "Lindenstraße 14, 10969 Berlin, Germany",
        "after": "Lindenstraße 41, 10969 Berlin, Germany",
    },
    {"label": "Second phone", "before": "", "after": "+49 171 1234567"},
]
POLICY: Sample = {
    "version": "2026-11-02",
    "duties": [
        {
            "name": "Verification",
            "word": "V3, bound to this change",
            "state": "missing",
            "note": "Not by the e-mail being changed",
            "url": "#",
            "action": "Verify",
        },
        {"name": "Consent", "word": "Contact change, wording 4", "state": "met", "note": "Read aloud, 09:41"},
        {"name": "Approvals", "word": "1 second person", "state": "later", "note": "Not the one who entered it"},
        {"name": "Hold", "word": "24 h", "state": "later", "note": "Blocks resets and payouts to the new contact"},
        {"name": "Notices", "word": "Old and new contact, twice", "state": "later", "note": "With a dispute link"},
        {"name": "Retention", "word": "7 years after closure", "state": "none"},
    ],
    "rules": [
        {"id": "floor.contact.email", "version": 3, "text": "A new e-mail is confirmed by code before it is active."},
        {
            "id": "eu.gdpr.rectify",
            "version": 1,
            "text": "Answer within one month of receipt.",
            "citation": "GDPR Art. 12(3)",
        },
    ],
}
STEPS: list[Sample] = [
    {"name": "Draft", "state": "done", "at": back(minutes=52)},
    {"name": "Verified", "state": "done", "at": back(minutes=48)},
    {"name": "Consent", "state": "done", "at": back(minutes=47)},
    {"name": "Approval", "state": "current"},
    {"name": "Hold", "state": "todo"},
    {"name": "Applied", "state": "todo"},
    {"name": "Synced", "state": "todo"},
]
EVIDENCE: list[Sample] = [
    {
        "icon": "shield-check",
        "title": "Verified V3 by code",
        "at": back(minutes=48),
        "words": "Code to the phone on record, first try. The message named the change.",
        "facts": [
            {"label": "Sent to", "value": "•••• 4821", "masked": True},
            {"label": "Bound to", "value": "version 2 of this request"},
        ],
    },
    {
        "icon": "hand",
        "title": "Consent given",
        "at": back(minutes=47),
        "words": "Wording 4, German, read aloud and recorded as call 77-2041.",
        "digest": "sha256:9f2c41d07ab3e85516c0a4f8d7e2b6190c53fa7e",
    },
]
ENTRIES: list[Sample] = [
    {
        "at": back(minutes=52),
        "kind": "contact_details",
        "title": "E-mail, address and second phone",
        "url": "#",
        "state": "awaiting_approval",
        "rows": ROWS[1:2],
        "provenance": {**BY_BEN, "since": None, "index": None},
    },
    {
        "at": back(days=40),
        "kind": "billing_payment",
        "title": "Bank account",
        "url": "#",
        "state": "applied",
        "provenance": {**BY_BEN, "since": None},
        "note": "Customer moved banks; first payout held for a day.",
    },
    {
        "at": back(days=310),
        "kind": "marketing_preferences",
        "title": "Marketing by e-mail: no",
        "url": "#",
        "state": "applied",
        "provenance": {**BY_HER, "since": None},
    },
    {
        "at": back(days=900),
        "kind": "account_status",
        "title": "Account opened",
        "url": "#",
        "provenance": {**IMPORTED, "since": None},
    },
]
GROUPS: list[Sample] = [
    {
        "name": "Person",
        "fields": [
            {"label": "Name", "value": "Dana Okafor-Lindqvist", "provenance": IMPORTED},
            {"label": "Birth date", "value": "••.••.19••", "masked": True, "provenance": IMPORTED},
            {"label": "National ID", "value": "", "provenance": None},
        ],
    },
    {
        "name": "Contact",
        "fields": [
            {"label": "E-mail", "value": "d••••@example.org", "masked": True, "provenance": BY_HER, "pending": "#"},
            {"label": "Phone", "value": "•••• 4821", "masked": True, "provenance": BY_BEN},
            {"label": "Address", "value": "Lindenstraße 14, 10969 Berlin", "provenance": BY_HER},
        ],
    },
    {
        "name": "Payment",
        "fields": [{"label": "Bank account", "value": "DE•• •••• 3000", "masked": True, "provenance": BY_BEN}],
    },
]
REASONS: list[Sample] = [
    {"value": "customer_request", "label": "Customer asked"},
    {"value": "correction_of_error", "label": "Correction of an error"},
    {"value": "security_concern", "label": "Security concern"},
]
FIELDS: list[Sample] = [
    {
        "name": "email",
        "label": "E-mail",
        "type": "email",
        "value": "dana.okafor@p\u043est.example",
        "required": True,
        "has_current": True,
        "current": "d••••@example.org",
        "current_masked": True,
        "provenance": BY_HER,
        "warning": "The domain mixes Latin and Cyrillic letters. Spell it back to the customer.",
    },
    {
        "name": "phone",
        "label": "Phone",
        "type": "tel",
        "value": "0171 1234567",
        "has_current": True,
        "current": "•••• 4821",
        "current_masked": True,
        "normalised": "+49 171 1234567",
        "hint": "As the customer says it; the country comes from the address.",
    },
    {
        "name": "language",
        "label": "Language",
        "type": "select",
        "has_current": True,
        "current": "German",
        "options": [{"value": "de", "label": "German", "selected": True}, {"value": "ar", "label": "Arabic"}],
        "error": "This is already the current value.",
    },
]
TOPICS: Sample = {
    "name": "topics",
    "label": "Topics",
    "type": "checkboxes",
    "has_current": True,
    "current": "Offers",
    "options": [
        {"value": "offers", "label": "Offers", "selected": True},
        {"value": "news", "label": "News", "hint": "About once a month"},
    ],
}
STALE: Sample = {
    "by": "Ines Moreau",
    "at": back(minutes=9),
    "rows": [{"label": "Phone", "before": "•••• 4821", "theirs": "•••• 9907", "yours": "•••• 4567"}],
}
CHANGE: Sample = {
    "ref": "K7QF-2M9X-4T",
    "version": 2,
    "digest": "sha256:4be1f0a97c22d4c8b15d7a90e3f6c1b2d8894a57",
    "kind": "contact_details",
    "kind_word": "Contact details",
    "state": "awaiting_approval",
    "customer": CUSTOMER,
    "account": "Mobile L, NT-448 120-1",
    "channel": "phone",
    "risk": "review",
    "risk_reasons": ["3 contact changes in 2 days, usually 0", "New e-mail domain for this client"],
    "requested_by": "Ben Acheampong",
    "entered_by": "Ben Acheampong",
    "on_behalf_of": "the customer",
    "received_at": back(minutes=52),
    "due_at": ahead(hours=3),
    "effective_at": ahead(days=1),
    "reason": "Life event: moved house",
    "note": "Moved to the other end of the street; wants invoices by e-mail.",
    "public_word": "being_processed",
    "rows": ROWS,
}
