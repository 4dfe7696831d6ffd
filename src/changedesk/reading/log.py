"""How far the log is, and how far behind those who follow it are."""

from changedesk.base.actor import Actor
from changedesk.base.refusal import Forbidden
from changedesk.reading.panels import LogPanel
from changedesk.rules import access
from changedesk.rules.access import Verb
from changedesk.store import log
from changedesk.store.tx import look


def state(*, actor: Actor) -> LogPanel:
    """Return the log's size and each consumer's lag in entries. For who reads the feed or the settings.

    Raises Forbidden.
    """
    if not access.may(actor, Verb.FEED_READ) and not access.may(actor, Verb.CONFIGURE_READ):
        raise Forbidden(verb=str(Verb.FEED_READ))
    with look(actor.client) as seen:
        size = log.size(seen)
        return LogPanel(size=size, behind={name: size - place for name, place in log.cursors(seen).items()})
