"""Where the desk may send to when a client names the address: out into the public network, and nowhere inside.

Pure: names are resolved by whoever connects (``outbound.hooks.line``), who asks ``Reach.refuses`` about each
address found and connects to one that was asked about.
"""

import re
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Final
from urllib.parse import urlsplit

LONGEST: Final = 500
_NOT_V4: Final = tuple(
    IPv4Network(one)
    for one in (
        "0.0.0.0/8",  # this network
        "10.0.0.0/8",
        "100.64.0.0/10",  # shared by carriers (RFC 6598); metadata of some clouds
        "127.0.0.0/8",
        "168.63.129.16/32",  # the host of a machine in Azure
        "169.254.0.0/16",  # link-local; metadata of most clouds
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.88.99.0/24",  # relays of 6to4
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, and broadcast
    )
)
"""IANA's special-purpose registry (RFC 6890) and what stands beside it, named here: ``is_global`` of the standard
library calls multicast and wrapped addresses global."""
_V6: Final = IPv6Network("2000::/3")
"""All that was given out for the public network (RFC 4291). Outside of it: loopback, link-local, unique local,
multicast, IPv4 mapped or wrapped by NAT64 (64:ff9b::/96, 64:ff9b:1::/48)."""
_NOT_V6: Final = tuple(
    IPv6Network(one)
    for one in (
        "2001::/23",  # protocols' own: Teredo wraps IPv4
        "2001:db8::/32",
        "2002::/16",  # 6to4 wraps IPv4
        "3fff::/20",
    )
)
_LABEL: Final = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?")
_NUMBER: Final = re.compile(r"[0-9]+|0x[0-9a-f]*")
"""A last label of which readers make an IPv4 address, in whatever form (WHATWG URL, section 3.5)."""
_BLANK: Final = re.compile(r"[\x00-\x20\x7f-\x9f]")
_INSIDE: Final = ("localhost", "local", "internal", "home.arpa")


class AddressUnfit(ValueError):  # noqa: N818 - says what is so
    """An address that nothing is sent to. ``reason`` is a sentence without the address."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


@dataclass(frozen=True, slots=True)
class Address:
    """A web address. ``host`` is a name in ASCII, or an IP address without brackets; ``target``: path and query."""

    scheme: str
    host: str
    port: int
    target: str = field(default="/", repr=False)

    @property
    def place(self) -> str:
        """What people may read of it: paths and queries may hold a password of the other side."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"


_PORTS: Final = {"https": 443, "http": 80}
Found = IPv4Address | IPv6Address


@dataclass(frozen=True, slots=True)
class Reach:
    """How far an installation lets hooks lead: out into the public network, and wherever else its operator says.

    ``inside``: anywhere, and over http. ``ranges``: networks that are not public and allowed all the same. ``own``: the
    names that the desk itself answers to; one that starts with a dot stands for all below it.
    """

    inside: bool = False
    ranges: tuple[IPv4Network | IPv6Network, ...] = ()
    own: frozenset[str] = frozenset()

    def refuses(self, address: Found) -> bool:
        """Say whether nothing may be sent to an address."""
        return not self.inside and refused(address) and not any(address in one for one in self.ranges)

    def is_own(self, host: str) -> bool:
        """Say whether a name or an IP address is the desk's own."""
        shown = f"[{host}]" if ":" in host else host
        return any(shown == one or (one.startswith(".") and f".{host}".endswith(one)) for one in self.own)


PUBLIC: Final = Reach()
ANYWHERE: Final = Reach(inside=True)


def read(text: str, reach: Reach) -> Address:
    """Read a web address to send to.

    Raises AddressUnfit. An address that is told as a name may still lead inside: ``Reach.refuses`` is asked about what
    it resolves to, each time.
    """
    if len(text) > LONGEST or _BLANK.search(text) or "\\" in text:
        raise AddressUnfit(f"use at most {LONGEST} signs, without blanks or backslashes")
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise AddressUnfit("this cannot be read as a web address") from None
    if parts.scheme != "https" and not (reach.inside and parts.scheme == "http"):
        raise AddressUnfit("use an address that starts with https://")
    if "@" in parts.netloc:
        raise AddressUnfit("leave out the name and password: what is sent is signed")
    if "#" in text:
        raise AddressUnfit("leave out what follows #")
    if port == 0:
        raise AddressUnfit("this port does not exist")
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    if not target.isascii():
        raise AddressUnfit("write letters of the path that are not ASCII as % and two digits")
    host = _host(parts.hostname or "", reach)
    if ("[" in parts.netloc) != (":" in host):
        raise AddressUnfit("this cannot be read as a web address")
    if not reach.inside and reach.is_own(host):
        raise AddressUnfit("this is an address of the desk itself")
    return Address(parts.scheme, host, port or _PORTS[parts.scheme], target)


def _host(host: str, reach: Reach) -> str:
    try:
        found = ip_address(host)
    except ValueError:
        # Where networks inside are allowed, names of theirs are: what they resolve to decides.
        return _name(host, inside=reach.inside or bool(reach.ranges))
    if reach.refuses(found):
        raise AddressUnfit("this address is not in the public network")
    return str(found)


def _name(host: str, *, inside: bool) -> str:
    try:
        name = host.removesuffix(".").encode("idna").decode("ascii").lower()
    except UnicodeError:
        raise AddressUnfit("this host name cannot be read") from None
    labels = name.split(".")
    if _NUMBER.fullmatch(labels[-1]):
        raise AddressUnfit("write an IP address as four numbers with dots")
    if not all(_LABEL.fullmatch(label) for label in labels):
        raise AddressUnfit("this host name cannot be read")
    within = len(labels) == 1 or any(name == one or name.endswith(f".{one}") for one in _INSIDE)
    if within and not inside:
        raise AddressUnfit("this name is not in the public network")
    return name


def refused(address: Found) -> bool:
    """Say whether an address lies anywhere but in the public network."""
    if isinstance(address, IPv4Address):
        return any(address in one for one in _NOT_V4)
    return address.scope_id is not None or address not in _V6 or any(address in one for one in _NOT_V6)
