"""A typed "no". Channels turn it into their own form; nothing below them knows HTTP."""

from collections.abc import Mapping
from typing import ClassVar


class Refusal(Exception):  # noqa: N818 - the domain's word; a refusal is an answer, not an error of the program
    """This cannot be done as asked.

    The class docstring is the sentence that people read, ``code`` is what programs match, ``hint`` says what to do
    next. ``data`` holds facts for programs (ids, field paths, limits), never a personal value.
    """

    code: ClassVar[str] = "refused"
    hint: ClassVar[str] = ""
    status: ClassVar[str] = "unprocessable"
    """How it counts: unprocessable, conflict, forbidden, missing, stale, too_many, in_flight, unavailable."""

    def __init__(self, **data: object) -> None:
        self.data: Mapping[str, object] = data
        super().__init__(self.code)

    @property
    def sentence(self) -> str:
        """The sentence for people, as the class states it."""
        return " ".join((type(self).__doc__ or "").strip().split("\n\n", 1)[0].split())


class Forbidden(Refusal):
    """You do not have the permission that this needs."""

    code = "forbidden"
    hint = "Ask an administrator of this client for the permission named here."
    status = "forbidden"


class NotFound(Refusal):
    """There is nothing here by that name for this client."""

    code = "not-found"
    hint = "Check the reference, and that you work in the right client."
    status = "missing"
