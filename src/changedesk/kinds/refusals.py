"""Refusals of the rules that look at several fields of one change."""

from changedesk.base.refusal import Refusal


class LastContactPoint(Refusal):
    """The customer would have no way left to be reached.

    At least one e-mail address, phone number or postal address must remain.
    """

    code = "last-contact-point"
    hint = "Add another contact point in the same change, or keep this one."


class CardExpired(Refusal):
    """The card has expired."""

    code = "card-expired"
    hint = "Ask the customer for a card that is still valid."


class MethodWithoutMeans(Refusal):
    """The payment method in use needs what this change removes."""

    code = "method-without-means"
    hint = "Choose another payment method in the same change, or give a new card or account."


class NameRequired(Refusal):
    """The customer must keep a name."""

    code = "name-required"
    hint = "Write the new name instead of removing the old one."
