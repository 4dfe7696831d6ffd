"""Who is told: the consumers of a client's log, each with its own place in it, and the sequencer that feeds them."""

from typing import NamedTuple, Protocol

from changedesk.base.actor import automation
from changedesk.base.ids import ClientId
from changedesk.outbound import find, publish, trends
from changedesk.outbound.hooks import follow
from changedesk.outbound.notices import alarm, decide, send
from changedesk.outbound.publish import anchors, witnesses
from changedesk.store import log
from changedesk.store.begin import begin


class Run(Protocol):
    """A bounded piece of work for one client; returns how much was done, 0 when there was nothing."""

    def __call__(self, client_id: int) -> int: ...


class Duty(NamedTuple):
    """Something that a worker does again and again. Several workers may do it at once."""

    name: str
    run: Run


def sequence(client_id: int) -> int:
    """Give a client's staged entries their places in its log; return how many entries that were."""
    with begin(automation(ClientId(client_id), "sequencer")) as tx:
        return log.sequence(tx)


def duties() -> list[Duty]:
    """Return the duties in the order in which an entry passes through them."""
    return [
        Duty("log.sequence", sequence),
        Duty("notices.decide", decide.run),
        Duty("log.find", find.run),
        Duty("log.count", trends.run),
        Duty("notices.send", send.run),
        Duty("notices.lapse", send.lapse),
        Duty("notices.again", decide.again),
        Duty("hooks.sweep", follow.sweep),
        Duty("log.alarm", alarm.run),
        Duty("log.publish", publish.run),
        Duty("log.anchor", anchors.run),
        Duty("log.witness", witnesses.run),
    ]
