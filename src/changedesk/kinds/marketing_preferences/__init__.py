"""Which marketing the customer wants, by channel, topic and frequency. Opting out is never harder than opting in."""

from changedesk.kinds.kind import Checked, Kind, Proposal
from changedesk.rules.values import Concern

_CHANNELS = ("pref.marketing_email", "pref.marketing_sms", "pref.marketing_phone", "pref.marketing_post")
_CONTENT = ("pref.marketing_topics", "pref.marketing_frequency")


def check(proposal: Proposal) -> Checked:
    """Clear topics and frequency when the last channel is switched off."""
    channels = [path for path in _CHANNELS if path in proposal.catalogue]
    if any(proposal.value(path) is True for path in channels) or not channels:
        return Checked()
    if not any(path in proposal.after for path in (*channels, *_CONTENT)):
        return Checked()
    left = [path for path in _CONTENT if path in proposal.catalogue and proposal.value(path) is not None]
    # Never a refusal: an opt-out is in force whatever else was asked with it.
    told = tuple(Concern(path, "frequency_without_channel") for path in left if proposal.sets(path))
    return Checked(concerns=told, follows=dict.fromkeys(left))


KIND = Kind(
    name="marketing_preferences",
    label={"en": "Marketing preferences", "de": "Werbeeinstellungen", "ar": "تفضيلات التسويق"},
    icon="megaphone",
    notice_subject={
        "en": "your marketing preferences",
        "de": "Ihre Werbeeinstellungen",
        "ar": "تفضيلات التسويق الخاصة بك",
    },
    notice_words={},
    form_order=(*_CHANNELS, *_CONTENT),
    check=check,
)
