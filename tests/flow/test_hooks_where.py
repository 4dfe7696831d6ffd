"""A hook that leads inside is refused when it is set, whatever its name resolves to, unless the operator allowed it."""

import socket
import threading
from ipaddress import IPv4Network, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pytest_django.fixtures import Settings
from tests.cast import START, Desk, staff

from changedesk.base.actor import Actor, Role
from changedesk.flow import hooks
from changedesk.flow.hooks import HookChange, HookUnfit, NewHook
from changedesk.outbound.hooks.line import Line, NotTaken
from changedesk.rules.egress import PUBLIC, Reach, read, refused
from changedesk.store import network

NAME = "hooks.example.com"
URL = f"https://{NAME}/in"


@pytest.fixture
def ada(d: Desk) -> Actor:
    return staff(d.client, 9, Role.ADMINISTRATOR)


def leads(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> None:
    monkeypatch.setattr(network, "resolved", lambda *_: list(addresses))


@pytest.mark.parametrize(
    "addresses",
    [
        ["127.0.0.1"],
        ["::1"],
        ["10.1.2.3"],
        ["169.254.169.254"],
        ["fe80::1"],
        ["64:ff9b::7f00:1"],
        ["8.8.8.8", "10.0.0.1"],
    ],
)
def test_a_name_that_leads_inside_is_refused_when_it_is_set(
    ada: Actor, monkeypatch: pytest.MonkeyPatch, addresses: list[str]
) -> None:
    leads(monkeypatch, "8.8.8.8")
    made = hooks.register_hook(NewHook(url=URL), actor=ada, at=START)
    leads(monkeypatch, *addresses)
    with pytest.raises(HookUnfit) as unfit:
        hooks.register_hook(NewHook(url=URL), actor=ada, at=START)
    assert unfit.value.data["path"] == "url"
    assert addresses[0] not in str(unfit.value.data)
    with pytest.raises(HookUnfit):
        hooks.change_hook(made.id, HookChange(url=URL), actor=ada, at=START)
    assert hooks.change_hook(made.id, HookChange(kinds=["contact_details"]), actor=ada, at=START) is False


def test_a_range_that_the_operator_allowed_is_led_to_and_nothing_else_inside(
    ada: Actor, monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    settings.CHANGEDESK_HOOKS_RANGES = [ip_network("10.1.0.0/16"), ip_network("fd00:1::/32")]
    leads(monkeypatch, "10.1.2.3")
    for url in (URL, "https://10.1.2.3/in", "https://[fd00:1::7]/in", "https://crm.corp.internal/in", "https://crm/in"):
        hooks.register_hook(NewHook(url=url), actor=ada, at=START)
    leads(monkeypatch, "10.2.0.1")
    for url in (
        URL,
        "https://10.2.0.1/in",
        "https://[fd00:2::7]/in",
        "https://crm.corp.internal/in",
        "http://10.1.2.3/",
    ):
        with pytest.raises(HookUnfit):
            hooks.register_hook(NewHook(url=url), actor=ada, at=START)


def test_the_desk_itself_is_refused_by_its_name_and_by_its_address(
    ada: Actor, monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    settings.ALLOWED_HOSTS = ["desk.example.com", ".desks.example.com", "[2a00::1]"]
    for host in ("desk.example.com", "DESK.example.com.", "a.desks.example.com", "desks.example.com", "[2a00::1]"):
        with pytest.raises(HookUnfit) as unfit:
            hooks.register_hook(NewHook(url=f"https://{host}/"), actor=ada, at=START)
        assert unfit.value.data["reason"] == "this is an address of the desk itself"
    # Whatever this machine is reached by: here its loopback, as if it were an address of the public network.
    settings.CHANGEDESK_HOOKS_RANGES = [IPv4Network("127.0.0.0/8")]
    leads(monkeypatch, "127.0.0.1")
    with pytest.raises(HookUnfit):
        hooks.register_hook(NewHook(url=URL), actor=ada, at=START)


def test_nothing_is_sent_to_this_machine_by_a_range_that_is_allowed() -> None:
    reach = Reach(ranges=(IPv4Network("127.0.0.0/8"),))
    line = Line(reach=reach, resolve=lambda *_: ["127.0.0.1"])
    with pytest.raises(NotTaken) as caught:
        line.post(read(URL, reach), [], b"{}")
    assert caught.value.word == "address-refused"


def test_a_name_that_nobody_knows_yet_is_taken_and_checked_at_sending(
    ada: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nobody(*_: object) -> list[str]:
        raise socket.gaierror

    monkeypatch.setattr(network, "resolved", nobody)
    hooks.register_hook(NewHook(url=URL), actor=ada, at=START)


def test_whoever_sets_an_address_does_not_wait_for_a_name_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    over = threading.Event()
    monkeypatch.setattr(network, "SECONDS", 0.05)
    monkeypatch.setattr(network, "resolved", lambda *_: over.wait(20) and [])
    assert network.leads_inside(NAME, 443, PUBLIC) is False
    over.set()


@given(st.ip_addresses(), st.ip_addresses(v=4), st.integers(0, 32))
def test_only_ranges_open_what_is_not_public(found: object, net: object, length: int) -> None:
    reach = Reach(ranges=(IPv4Network(f"{net}/{length}", strict=False),))
    for one in (found, net):
        assert reach.refuses(one) is (refused(one) and one not in reach.ranges[0])  # type: ignore[arg-type]  # addresses
