"""What stands against a change of status."""

from changedesk.base.refusal import Refusal


class MoveImpossible(Refusal):
    """What stands like this cannot be brought to that.

    ``data``: status, operation, possible (what can be done from here).
    """

    code = "move-impossible"
    hint = "Choose one of the operations named here."
    status = "conflict"


class OneOperation(Refusal):
    """A change of status does one thing.

    ``data``: paths.
    """

    code = "one-operation"
    hint = "Ask for each of them by a request of its own, by its name."


class UntilPast(Refusal):
    """The last day that was given is over."""

    code = "until-past"
    hint = "Give today or a later day, or none for an open end."


class NotOfThisOperation(Refusal):
    """This field means nothing for what is to be done.

    ``data``: paths, operation.
    """

    code = "not-of-this-operation"
    hint = "Leave out the fields named here."


class GraceOver(Refusal):
    """The time in which this could be reopened is over: it is closed for good.

    ``data``: grace_until.
    """

    code = "grace-over"
    hint = "Open a new account for the customer."


class GraceWrong(Refusal):
    """A closed record can be reopened for 7 to 90 days.

    ``data``: earliest, latest.
    """

    code = "grace-wrong"
    hint = "Give a day between the two named here, or none for 30 days."
