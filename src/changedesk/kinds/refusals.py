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


class OperationDiffers(Refusal):
    """The values do something else than the operation that was chosen.

    ``data``: operation, values.
    """

    code = "operation-differs"
    hint = "Choose the operation named here, or correct the values."


class LastChannel(Refusal):
    """The customer would get no message at all, not even about their security."""

    code = "last-channel"
    hint = "Leave at least one channel on."


class QuietHoursUnclear(Refusal):
    """Quiet hours are two times of day."""

    code = "quiet-hours-unclear"
    hint = "Write them like 22:00-07:00."


class SlotIncomplete(Refusal):
    """Something that belongs to this entry is missing.

    ``data``: missing (field paths).
    """

    code = "slot-incomplete"
    hint = "Fill in the fields named here, or remove the whole entry."


class GrantEnded(Refusal):
    """The last day of a permission must be to come."""

    code = "grant-ended"
    hint = "Give a later day, none at all, or revoke the permission."


class NoPlan(Refusal):
    """The account would be left without a plan."""

    code = "no-plan"
    hint = "Choose another plan; to end the contract, close the account."
