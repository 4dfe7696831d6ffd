"""Bodies to try: of nobody, at addresses that are kept for examples (RFC 2606, RFC 5737's like for telephones)."""

from typing import Any, Final

SUBJECT: Final = "0198f3a2-5b1c-7c3e-9d2f-3a4b5c6d7e8f"
_WISH: Final = {
    "subject": SUBJECT,
    "kind": "contact_details",
    "values": {"contact.email": "someone@new.example"},
    "reason": "customer_request",
    "channel": "phone",
}
BODIES: Final[dict[str, Any]] = {
    "post customers": {
        "values": {
            "personal.name": "Someone New",
            "contact.email": "someone@example.org",
            "contact.phone_mobile": "+1 202 555 0143",
        }
    },
    "post customers/search": {"text": "someone@example.org"},
    "post customers/{id}/verification": {"method": "code_sms", "path": "contact.phone_mobile"},
    "post customers/{id}/factors": {"secret": "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"},
    "post change-requests": _WISH,
    "post change-requests/preview": _WISH,
    "patch change-requests/{ref}": {"values": {"contact.email": "someone@other.example"}},
    "post change-requests/{ref}/verification": {"method": "code_sms", "path": "contact.phone_mobile"},
    "post change-requests/{ref}/verification/{challenge}/confirm": {"answer": "123456"},
    "post change-requests/{ref}/consent": {
        "statement": "change_of_record",
        "version": 1,
        "language": "en",
        "way": "read_aloud",
    },
    "post change-requests/{ref}/reject": {"reason": "other", "message": "Please send the form that we asked for."},
    "post changes": {
        "items": [
            {
                "subject": SUBJECT,
                "changes": [{"path": "contact.email", "new": "someone@new.example", "old": "someone@example.org"}],
                "evidence": {"reference": "crm-4711"},
            }
        ]
    },
    "post changes/{id}/revert": {"reason": "reversal"},
    "post reversals": {
        "whose": "k3",
        "since": "2026-03-02T09:00:00Z",
        "until": "2026-03-02T11:00:00Z",
        "reason": "reversal",
    },
    "post reversals/restore": {"subject": SUBJECT, "version": 3, "reason": "reversal", "channel": "phone"},
    "post policies": {
        "source": '[[rule]]\nid = "OUR-MAIL"\ncitation = "House policy 4.2"\n'
        'scope = { categories = ["contact.email"] }\noblige = [{ approve = { count = 2 } }]\n',
        "packs": ["telecom"],
        "jurisdictions": ["US"],
        "industries": ["telecom"],
    },
    "post hooks": {"url": "https://hooks.example.com/in", "events": ["change.applied"], "kinds": ["contact_details"]},
    "patch hooks/{id}": {"url": "https://hooks.example.com/in", "full_values": True},
    "post hooks/{id}/resend": {"since": "2026-03-02T09:00:00Z", "until": "2026-03-02T11:00:00Z", "which": "failed"},
    "post audit/search": {"query": "action:apply field:contact.email -channel:phone", "facets": True},
    "post audit/completions": {"query": "fie"},
    "post audit/searches": {"name": "Changed addresses", "query": "action:apply field:contact.email"},
    "post audit/exports": {"query": "action:apply created:2026-03", "format": "csv"},
    "post erasures": {"subject": SUBJECT, "classes": ["pref"], "channel": "phone"},
    "post erasures/preview": {"subject": SUBJECT},
    "post reveals": {
        "subject": SUBJECT,
        "path": "contact.email",
        "reason": "customer_asks",
        "reference": "call-4711",
    },
    "post break-glass": {"minutes": 30, "reason": "emergency", "reference": "INC-4711"},
    "post subject-requests": {"subject": SUBJECT, "right": "access", "channel": "phone"},
    "post subject-requests/{ref}/extend": {"reason": "complex"},
    "post subject-requests/{ref}/pause": {"ground": "identity"},
    "post subject-requests/{ref}/doubt": {"note": "Another voice than at the last call."},
    "post subject-requests/{ref}/link": {"change_request": "K7M2Q-9XTRA-C"},
    "post subject-requests/{ref}/refuse": {"ground": "excessive", "note": "The same as on 3 March and 1 April."},
    "post subject-requests/{ref}/statement": {"text": "I never lived there."},
    "post disputes/{id}/resolve": {"resolution": "customer_confirmed"},
}
