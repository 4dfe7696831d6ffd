"""Where an address that a client gave leads, as this machine sees it: asked when it is set, and when it is used."""

import queue
import socket
import threading
from ipaddress import ip_address
from typing import Final

from changedesk.rules.egress import Reach

SECONDS: Final = 3.0
"""How long whoever sets an address waits for its name."""
_ANY_PORT: Final = 9


def resolved(host: str, port: int) -> list[str]:
    """Ask the system for a host's addresses. It keeps to its own time, which no deadline of ours shortens."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(one[4][0]) for one in found))


def leads_inside(host: str, port: int, reach: Reach) -> bool:
    """Say whether a host has an address that nothing is sent to. One that nobody knows by now has none."""
    return not reach.inside and not all(may_reach(one, reach) for one in _in_time(host, port))


def may_reach(address: str, reach: Reach) -> bool:
    """Say whether something may be sent to an IP address: never to this machine, unless anything goes."""
    return reach.inside or not (reach.refuses(ip_address(address)) or _own(address))


def _own(address: str) -> bool:
    """Say whether an address is one of this machine's: it is if what went there came from it. Nothing is sent."""
    with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM) as way:
        try:
            way.connect((address, _ANY_PORT))
            return str(way.getsockname()[0]) == address
        except OSError:
            return False


def _in_time(host: str, port: int) -> list[str]:
    answer = queue.SimpleQueue[list[str]]()

    def ask() -> None:
        try:
            answer.put(resolved(host, port))
        except (OSError, UnicodeError):
            answer.put([])

    threading.Thread(target=ask, daemon=True).start()
    try:
        return answer.get(timeout=SECONDS)
    except queue.Empty:
        return []
