"""What a client names as an address leads out into the public network, in whatever form it is written."""

import ipaddress
from contextlib import suppress

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from changedesk.rules import egress
from changedesk.rules.egress import Address, AddressUnfit

INSIDE = [
    "0.0.0.0",  # noqa: S104 - the address itself
    *("0.1.2.3", "10.0.0.1", "10.255.255.255", "100.64.0.1", "100.100.100.200", "100.127.255.255"),
    *("127.0.0.1", "127.255.255.254", "168.63.129.16", "169.254.169.254", "169.254.0.1", "172.16.0.1"),
    *("172.31.255.255", "192.0.0.192", "192.0.2.1", "192.88.99.1", "192.168.1.1", "198.18.0.1", "198.19.255.255"),
    *("198.51.100.1", "203.0.113.7", "224.0.0.1", "239.255.255.250", "240.0.0.1", "255.255.255.255"),
    *("::", "::1", "::ffff:127.0.0.1", "::ffff:8.8.8.8", "::127.0.0.1", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe"),
    *("64:ff9b:1::1", "100::1", "2001::1", "2001:db8::1", "2002:7f00:1::", "3fff::1", "5f00::1", "fc00::1"),
    *("fd00:ec2::254", "fe80::1", "fe80::1%eth0", "fec0::1", "ff02::1", "4000::1"),
]
OUTSIDE = [
    *("1.1.1.1", "8.8.8.8", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.255.255.255"),
    *("128.0.0.1", "168.63.129.15", "169.253.255.255", "172.15.255.255", "172.32.0.0", "192.167.255.255"),
    *("198.17.255.255", "198.20.0.0", "223.255.255.255", "2606:4700::1111", "2a00:1450:4001::1", "2001:200::1"),
]


@pytest.mark.parametrize("text", INSIDE)
def test_nothing_is_sent_inside(text: str) -> None:
    assert egress.refused(ipaddress.ip_address(text))
    host = f"[{text.replace('%', '%25')}]" if ":" in text else text
    with pytest.raises(AddressUnfit):
        egress.read(f"https://{host}/x", egress.PUBLIC)


@pytest.mark.parametrize("text", OUTSIDE)
def test_the_public_network_is_reached(text: str) -> None:
    assert not egress.refused(ipaddress.ip_address(text))
    host = f"[{text}]" if ":" in text else text
    assert egress.read(f"https://{host}/x", egress.PUBLIC).host == text


_WRAPPED = [ipaddress.IPv6Network(one) for one in ("::ffff:0:0/96", "64:ff9b::/96", "64:ff9b:1::/96", "::/96")]


@given(st.ip_addresses(v=4), st.sampled_from(_WRAPPED))
def test_no_address_of_the_old_network_comes_through_wrapped(v4: ipaddress.IPv4Address, net: object) -> None:
    assert isinstance(net, ipaddress.IPv6Network)
    assert egress.refused(ipaddress.IPv6Address(int(net.network_address) + int(v4)))
    assert egress.refused(ipaddress.IPv6Address((0x2002 << 112) + (int(v4) << 80)))


@given(st.ip_addresses())
def test_what_the_registry_calls_private_is_refused(found: ipaddress.IPv4Address | ipaddress.IPv6Address) -> None:
    if not found.is_global or found.is_multicast:
        assert egress.refused(found)


@given(st.ip_addresses(v=4), st.sampled_from(["{:d}", "0x{:x}", "0{:o}", "{:#X}"]), st.integers(1, 4))
@example(ipaddress.IPv4Address("127.0.0.1"), "{:d}", 1)
@example(ipaddress.IPv4Address("169.254.169.254"), "0{:o}", 4)
def test_no_other_writing_of_an_address_is_read(v4: ipaddress.IPv4Address, form: str, parts: int) -> None:
    """As inet_aton(3) reads it: one to four numbers, each decimal, octal or hexadecimal."""
    octets = list(v4.packed)
    head, rest = octets[: parts - 1], int.from_bytes(bytes(octets[parts - 1 :]))
    text = ".".join(form.format(one) for one in (*head, rest))
    with suppress(AddressUnfit):
        assert egress.read(f"https://{text}/", egress.PUBLIC).host == str(v4) == text


@pytest.mark.parametrize(
    "text",
    [
        *("", "https://", "https:///x", "http://hooks.example.com/", "ftp://hooks.example.com/", "hooks.example.com"),
        *("https://user@hooks.example.com/", "https://user:word@hooks.example.com/", "https://a@b@c.example/"),
        *("https://hooks.example.com/#x", "https://hooks.example.com/#", "https://hooks.example.com:0/"),
        *("https://hooks.example.com:99999/", "https://hooks.example.com:x/", "https://[::1", "https://[v1.x]/"),
        *("https://hooks example.com/", "https://hooks.example.com/\n", "https://hooks.example.com\\@evil.example/"),
        *("https://localhost/", "https://LOCALHOST./", "https://db/", "https://x.internal/", "https://x.local/"),
        *("https://a.localhost/", "https://-x.example/", "https://x..example/", "https://" + "x" * 64 + ".example/"),
        *("https://hooks.example.com/" + "x" * 500, "https://127.1/", "https://0x7f.1/", "https://2130706433/"),
        *("https://ex%41mple.com/", "https://hooks.example.com/\u00e9", "https://1.2.3.0x/"),
    ],
)
def test_what_is_no_public_web_address_is_refused_without_repeating_it(text: str) -> None:
    with pytest.raises(AddressUnfit) as caught:
        egress.read(text, egress.PUBLIC)
    assert caught.value.reason
    assert "example.com" not in caught.value.reason


@pytest.mark.parametrize(
    ("text", "found", "place"),
    [
        (
            "https://hooks.example.com/in?key=1",
            Address("https", "hooks.example.com", 443, "/in?key=1"),
            "hooks.example.com",
        ),
        ("https://Hooks.Example.com.:8443/", Address("https", "hooks.example.com", 8443), "hooks.example.com:8443"),
        ("https://b\u00fccher.example/", Address("https", "xn--bcher-kva.example", 443), "xn--bcher-kva.example"),
        ("https://[2606:4700::1111]:444/", Address("https", "2606:4700::1111", 444), "[2606:4700::1111]:444"),
        ("https://my_host.example/", Address("https", "my_host.example", 443), "my_host.example"),
    ],
)
def test_an_address_is_read_and_people_see_its_host_alone(text: str, found: Address, place: str) -> None:
    assert egress.read(text, egress.PUBLIC) == found
    assert found.place == place


@pytest.mark.parametrize("text", ["http://127.0.0.1:8080/x", "https://localhost/", "http://db/", "http://[::1]:80/"])
def test_where_things_are_tried_out_the_inside_is_reached(text: str) -> None:
    assert egress.read(text, egress.ANYWHERE).host in {"127.0.0.1", "localhost", "db", "::1"}


@given(text=st.text(max_size=60), reach=st.sampled_from([egress.PUBLIC, egress.ANYWHERE]))
def test_whatever_is_given_is_read_or_refused(text: str, reach: egress.Reach) -> None:
    for given_ in (text, f"https://{text}/"):
        with suppress(AddressUnfit):
            found = egress.read(given_, reach)
            assert found.host
            assert 0 < found.port < 65536
