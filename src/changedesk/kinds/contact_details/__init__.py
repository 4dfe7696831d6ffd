"""How the customer is reached: e-mail, phones, post."""

from changedesk.kinds.kind import Checked, Kind, Proposal
from changedesk.kinds.refusals import LastContactPoint
from changedesk.rules.values import Concern, same


def check(proposal: Proposal) -> Checked:
    """Keep one way to reach the customer; warn when two contact points would be the same."""
    points = proposal.catalogue.contact_points()
    refusals = []
    removes = any(item.path in proposal.after and not proposal.sets(item.path) for item in points)
    if removes and all(proposal.value(item.path) is None for item in points):
        refusals.append(LastContactPoint(paths=[item.path for item in points if item.path in proposal.after]))
    concerns = [
        Concern(item.path, "same_as_other_contact")
        for item in points
        if proposal.sets(item.path)
        and any(
            other.path != item.path
            and other.type is item.type
            and same(item, proposal.value(item.path), proposal.value(other.path))
            for other in points
        )
    ]
    return Checked(tuple(refusals), tuple(concerns))


KIND = Kind(
    name="contact_details",
    label={"en": "Contact details", "de": "Kontaktdaten", "ar": "بيانات الاتصال"},
    icon="contact-round",
    notice_subject={"en": "your contact details", "de": "Ihre Kontaktdaten", "ar": "بيانات الاتصال الخاصة بك"},
    notice_words={
        "contact.email": {"en": "your e-mail address", "de": "Ihre E-Mail-Adresse", "ar": "عنوان بريدك الإلكتروني"},
        "contact.phone_mobile": {"en": "your mobile number", "de": "Ihre Mobilnummer", "ar": "رقم هاتفك المحمول"},
        "contact.phone_home": {
            "en": "your home phone number",
            "de": "Ihre private Telefonnummer",
            "ar": "رقم هاتف منزلك",
        },
        "contact.phone_work": {
            "en": "your work phone number",
            "de": "Ihre berufliche Telefonnummer",
            "ar": "رقم هاتف عملك",
        },
        "contact.fax": {"en": "your fax number", "de": "Ihre Faxnummer", "ar": "رقم الفاكس الخاص بك"},
        "contact.postal_address": {"en": "your postal address", "de": "Ihre Postanschrift", "ar": "عنوانك البريدي"},
        "contact.url": {"en": "your website", "de": "Ihre Website", "ar": "موقعك الإلكتروني"},
    },
    form_order=(
        "contact.email",
        "contact.phone_mobile",
        "contact.phone_home",
        "contact.phone_work",
        "contact.fax",
        "contact.postal_address",
        "contact.url",
    ),
    check=check,
)
