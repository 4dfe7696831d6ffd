"""Which template is shown with which sample: one row per page of the console and the portal."""

from typing import Any

from django import forms
from tests.browser.kit_records import (
    ASK,
    ASKED,
    BOUNCE,
    CARD,
    CLIENTS,
    FOUND,
    KIT,
    MAIL,
    PERSON,
    PUBLIC,
    RECORD,
    REPORT,
    REVERT,
    STATEMENT,
    VERIFY,
    YES,
    queue,
)
from tests.browser.kit_samples import CHANGE, CUSTOMER, EVIDENCE, POLICY, REASONS, ROWS, STALE, Sample, back


class SignIn(forms.Form):
    login = forms.EmailField(label="E-mail", widget=forms.EmailInput(attrs={"autocomplete": "email"}))
    password = forms.CharField(widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}))


class Code(forms.Form):
    code = forms.CharField(label="Code", widget=forms.TextInput(attrs={"autocomplete": "one-time-code"}))
    secret = "JBSWY3DPEHPK3PXP"  # what the library's form holds besides its field


QR = '<?xml?>\n<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><path d="M0 0h3v3H0zM6 6h3v3H6z"/></svg>'
RECOVERY: Sample = {
    "unused_codes": [f"{number:08d}" for number in range(31415926, 31415936)],
    "total_count": 10,
    "can_view_codes": True,
    "can_download_codes": True,
    "can_generate_codes": True,
}

PAGES: dict[str, tuple[str, dict[str, Any]]] = {
    "_kit": ("console/kit.html", KIT),
    "queue": ("console/queue.html", queue()),
    "queue-empty": ("console/queue.html", {"tabs": queue()["tabs"], "can_take": True}),
    "search": (
        "console/search.html",
        {
            "terms": "0171 1234567",
            "searched": True,
            "customers": [FOUND, {**FOUND, "name": "Ruth Okafor", "matched": "name 0.91"}],
        },
    ),
    "customer": ("console/customer.html", PERSON),
    "customer-erased": (
        "console/customer.html",
        {
            **PERSON,
            "customer": {
                **CUSTOMER,
                "name": "Erased customer",
                "status": "erased",
                "erased": True,
                "certificate_url": "#",
                "overlays": [],
            },
        },
    ),
    "change-new": ("console/change_new.html", ASK),
    "change-pick": ("console/change_new.html", {**ASK, "kind": None, "errors": []}),
    "change": ("console/change.html", RECORD),
    "change-stale": (
        "console/change.html",
        {
            **RECORD,
            "stale": STALE,
            "change": {**CHANGE, "state": "stale"},
            "actions": {"send_back": YES, "withdraw": YES},
        },
    ),
    "verify": ("console/verify.html", VERIFY),
    "consent": (
        "console/consent.html",
        {
            "change": CHANGE,
            "statement": STATEMENT,
            "ways": [
                {
                    "value": "read_aloud",
                    "label": "Read aloud on a recorded call",
                    "hint": "The call id proves it",
                    "selected": True,
                },
                {"value": "link", "label": "Link by e-mail or SMS"},
                {"value": "signed", "label": "Signed paper, uploaded"},
            ],
            "reference_field": {"name": "reference", "label": "Call id", "required": True},
        },
    ),
    "decide": (
        "console/decide.html",
        {
            "change": CHANGE,
            "policy": POLICY,
            "evidence": EVIDENCE,
            "allowed": True,
            "reasons": REASONS,
            "step_up": True,
        },
    ),
    "revert": ("console/revert.html", REVERT),
    "approvals": (
        "console/approvals.html",
        {
            "cards": [
                CARD,
                {
                    **CARD,
                    "allowed": False,
                    "why_not": "You raised this request.",
                    "risk": "high",
                    "late": True,
                    "due_at": back(hours=1),
                    "rows": ROWS[1:2],
                },
            ]
        },
    ),
    "outbox": (
        "console/outbox.html",
        {
            "messages_sent": [
                MAIL,
                {
                    **MAIL,
                    "channel": "sms",
                    "to": "•••• 4821",
                    "subject": "",
                    "what": "Code",
                    "links": [],
                    "body": "To change your address at Nordlicht Telecom, the code is 481 204. We never ask for it.",
                },
            ]
        },
    ),
    "notices": ("console/notices.html", {"rows": [BOUNCE]}),
    "switch": ("console/switch_client.html", {"clients": CLIENTS}),
    "imports": ("console/imports.html", REPORT),
    "imports-list": (
        "console/imports.html",
        {"may_upload": True, "kinds": REASONS, "imports": [{"url": "#", **REPORT["report"]}]},
    ),
    "403": ("403.html", {"who": "Ines Moreau", "trace_id": "4bf92f3577b34da6"}),
    "409": ("409.html", {}),
    "500": ("500.html", {}),
    "session-ended": ("console/session_ended.html", {"next": "/queue"}),
    "sign-in": ("account/login.html", {"form": SignIn()}),
    "sign-in-refused": ("account/login.html", {"form": SignIn({"login": "sofia"})}),
    "second-factor": ("mfa/authenticate.html", {"form": Code()}),
    "enrol": ("mfa/totp/activate_form.html", {"form": Code(), "totp_svg": QR}),
    "recovery-codes": ("mfa/recovery_codes/index.html", RECOVERY),
    "sign-out": ("account/logout.html", {}),
    "reauthenticate": ("mfa/reauthenticate.html", {"form": Code()}),
    "reset": ("account/password_reset.html", {"form": SignIn()}),
    "confirm": ("portal/confirm.html", {**PUBLIC, "change": ASKED, "statement": STATEMENT}),
    "not-me": ("portal/not_me.html", {**PUBLIC, "change": ASKED}),
    "done": ("portal/done.html", {**PUBLIC, "outcome": "stopped", "reference": "K7QF-2M9X-4T"}),
}
