"""How the customer pays: billing address, method, card token, bank account."""

from collections.abc import Mapping

from changedesk.base.refusal import Refusal
from changedesk.kinds.kind import Checked, Kind, Proposal
from changedesk.kinds.refusals import CardExpired, MethodWithoutMeans
from changedesk.rules.fields import FieldType
from changedesk.rules.values import Concern
from changedesk.rules.values.bank import bank_country
from changedesk.rules.values.card import months_left
from changedesk.rules.values.money import currency_of

_METHOD, _CARD, _BANK, _ADDRESS = "payment.method", "payment.card", "payment.bank_account", "payment.billing_address"
_MEANS: Mapping[str, str] = {
    "card": _CARD,
    "credit_card": _CARD,
    "direct_debit": _BANK,
    "electronic_check": _BANK,
}
"""What a payment method is paid from. Other methods (invoice, transfer) need nothing on record."""
_SOON_MONTHS = 2


def check(proposal: Proposal) -> Checked:
    """Refuse expired cards and methods left without means; warn of accounts abroad and cards that end soon."""
    refusals: list[Refusal] = []
    concerns: list[Concern] = []
    card = proposal.after.get(_CARD)
    if isinstance(card, Mapping):
        left = months_left(card, proposal.at.date())
        if left < 0:
            refusals.append(CardExpired(path=_CARD))
        elif left < _SOON_MONTHS:
            concerns.append(Concern(_CARD, "card_expires_soon"))
    means = _MEANS.get(str(proposal.value(_METHOD)))
    lacking = means in proposal.catalogue and proposal.value(str(means)) is None
    if lacking and means in proposal.after:
        refusals.append(MethodWithoutMeans(path=means))
    elif lacking and proposal.sets(_METHOD):
        concerns.append(Concern(_METHOD, "method_without_means"))
    if proposal.sets(_BANK):
        concerns += _abroad(proposal)
    return Checked(tuple(refusals), tuple(concerns))


def _abroad(proposal: Proposal) -> list[Concern]:
    country = bank_country(proposal.after[_BANK])
    billing = proposal.value(_ADDRESS)
    found = []
    if isinstance(billing, Mapping) and billing["country"] != country:
        found.append(Concern(_BANK, "account_country"))
    amounts = [proposal.value(item.path) for item in proposal.catalogue if item.type is FieldType.MONEY]
    currencies = {amount["currency"] for amount in amounts if isinstance(amount, Mapping)}
    if currencies and currency_of(country) not in currencies:
        found.append(Concern(_BANK, "account_currency"))
    return found


KIND = Kind(
    name="billing_payment",
    label={"en": "Billing and payment", "de": "Rechnung und Zahlung", "ar": "الفواتير والدفع"},
    icon="credit-card",
    notice_subject={"en": "your payment details", "de": "Ihre Zahlungsdaten", "ar": "بيانات الدفع الخاصة بك"},
    notice_words={
        _ADDRESS: {"en": "your billing address", "de": "Ihre Rechnungsadresse", "ar": "عنوان الفواتير الخاص بك"},
        _METHOD: {"en": "your payment method", "de": "Ihre Zahlungsart", "ar": "طريقة الدفع الخاصة بك"},
        _CARD: {"en": "your payment card", "de": "Ihre Zahlungskarte", "ar": "بطاقة الدفع الخاصة بك"},
        _BANK: {"en": "your bank account", "de": "Ihr Bankkonto", "ar": "حسابك المصرفي"},
    },
    form_order=(_METHOD, _CARD, _BANK, _ADDRESS),
    check=check,
)
