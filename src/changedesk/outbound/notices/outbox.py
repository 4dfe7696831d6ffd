"""The in-app outbox: where a message stays when no way to send it is set up, and where it is shown."""

from uuid import UUID

from changedesk.store.deliveries import Message


class Outbox:
    """Sends nothing. The message stands in its delivery, for people to see."""

    state = "shown"
    repeatable = True

    def send(self, delivery_id: UUID, message: Message) -> str:
        """Leave the message where it is."""
        del delivery_id, message
        return ""
