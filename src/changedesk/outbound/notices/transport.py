"""What carries a message to one contact point, and how it says that it could not."""

from typing import Protocol
from uuid import UUID

from changedesk.store.deliveries import Message


class NotSent(Exception):  # noqa: N818 - an answer of the way, not a fault of the program
    """A message was not handed over. ``word`` is a code for people and programs, never text from the other side."""

    def __init__(self, word: str) -> None:
        self.word = word
        super().__init__(word)


class Temporary(NotSent):
    """Not handed over now; it may work later."""


class Permanent(NotSent):
    """Not handed over, and trying again changes nothing."""


class Unknown(NotSent):
    """Handed over perhaps: the other side did not say. Sending again could tell twice."""


class Transport(Protocol):
    """One way to send."""

    @property
    def state(self) -> str:
        """What a message is afterwards: ``sent``, or ``shown`` when it never left the program."""

    @property
    def repeatable(self) -> bool:
        """Whether the other side takes a second try under the same delivery id as the first one."""

    def send(self, delivery_id: UUID, message: Message) -> str:
        """Hand a message over; return the other side's id for it, which may be empty. Raises NotSent."""
