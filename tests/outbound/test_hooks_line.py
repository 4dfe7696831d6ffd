"""Whatever a name resolves to, and however often it changes its mind, nothing inside is connected to."""

import socket
import ssl
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st
from tests.outbound.hooked import Receiver

from changedesk.outbound.hooks.line import Line, NotTaken
from changedesk.rules import egress
from changedesk.store.network import resolved

NAME = "hooks.example.com"


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as made:
        yield made


def word(line: Line, url: str) -> str:
    with pytest.raises(NotTaken) as caught:
        line.post(egress.read(url, egress.ANYWHERE), [], b"{}")
    line.close()
    return caught.value.word


@given(st.lists(st.ip_addresses(), min_size=1, max_size=4))
def test_only_addresses_of_the_public_network_are_connected_to(found: list[IPv4Address | IPv6Address]) -> None:
    tried: list[str] = []

    def connect(to: tuple[str, int], _seconds: float) -> socket.socket:
        tried.append(to[0])
        raise RuntimeError

    nobody = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # to read whom the system trusts takes long
    line = Line(resolve=lambda *_: [str(one) for one in found], connect=connect, trust=nobody)
    public = [str(one) for one in found if not egress.refused(one)]
    if public:
        with pytest.raises(RuntimeError):
            line.post(egress.read(f"https://{NAME}/", egress.PUBLIC), [], b"")
        assert tried == public[:1]
    else:
        assert word(line, f"https://{NAME}/") == "address-refused"
        assert tried == []


@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "::ffff:127.0.0.1", "169.254.169.254", "10.0.0.1"])
def test_a_name_that_leads_inside_is_not_followed(receiver: Receiver, address: str) -> None:
    line = Line(resolve=lambda *_: [address])
    assert word(line, f"http://{NAME}:{receiver.port}/") == "address-refused"
    assert receiver.got == []


def test_a_name_is_resolved_once_and_what_was_checked_is_connected_to(receiver: Receiver) -> None:
    """The second answer of a rebinding name is never asked for."""
    answers = iter([["127.0.0.1"], ["169.254.169.254"]])
    line = Line(reach=egress.ANYWHERE, resolve=lambda *_: next(answers))
    assert line.post(egress.read(f"http://{NAME}:{receiver.port}/a?b=c", egress.ANYWHERE), [], b"{}") == 200
    line.close()
    assert next(answers) == ["169.254.169.254"]
    (sent,) = receiver.got
    assert (sent.headers["Host"], sent.path) == (f"{NAME}:{receiver.port}", "/a?b=c")


def test_the_next_address_is_tried_where_one_does_not_answer(receiver: Receiver) -> None:
    line = Line(reach=egress.ANYWHERE, resolve=lambda *_: ["::1", "127.0.0.1"])
    assert line.post(egress.read(f"http://{NAME}:{receiver.port}/", egress.ANYWHERE), [], b"{}") == 200
    line.close()


def test_other_writings_of_an_address_are_resolved_before_they_are_checked() -> None:
    for text in ("2130706433", "0x7f000001", "0177.0.0.1", "127.1"):
        try:
            found = resolved(text, 443)
        except OSError:
            continue
        assert all(egress.refused(ip_address(one)) for one in found), text


def test_a_name_that_nobody_knows_is_said_so() -> None:
    def nobody(*_: object) -> list[str]:
        raise socket.gaierror

    assert word(Line(resolve=nobody), f"https://{NAME}/") == "name-unknown"
    assert word(Line(resolve=lambda *_: []), f"https://{NAME}/") == "address-refused"


@pytest.fixture(scope="module")
def vouched(tmp_path_factory: pytest.TempPathFactory) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """Contexts of a server that proves to be NAME, and of who trusts its certificate."""
    place: Path = tmp_path_factory.mktemp("tls")
    own, who = ec.generate_private_key(ec.SECP256R1()), x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, NAME)])
    at = datetime.now(UTC)
    made = (
        x509.CertificateBuilder().subject_name(who).issuer_name(who).public_key(own.public_key())
        .serial_number(x509.random_serial_number()).not_valid_before(at - timedelta(days=1))
        .not_valid_after(at + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(NAME)]), critical=False)
        .sign(own, hashes.SHA256())
    )  # fmt: skip
    (place / "cert").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    key = own.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (place / "key").write_bytes(key)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(place / "cert", place / "key")
    return server, ssl.create_default_context(cafile=str(place / "cert"))


def test_tls_speaks_of_the_name_and_only_who_proves_it_is_sent_anything(
    receiver: Receiver, vouched: tuple[ssl.SSLContext, ssl.SSLContext]
) -> None:
    server, trust = vouched
    asked: list[str | None] = []
    server.sni_callback = lambda _socket, name, _context: asked.append(name)
    receiver.tls(server)
    line = Line(reach=egress.ANYWHERE, resolve=lambda *_: ["127.0.0.1"], trust=trust)
    assert line.post(egress.read(f"https://{NAME}:{receiver.port}/", egress.ANYWHERE), [], b"{}") == 200
    line.close()
    assert asked == [NAME]
    stranger = Line(reach=egress.ANYWHERE, resolve=lambda *_: ["127.0.0.1"], trust=trust)
    assert word(stranger, f"https://other.example.com:{receiver.port}/") == "certificate-refused"
    unknown = Line(reach=egress.ANYWHERE, resolve=lambda *_: ["127.0.0.1"])
    assert word(unknown, f"https://{NAME}:{receiver.port}/") == "certificate-refused"
    assert len(receiver.got) == 1


def test_a_connection_is_used_again_and_many_threads_share_the_line(receiver: Receiver) -> None:
    line = Line(reach=egress.ANYWHERE)
    address = egress.read(receiver.url, egress.ANYWHERE)
    threads = [threading.Thread(target=line.post, args=(address, [], b"{}")) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert line.post(address, [], b"{}") == 200
    line.close()
    assert len(receiver.got) == 9


def test_events_go_by_one_connection_until_the_receiver_closes_it(receiver: Receiver) -> None:
    opened: list[socket.socket] = []

    def connect(to: tuple[str, int], seconds: float) -> socket.socket:
        opened.append(socket.create_connection(to, seconds))
        return opened[-1]

    line = Line(reach=egress.ANYWHERE, connect=connect)
    address = egress.read(receiver.url, egress.ANYWHERE)
    assert [line.post(address, [], b"{}") for _ in range(3)] == [200] * 3
    assert len(opened) == 1
    opened[0].shutdown(socket.SHUT_RDWR)
    assert line.post(address, [], b"{}") == 200, "what has ended is not used"
    assert len(opened) == 2
    other = egress.read(receiver.url.replace("127.0.0.1", "localhost"), egress.ANYWHERE)
    assert line.post(other, [], b"{}") == 200
    assert len(opened) == 3, "a connection is one of its name"
    line.close()
    assert {one.fileno() for one in opened} == {-1}


@pytest.mark.parametrize("way", ["endless_head", "drip"])
def test_an_answer_without_an_end_is_left(receiver: Receiver, way: str) -> None:
    receiver.way = way
    line = Line(reach=egress.ANYWHERE, seconds=0.3 if way == "drip" else 60)
    assert word(line, receiver.url) == ("timeout" if way == "drip" else "broken-off")


@pytest.mark.parametrize(
    ("said", "status"),
    [
        (b"HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n", 204),
        (b"HTTP/1.1 101 Switching Protocols\r\n\r\n", 101),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-5\r\n", 200),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 200),
    ],
    ids=["hints", "another_protocol", "less_than_nothing", "no_number"],
)
def test_the_status_of_the_answer_counts_and_what_cannot_be_read_ends_the_connection(
    receiver: Receiver, said: bytes, status: int
) -> None:
    receiver.said, receiver.way = said, "raw"
    line = Line(reach=egress.ANYWHERE, seconds=20)
    assert line.post(egress.read(receiver.url, egress.ANYWHERE), [], b"{}") == status
    assert len(line._kept) == (status == 204)
    line.close()


def test_what_was_said_beyond_an_answer_is_no_answer_to_the_next_event(
    receiver: Receiver, vouched: tuple[ssl.SSLContext, ssl.SSLContext]
) -> None:
    """Over TLS it lies decrypted where no poll sees it: another client of that host would be told that it is gone."""
    server, trust = vouched
    receiver.tls(server)
    receiver.way = "raw"
    fits = 8192 - len(b"HTTP/1.1 200 OK\r\nX-Fill: \r\nContent-Length: 0\r\n\r\n")
    receiver.said = (
        b"HTTP/1.1 200 OK\r\nX-Fill: " + b"x" * fits + b"\r\nContent-Length: 0\r\n\r\n"
        b"HTTP/1.1 410 Gone\r\nContent-Length: 0\r\n\r\n"
    )
    line = Line(reach=egress.ANYWHERE, resolve=lambda *_: ["127.0.0.1"], trust=trust)
    address = egress.read(f"https://{NAME}:{receiver.port}/", egress.ANYWHERE)
    assert line.post(address, [], b"{}") == 200
    receiver.way = "plain"
    assert line.post(address, [], b"{}") == 200
    line.close()
