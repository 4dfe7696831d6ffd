"""Ways to send, against real receivers that behave and misbehave."""

import json
import ssl
from datetime import timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st
from tests.outbound.receivers import GatewayServer, MailServer, closed_port, reply, silent_port, status

from changedesk.base.clock import now
from changedesk.outbound.notices.mail import Mail
from changedesk.outbound.notices.sms import Gateway
from changedesk.outbound.notices.transport import NotSent, Permanent, Temporary, Unknown
from changedesk.store.deliveries import Message

DELIVERY = UUID("01890a5d-ac96-774b-bcce-b302099a8057")
HELLO = Message(to="ada@home.example", subject="Hello", body="Hello")


def mail_to(port: int, **options: object) -> Mail:
    given_ = {
        "sender_email": "no-reply@acme.example",
        "sender_name": "ACME, Inc.",
        "starttls": False,
        "timeout_seconds": 10,
        **options,
    }
    return Mail("127.0.0.1", port, **given_)  # type: ignore[arg-type]


def gateway_to(url: str, *, timeout_seconds: float = 10) -> Gateway:
    return Gateway(url, "t0ken", timeout_seconds=timeout_seconds)


def test_a_mail_arrives_with_the_headers_that_mail_from_a_program_has(mail_server: MailServer) -> None:
    body = "Wir haben geändert.\n\nتم تغيير\n.\nEnd"
    message = Message(to="ada@home.example", subject="Sicherheit: تم تغيير", body=body)
    provider_id = mail_to(mail_server.port).send(DELIVERY, message)
    (mail,) = mail_server.mails()
    assert mail["To"] == "ada@home.example"
    assert mail["From"] == '"ACME, Inc." <no-reply@acme.example>'
    assert mail["Subject"] == message.subject
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["Message-ID"] == provider_id == f"<{DELIVERY}@acme.example>"
    assert mail["Date"].datetime - now() < timedelta(minutes=1)
    assert mail.get_content_type() == "text/plain"
    assert mail.get_content().splitlines() == body.splitlines()
    assert mail_server.got[0][1].isascii()


def test_the_same_delivery_has_the_same_message_id_each_time(mail_server: MailServer) -> None:
    mail = mail_to(mail_server.port)
    assert mail.send(DELIVERY, HELLO) == mail.send(DELIVERY, HELLO) != mail.send(uuid4(), HELLO)


@pytest.mark.parametrize(
    ("to", "subject"),
    [
        ("ada@home.example\r\nBcc: all@home.example", "Hello"),
        ("ada@home.example, eve@home.example", "Hello"),
        ("ada@home.example\n", "Hello"),
        ("", "Hello"),
        ("ada", "Hello"),
        ("Ada <ada@home.example>", "Hello"),
        ("ädä, eve@home.example", "Hello"),
        ("ada@home.example", "Hello\r\nBcc: all@home.example"),
        ("ada@home.example", "Hello\n\nBody"),
    ],
)
def test_nothing_adds_a_header_or_a_recipient(mail_server: MailServer, to: str, subject: str) -> None:
    with pytest.raises(Permanent):
        mail_to(mail_server.port).send(DELIVERY, Message(to=to, subject=subject, body="Hello"))
    assert mail_server.got == []


@given(st.text(), st.text())
def test_whatever_an_address_or_a_subject_holds_a_letter_has_one_recipient_or_none(to: str, subject: str) -> None:
    try:
        letter = mail_to(25).letter(DELIVERY, Message(to=to, subject=subject, body="Hello"))
    except Permanent:
        return
    assert len(letter["To"].addresses) == 1
    assert sorted(letter.keys()) == sorted(set(letter.keys()))
    assert letter["Bcc"] is None


def test_a_letter_outside_ascii_is_handed_over_as_one(mail_server: MailServer) -> None:
    mail_to(mail_server.port).send(DELIVERY, Message(to="ädä@häuser.example", subject="Hallo", body="Hallo"))
    assert mail_server.got[0][0] == "ädä@xn--huser-gra.example"


@pytest.mark.parametrize(
    ("answer", "refusal", "word"),
    [
        ("550 No such mailbox ada@home.example", Permanent, "smtp-550"),
        ("450 Mailbox busy", Temporary, "smtp-450"),
        ("421 Closing", Temporary, "smtp-421"),
    ],
)
def test_what_a_mail_server_refuses_is_final_or_not_as_it_says(
    mail_server: MailServer, answer: str, refusal: type[NotSent], word: str
) -> None:
    mail_server.refuses = {"ada@home.example": answer}
    with pytest.raises(refusal) as refused:
        mail_to(mail_server.port).send(DELIVERY, HELLO)
    assert refused.value.word == word
    assert "ada" not in str(refused.value)


def test_a_mail_server_that_falls_silent_after_the_text_leaves_an_unknown(mail_server: MailServer) -> None:
    mail_server.dies_after_data = True
    with pytest.raises(Unknown):
        mail_to(mail_server.port).send(DELIVERY, HELLO)
    assert len(mail_server.got) == 1


def test_a_mail_server_that_is_away_or_says_nothing_is_tried_later() -> None:
    with pytest.raises(Temporary, match="smtp-unreachable"):
        mail_to(closed_port()).send(DELIVERY, HELLO)
    listener, port = silent_port()
    with listener, pytest.raises(Temporary, match="smtp-"):
        mail_to(port, timeout_seconds=0.5).send(DELIVERY, HELLO)


def test_a_mail_never_goes_in_clear_when_encryption_is_asked_for(mail_server: MailServer) -> None:
    with pytest.raises(Temporary):
        mail_to(mail_server.port, starttls=True).send(DELIVERY, HELLO)
    with pytest.raises(Temporary):
        mail_to(mail_server.port, user="desk", password="secret").send(DELIVERY, HELLO)
    assert mail_server.got == []


def certificate(folder: Path) -> tuple[Path, Path]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now() - timedelta(days=1))
        .not_valid_after(now() + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    (folder / "cert.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return folder / "cert.pem", folder / "key.pem"


def test_a_mail_goes_over_tls_to_a_server_that_proves_its_name_and_to_no_other(tmp_path: Path) -> None:
    cert, key = certificate(tmp_path)
    offered = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    offered.load_cert_chain(cert, key)
    with MailServer(tls_context=offered, require_starttls=True) as server:
        known = ssl.create_default_context(cafile=str(cert))
        sender = {"sender_email": "no-reply@acme.example", "timeout_seconds": 2.0}
        Mail("localhost", server.port, context=known, **sender).send(DELIVERY, HELLO)  # type: ignore[arg-type]
        assert len(server.got) == 1
        with pytest.raises(Temporary, match="smtp-tls"):
            Mail("localhost", server.port, **sender).send(DELIVERY, HELLO)  # type: ignore[arg-type]
        assert len(server.got) == 1


def test_a_text_is_handed_to_the_gateway_with_its_key(gateway: GatewayServer) -> None:
    message = Message(to="+4915112345678", subject="", body="Code 482913, رمز")
    assert gateway_to(gateway.url).send(DELIVERY, message) == "sm-1"
    ((headers, body),) = gateway.got
    assert body == {"to": "+4915112345678", "text": "Code 482913, رمز", "id": str(DELIVERY)}
    assert headers["Authorization"] == "Bearer t0ken"
    assert headers["Idempotency-Key"] == str(DELIVERY)


@pytest.mark.parametrize(
    ("code", "refusal"),
    [(500, Temporary), (503, Temporary), (429, Temporary), (408, Temporary), (400, Permanent), (401, Permanent),
     (422, Permanent)],
)  # fmt: skip
def test_what_a_gateway_refuses_is_final_or_not_as_it_says(
    gateway: GatewayServer, code: int, refusal: type[NotSent]
) -> None:
    gateway.answers = {"+1": status(code)}
    with pytest.raises(refusal, match=f"gateway-{code}"):
        gateway_to(gateway.url).send(DELIVERY, Message(to="+1", subject="", body="x"))


def test_a_gateway_that_points_elsewhere_is_not_followed(gateway: GatewayServer) -> None:
    with GatewayServer() as elsewhere:
        gateway.answers = {"+1": status(307, Location=elsewhere.url)}
        with pytest.raises(Permanent, match="gateway-307"):
            gateway_to(gateway.url).send(DELIVERY, Message(to="+1", subject="", body="x"))
        assert elsewhere.got == []


def test_a_gateway_that_hangs_or_is_away_is_tried_later(gateway: GatewayServer) -> None:
    gateway.answers = {"+1": gateway.hang}
    with pytest.raises(Temporary, match="gateway-timeout"):
        gateway_to(gateway.url, timeout_seconds=0.5).send(DELIVERY, Message(to="+1", subject="", body="x"))
    with pytest.raises(Temporary, match="gateway-unreachable"):
        gateway_to(f"http://127.0.0.1:{closed_port()}/").send(DELIVERY, Message(to="+1", subject="", body="x"))


def test_an_accepted_text_is_accepted_whatever_the_gateway_says_of_it(gateway: GatewayServer) -> None:
    gateway.answers = {"+1": gateway.pour}
    assert gateway_to(gateway.url, timeout_seconds=5).send(DELIVERY, Message(to="+1", subject="", body="x")) == ""
    said = [
        b"",
        b"not json",
        b"[" * 60000,
        b'["id"]',
        b'{"id": null}',
        b'{"id": {"a": 1}}',
        b'{"id": "a\\nb"}',
        b"\xff",
    ]
    for body in said:
        gateway.answers = {"+1": lambda handler, body=body: reply(handler, 202, body)}  # type: ignore[misc]
        assert gateway_to(gateway.url).send(DELIVERY, Message(to="+1", subject="", body="x")) == ""
    gateway.answers = {"+1": lambda handler: reply(handler, 202, json.dumps({"id": 7}).encode())}
    assert gateway_to(gateway.url).send(DELIVERY, Message(to="+1", subject="", body="x")) == "7"
