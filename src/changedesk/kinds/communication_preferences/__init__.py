"""By which ways the customer hears from us, about what, and when not. Security notices always reach them."""

from datetime import time

from changedesk.base.refusal import Refusal
from changedesk.kinds.kind import Checked, Kind, Proposal
from changedesk.kinds.refusals import LastChannel, QuietHoursUnclear

_CHANNELS, _QUIET = "comms.channels", "comms.quiet_hours"


def check(proposal: Proposal) -> Checked:
    """Keep one channel: whoever cannot be reached cannot be warned."""
    refusals: list[Refusal] = []
    if _CHANNELS in proposal.after and not proposal.value(_CHANNELS):
        refusals.append(LastChannel(paths=[_CHANNELS]))
    hours = proposal.after.get(_QUIET)
    if hours is not None and not _are_hours(str(hours)):
        refusals.append(QuietHoursUnclear(path=_QUIET))
    return Checked(tuple(refusals))


def _are_hours(text: str) -> bool:
    try:
        return len([time.fromisoformat(part) for part in text.split("-")]) == len(("from", "to"))
    except ValueError:
        return False


KIND = Kind(
    name="communication_preferences",
    label={"en": "Communication preferences", "de": "Benachrichtigungen", "ar": "تفضيلات التواصل"},
    icon="bell",
    notice_subject={
        "en": "how we may contact you",
        "de": "wie wir Sie benachrichtigen",
        "ar": "طريقة تواصلنا معك",
    },
    notice_words={
        "comms.security_alerts": {
            "en": "your additional security alerts",
            "de": "Ihre zusätzlichen Sicherheitshinweise",
            "ar": "تنبيهات الأمان الإضافية الخاصة بك",
        },
    },
    form_order=(_CHANNELS, "comms.topics", _QUIET, "comms.security_alerts"),
    check=check,
)
