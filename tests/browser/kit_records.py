"""Samples of whole pages: invented queues, customers, requests and messages."""

from tests.browser.kit_samples import (
    BADGE,
    CHANGE,
    CUSTOMER,
    ENTRIES,
    EVIDENCE,
    FIELDS,
    GROUPS,
    POLICY,
    REASONS,
    ROWS,
    STALE,
    STEPS,
    TOPICS,
    Sample,
    ahead,
    back,
)

PAGER = {"newer_url": "#", "older_url": "#"}


def queue() -> Sample:
    people = [
        ("Dana Okafor-Lindqvist", "Contact details", "E-mail, address", "phone", "awaiting_approval", "review"),
        ("Mateus Figueiredo", "Bank account", "IBAN", "web_portal", "awaiting_verification", "high"),
        ("سلمى الحداد", "Marketing", "E-mail off", "email", "approved", "low"),
        ("Yuki Tanabe", "Plan", "Upgrade to L", "chat", "scheduled", "low"),
        ("Hr. Jørgen Ås", "Ownership transfer", "Both parties", "postal", "awaiting_consent", "review"),
        ("Priya Raghunathan", "Personal details", "Surname", "in_person", "awaiting_information", ""),
        ("Old Mill Bakery Ltd", "Access", "1 person added", "api", "on_hold", "low"),
    ]
    names = ["customer", "kind_word", "fields", "channel", "state", "risk"]
    rows = [
        {
            **dict(zip(names, person, strict=True)),
            "url": "#",
            "ref": f"K7QF-2M9X-{number}T",
            "due_at": back(hours=2) if number == 1 else ahead(hours=number + 1),
            "late": number == 1,
            "assignee": "Sofia Brandt" if number < 3 else "",
        }
        for number, person in enumerate(people)
    ]
    tabs = [
        {"label": label, "count": count, "url": "#", "current": label == "Unassigned"}
        for label, count in (("Mine", 2), ("Unassigned", 12), ("Waiting on customer", 5), ("Returned", 1))
    ]
    return {"tabs": tabs, "rows": rows, "page": PAGER, "can_take": True, "shell_here": "queue"}


KINDS = [
    {
        "name": "Person and contact",
        "kinds": [
            {"key": "personal_details", "label": "Personal details", "url": "#"},
            {"key": "contact_details", "label": "Contact details", "url": "#", "current": True},
            {"key": "access_grant", "label": "Who may act", "url": "#"},
        ],
    },
    {
        "name": "Money and plan",
        "kinds": [
            {"key": "billing_payment", "label": "Billing and payment", "url": "#"},
            {"key": "plan", "label": "Plan and services", "url": "#"},
            {"key": "loyalty", "label": "Loyalty", "url": "#"},
        ],
    },
    {
        "name": "Preferences",
        "kinds": [
            {"key": "communication_preferences", "label": "Communication", "url": "#"},
            {"key": "marketing_preferences", "label": "Marketing", "url": "#"},
            {"key": "security_settings", "label": "Login and security", "url": "#"},
            {"key": "account_status", "label": "Account status", "url": "#"},
        ],
    },
]
ASK: Sample = {
    "customer": CUSTOMER,
    "badge": BADGE,
    "kind_groups": KINDS,
    "kind": {
        "key": "contact_details",
        "label": "Contact details",
        "hint": "How to reach the customer. The previous contact is always told.",
    },
    "fields": [*FIELDS, TOPICS],
    "policy": POLICY,
    "submission": "s-1",
    "can_submit": False,
    "why_not": "Verify the caller first: this needs V3 and the caller has V2.",
    "reason_field": {"name": "reason", "label": "Reason", "type": "select", "required": True, "options": REASONS},
    "note_field": {"name": "note", "label": "Note", "type": "textarea", "hint": "No card numbers, no passwords."},
    "effective_field": {"name": "effective_at", "label": "Takes effect", "type": "date"},
    "warnings": [
        {
            "tone": "warn",
            "title": "Somebody else has this phone",
            "text": "One other customer uses it. Ask whether they share a household.",
        }
    ],
    "errors": [{"field": "language", "text": "Language: this is already the current value."}],
}
YES = {"allowed": True}
ACTIONS = {
    "approve": {"allowed": False, "why_not": "You raised this request. A second person has to approve it."},
    "reject": YES,
    "request_information": YES,
    "withdraw": YES,
    "hold": YES,
    "cancel": YES,
}
RECORD: Sample = {
    "change": CHANGE,
    "badge": BADGE,
    "steps": STEPS,
    "rows": ROWS,
    "policy": POLICY,
    "evidence": EVIDENCE,
    "approvals": [],
    "approvals_needed": 1,
    "notices": [
        {
            "to": "d••••@example.org",
            "channel": "email",
            "what": "Received",
            "state": "delivered",
            "at": back(minutes=51),
        },
        {"to": "•••• 4821", "channel": "sms", "what": "Received", "state": "bounced", "at": back(minutes=51)},
    ],
    "history": ENTRIES[:2],
    "actions": ACTIONS,
    "reasons": REASONS,
    "receipt": {"index": 50117, "url": "#"},
}
METHODS = [
    {
        "key": "sms",
        "label": "Code by SMS",
        "hint": "To the phone on record,",
        "sends_to": "•••• 4821",
        "strength": "V3",
        "available": True,
        "selected": True,
    },
    {
        "key": "app",
        "label": "Authenticator app",
        "hint": "The customer reads the code",
        "strength": "V2",
        "available": True,
    },
    {
        "key": "email",
        "label": "Code by e-mail",
        "why_not": "This request changes the e-mail, so no code goes there.",
        "strength": "V3",
        "available": False,
    },
]
VERIFY: Sample = {
    "customer": CUSTOMER,
    "change": CHANGE,
    "badge": None,
    "needed": "V3",
    "needed_word": "two factors, one bound to exactly this change",
    "roles": [
        {"value": "holder", "label": "The customer", "selected": True},
        {"value": "delegate", "label": "Someone who may act for the customer", "hint": "Within their mandate only"},
        {"value": "other", "label": "Someone else"},
    ],
    "methods": METHODS,
    "challenge": {
        "id": "v-1",
        "kind": "code",
        "method_word": "Code by SMS",
        "sent_to": "•••• 4821",
        "until": ahead(minutes=4),
        "tries_left": 4,
    },
    "result": {"matched": False, "text": "4 tries left. A new code does not reset the count."},
    "attempts": [{"at": back(minutes=1), "method_word": "Code by SMS", "by": "Sofia Brandt", "matched": False}],
    "errors": [{"field": "code", "text": "The code did not match. Ask the customer to read it again."}],
}
STATEMENT = {
    "key": "contact_change",
    "version": "4",
    "language": "de",
    "text": "Ich bin einverstanden, dass Nordlicht Telecom meine Anschrift wie vorgelesen ändert.",
    "digest": "sha256:9f2c41d0",
}
CARD = {
    **CHANGE,
    "customer": CUSTOMER["name"],
    "url": "#",
    "why": "E-mail changes need a second person",
    "verified": "V3, code to phone",
    "consent": "consent read aloud",
    "given": 0,
    "needed": 1,
    "allowed": True,
}
FOUND = {
    "id": "1",
    "name": CUSTOMER["name"],
    "number": "NT-448 120",
    "matched": "phone",
    "contact": "•••• 4821",
    "status": "active",
    "open_changes": 1,
}
PERSON: Sample = {
    "customer": CUSTOMER,
    "badge": BADGE,
    "groups": GROUPS,
    "timeline": ENTRIES,
    "page": {"older_url": "#"},
    "accounts": [{"name": "Mobile L", "tier": "Gold", "state": "active", "number": "448120-1"}],
    "open_changes": [
        {
            "ref": "K7",
            "url": "#",
            "kind_word": "Contact details",
            "state": "awaiting_approval",
            "since": back(minutes=52),
        }
    ],
    "consents": [
        {
            "statement": "Marketing by e-mail",
            "given": False,
            "at": back(days=310),
            "channel": "web_portal",
            "version": 2,
        },
        {"statement": "Calls are recorded", "given": True, "at": back(days=40), "channel": "phone", "version": 4},
    ],
    "related": [{"name": "Emeka Okafor", "role": "Invoices only", "until": ahead(days=120)}],
    "timeline_filters": [
        {
            "name": "field",
            "label": "Field",
            "options": [{"value": "", "label": "All fields"}, {"value": "email", "label": "E-mail"}],
        },
        {"name": "channel", "label": "Channel", "options": [{"value": "", "label": "All channels"}]},
    ],
    "alerts": [
        {"tone": "warn", "title": "On hold until tomorrow", "text": "No payout to the new bank account before 09:00."}
    ],
    "may": {"ask", "verify"},
}
MAIL = {
    "to": "d••••@example.org",
    "channel": "email",
    "what": "Change asked for",
    "language": "en",
    "subject": "Someone asked to change your e-mail",
    "body": "Hello,\n\nwe were asked by phone to change how we reach you.\n\nNordlicht Telecom",
    "links": [{"label": "This wasn't me", "url": "#"}],
    "at": back(minutes=51),
    "state": "sent",
    "change_ref": "K7QF-2M9X-4T",
    "change_url": "#",
}
BOUNCE = {
    "id": "n-1",
    "change_url": "#",
    "customer": CUSTOMER["name"],
    "what": "Bank account changed",
    "error": "The mailbox does not exist.",
    "channel": "email",
    "to": "d••••@example.org",
    "state": "bounced",
    "tries": 5,
    "next_at": None,
    "can_resend": True,
}
REVERT: Sample = {
    "change": CHANGE,
    "rows": [
        {
            "name": "address",
            "label": "Postal address",
            "now": "Lindenstraße 41",
            "returns_to": "Lindenstraße 14",
            "chosen": True,
        },
        {
            "name": "phone",
            "label": "Phone",
            "now": "•••• 9907",
            "now_masked": True,
            "returns_to": "•••• 4821",
            "returns_masked": True,
            "conflict": True,
            "later": {"ref": "M3RT-88", "url": "#", "by": "Ines Moreau", "at": back(days=2)},
        },
    ],
    "policy": POLICY,
    "reasons": REASONS,
    "notices": [{"to": "d••••@example.org", "channel": "email"}, {"to": "•••• 4821", "channel": "sms"}],
}
CLIENTS = [
    {"id": "1", "name": "Nordlicht Telecom", "hue": 2, "sector": "Telecom", "waiting": 12, "current": True},
    {"id": "2", "name": "Banco Aurora", "hue": 3, "sector": "Banking", "waiting": 4},
    {"id": "3", "name": "Klinikum am See", "hue": 7, "sector": "Healthcare", "waiting": 0},
]
REPORT: Sample = {
    "report": {
        "id": "i-1",
        "name": "november-moves.csv",
        "kind_word": "Contact details",
        "state": "finished",
        "by": "Sofia Brandt",
        "at": back(hours=1),
        "dry_run": True,
        "total": "10,000",
        "accepted": "9,988",
        "refused": 12,
        "done": 0,
        "refusals_url": "#",
    },
    "refusals": [
        {"row": 17, "field": "Postal code", "text": "Germany has five digits."},
        {"row": 402, "field": "E-mail", "text": "This is already the current value."},
    ],
}
PUBLIC: Sample = {"client": {"name": "Nordlicht Telecom", "hue": 2}, "action_url": "#", "until": ahead(days=1)}
ASKED = {
    "kind_word": "Contact details",
    "what": ["Your e-mail address", "Your postal address"],
    "fields": ["E-mail", "Postal address"],
    "asked_at": back(minutes=50),
    "at": back(minutes=50),
    "channel": "phone",
    "reference": "K7QF-2M9X-4T",
    "state": "pending",
}
KIT: Sample = {
    "fields": [*FIELDS, TOPICS],
    "rows": ROWS,
    "policy": POLICY,
    "entries": ENTRIES,
    "steps": STEPS,
    "evidence": EVIDENCE,
    "badge": BADGE,
    "page": PAGER,
    "facts": GROUPS[1]["fields"],
    "stale": STALE,
    "error_list": [{"field": "language", "text": "Language: this is already the current value."}],
    "states": ["draft", "awaiting_approval", "scheduled", "applied", "rejected", "reverted", "low", "review", "high"],
    "channels": [
        "phone",
        "chat",
        "email",
        "web_portal",
        "mobile_app",
        "api",
        "in_person",
        "postal",
        "batch_import",
        "system",
    ],
}
