"""The words of the domain as the pages say them. Keys are those of rules, flow and reading."""

from collections.abc import Iterable, Mapping
from typing import Final

from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from changedesk.base.actor import Channel
from changedesk.rules.values.listed import listed

METHODS: Final = {
    "code_email": _("Code by e-mail"),
    "code_sms": _("Code by SMS"),
    "totp": _("Authenticator app"),
    "callback": _("Call-back"),
    "knowledge": _("Question about the record"),
}
METHOD_HINTS: Final = {
    "code_email": _("The customer reads the code out. It goes to"),
    "code_sms": _("The customer reads the code out. It goes to"),
    "totp": _("The customer reads out the six digits of their app."),
    "callback": _("Hang up, then call the number on record:"),
    "knowledge": _("Counts as V0: it proves nothing by itself."),
}
WHY_NOT: Final = {
    "changed_here": _("This request changes it, so it cannot vouch for the change."),
    "changed_lately": _("It was changed in the last day, so it cannot vouch yet."),
    "forbidden": _("A rule forbids this way for this change."),
}
BLOCKS: Final = {
    "*": _("every change but an opt-out"),
    "payout": _("payouts"),
    "payee": _("new payees"),
    "reset": _("password resets"),
    "reissue": _("reissue of cards and SIMs"),
    "transfer": _("transfer of ownership"),
    "port_out": _("taking the number elsewhere"),
    "erase": _("erasure"),
}
AUDIENCES: Final = {
    "prior_contacts": _("Previous contact points"),
    "new_contacts": _("New contact points"),
    "all_contacts": _("All contact points"),
}
NEEDS: Final = {
    "verification": _("Verification"),
    "consent": _("Consent"),
    "approval": _("Approval"),
    "information": _("An answer from the customer"),
    "review": _("A new look: the record moved"),
    "release": _("Release of the hold"),
    "time": _("Its day to come"),
    "nothing": "",
}
EVENTS: Final = {
    "received": _("Received"),
    "being_processed": _("Being processed"),
    "action_needed": _("Action needed"),
    "completed": _("Completed"),
    "declined": _("Declined"),
    "cancelled": _("Cancelled"),
    "reverted": _("Reverted"),
    "disputed": _("Dispute received"),
    "erased": _("Data erased"),
    "security_requested": _("Security notice: change asked for"),
    "security_applied": _("Security notice: change applied"),
    "challenge": _("Code for a change"),
    "caller": _("Code for a caller"),
    "new_contact": _("Code for a new contact point"),
    "factor_bound": _("Security notice: authenticator bound"),
    "privacy_received": _("Data request received"),
    "privacy_asked": _("Data request: something needed"),
    "privacy_extended": _("Data request: more time"),
    "privacy_refused": _("Data request refused"),
    "privacy_answered": _("Data request answered"),
}
DELIVERY_STATES: Final = {
    "pending": "queued",
    "sending": "running",
    "sent": "sent",
    "shown": "shown",
    "failed": "failed",
    "unconfirmed": "unconfirmed",
}
"""How far a message is, in the chips of the pages."""
STEPS: Final = {
    "received": _("Received"),
    "verified": _("Verified"),
    "consent": _("Consent"),
    "approval": _("Approval"),
    "hold": _("Hold"),
    "applied": _("Applied"),
    "rejected": _("Rejected"),
    "withdrawn": _("Withdrawn"),
    "cancelled": _("Cancelled"),
    "expired": _("Expired"),
    "failed": _("Failed"),
}
STEP_STATES: Final = {"done": "done", "current": "current", "todo": "todo", "skipped": "skipped", "ended": "failed"}
WAYS: Final = {
    "read_aloud": (_("Read aloud on a recorded call"), _("The recording proves it")),
    "written": (_("On paper, signed"), _("The letter proves it")),
    "in_portal": (_("In the portal"), _("The customer's own session proves it")),
    "link_reply": (_("By reply to a message"), _("The reply proves it")),
}
CHANNELS: Final = {
    Channel.PHONE: _("Phone"),
    Channel.CHAT: _("Chat"),
    Channel.EMAIL: _("E-mail"),
    Channel.IN_PERSON: _("In person"),
    Channel.POSTAL: _("Post"),
    Channel.SOCIAL: _("Social media"),
}
"""By which a customer reaches the desk; the other channels have no agent."""
REQUESTERS: Final = {
    "customer": _("The customer"),
    "representative": _("Someone who acts for the customer"),
}
INITIATORS: Final = {
    "customer": _("The customer's"),
    "business": _("Ours"),
    "system": _("Automatic, by rule"),
}
MATCHED: Final = {
    "email": _("E-mail"),
    "phone": _("Phone"),
    "account": _("Number"),
    "name": _("Name"),
    "bank_account": _("Bank account"),
    "reference": _("Reference"),
}
VERDICTS: Final = {"approve": "approved", "reject": "rejected"}
HOLDINGS: Final = {
    "owner": _("owner"),
    "holder": _("holder"),
    "member": _("member"),
    "disponent": _("may dispose of it"),
}
"""What somebody is to an account, of the words that files bring most; another word is shown as it stands."""
COUNTS: Final = {
    "rows": _("Rows read"),
    "taken": _("Taken in"),
    "unchanged": _("Known already, unchanged"),
    "warned": _("Taken in without a field"),
    "refused": _("Refused"),
    "changes": _("Changes recorded"),
}
"""What became of the rows of an import."""
RESOLUTIONS: Final = {
    "customer_confirmed": _("It was the customer after all"),
    "fraud": _("It was not the customer"),
    "expired": _("Could not be cleared up in time"),
}


def method(name: str) -> str:
    return _said(METHODS, name)


def block(name: str) -> str:
    return _said(BLOCKS, name)


def audience(name: str) -> str:
    return _said(AUDIENCES, name)


def event(name: str) -> str:
    return _said(EVENTS, name)


def _said(texts: Mapping[str, object], name: str) -> str:
    return str(texts[name]) if name in texts else name.replace("_", " ").replace(".", " ").capitalize()


def comma(items: Iterable[object]) -> str:
    """Join things by the comma of the page's language."""
    return listed(map(str, items), get_language() or "en")
