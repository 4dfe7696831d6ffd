"""Hooks: the client's own systems are told of each event, signed, at least once, each at its own pace."""

from changedesk.outbound.hooks.line import Line
from changedesk.outbound.hooks.send import Sender, Tell
from changedesk.store.hooks import Delivery, reach

__all__ = ["Delivery", "Line", "Sender", "Tell", "sender"]


def sender(tell: Tell) -> Sender:
    """Return what sends to hooks from this process, as far as the installation lets them lead."""
    return Sender(Line(reach=reach()), tell)
