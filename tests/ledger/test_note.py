import base64

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from changedesk.ledger import note
from changedesk.ledger.note import Note, NoteRefused, Signature, Signer, Verifier, open_note, sign

ORIGIN = "ledger.example/acme"
LOG = Signer(ORIGIN, bytes(range(32)))
OTHER = Signer("witness.example/w1", bytes(32))
TEXT = "line one\n\nline three\n"


def test_the_verifier_key_is_the_published_one() -> None:
    vkey = "ledger.example/acme+f1d8e151+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4"
    assert LOG.verifier.vkey == vkey
    assert Verifier.from_vkey(vkey) == LOG.verifier


def test_the_note_of_the_go_package_opens() -> None:
    """The example of golang.org/x/mod/sumdb/note, from another program and another key."""
    verifier = Verifier.from_vkey("PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW")
    lines = [
        "If you think cryptography is the answer to your problem,",
        "then you don't know what your problem is.",
    ]
    text = "".join(f"{line}\n" for line in lines)
    signed = (
        f"{text}\n\u2014 PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqf"
        "qdngotpRZb6KE6RyyBwJnAM=\n"
    )
    assert open_note(signed.encode(), [verifier]) == (text, (verifier,))


def test_a_note_signed_by_two_opens_for_each_and_for_both() -> None:
    signed = sign(TEXT, [LOG, OTHER])
    assert open_note(signed, [LOG.verifier]) == (TEXT, (LOG.verifier,))
    assert open_note(signed, [OTHER.verifier]) == (TEXT, (OTHER.verifier,))
    assert open_note(signed, [OTHER.verifier, LOG.verifier])[1] == (LOG.verifier, OTHER.verifier)


def test_a_witness_adds_its_line_behind_the_others() -> None:
    signed = note.add_signatures(sign(TEXT, [LOG]), [OTHER.sign(TEXT)])
    assert signed == sign(TEXT, [LOG, OTHER])


def test_a_wrong_signature_of_a_known_key_condemns_the_note() -> None:
    forged = Signature(OTHER.verifier.name, OTHER.verifier.key_id, bytes(64))
    signed = note.add_signatures(sign(TEXT, [LOG]), [forged])
    assert open_note(signed, [LOG.verifier])
    with pytest.raises(NoteRefused, match="does not fit"):
        open_note(signed, [LOG.verifier, OTHER.verifier])


def test_a_signature_of_a_wrong_length_does_not_fit() -> None:
    assert not LOG.verifier.accepts(TEXT, b"short")


def test_a_key_of_the_same_name_but_another_id_is_unknown() -> None:
    namesake = Signer(ORIGIN, bytes(32))
    with pytest.raises(NoteRefused, match="nobody trusted"):
        open_note(sign(TEXT, [namesake]), [LOG.verifier])
    with pytest.raises(NoteRefused, match="nobody trusted"):
        open_note(sign(TEXT, [LOG]), [])


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"]) | st.just("\n")))
def test_every_text_that_is_signed_opens_unchanged(text: str) -> None:
    assert open_note(sign(text + "\n", [LOG]), [LOG.verifier])[0] == text + "\n"


@given(st.integers(0, 400), st.integers(0, 255))
def test_no_byte_of_a_note_can_be_changed(at: int, byte: int) -> None:
    signed = sign(TEXT, [LOG])
    forged = bytearray(signed)
    forged[at % len(forged)] = byte
    if bytes(forged) != signed:
        with pytest.raises(NoteRefused):
            open_note(bytes(forged), [LOG.verifier])


@given(st.binary(max_size=200))
def test_no_bytes_break_the_reader(data: bytes) -> None:
    with pytest.raises(NoteRefused):
        open_note(data, [LOG.verifier])


LINE = sign("t\n", [LOG]).decode().removeprefix("t\n\n")


@pytest.mark.parametrize(
    "signed",
    [
        "",
        "\n",
        "t\n",
        "t\n\n",
        "t\n" + LINE,
        "t\n\n" + LINE[:-1],
        "t\t\n\n" + LINE,
        "t\n\n" + LINE + "\n",
        "t\n\n" + LINE.replace("\u2014", "-"),
        "t\n\n" + LINE.replace("=", ""),
        "t\n\n" + LINE.replace(" ledger", "  ledger"),
        "t\n\n" + LINE.replace("/acme", "+acme"),
        "t\n\n\u2014 name AAAAAA==\n",
        "t\n\n\u2014 name \u00e9\n",
        "t\n\n" + LINE * 101,
        "t" * 1_000_001,
    ],
)
def test_a_misshapen_note_is_refused(signed: str) -> None:
    with pytest.raises(NoteRefused):
        note.parse(signed.encode())


def test_a_note_that_is_not_utf8_is_refused() -> None:
    with pytest.raises(NoteRefused, match="UTF-8"):
        note.parse(b"\xff\n\n" + LINE.encode())


@pytest.mark.parametrize("text", ["", "no newline", "tab\t\n", "zero\x00\n"])
def test_a_text_that_no_note_can_carry_is_not_signed(text: str) -> None:
    with pytest.raises(NoteRefused):
        sign(text, [LOG])


def test_a_note_without_signatures_is_not_made() -> None:
    with pytest.raises(NoteRefused):
        Note(TEXT, ()).render()


@pytest.mark.parametrize("name", ["", "a b", "a+b", "a\u2003b", "a\nb", "a\x00b"])
def test_a_name_that_no_note_can_carry_is_refused(name: str) -> None:
    with pytest.raises(NoteRefused, match="name"):
        Signer(name, bytes(32))


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("f1d8e151", "f1d8e152"),
        ("f1d8e151", "F1D8E151"),
        ("ledger.example/acme+", "ledger.example/other+"),
        ("ledger.example/acme+", "+"),
        ("+AQ", "+Ag"),
        ("TG4", "TG5"),
        ("TG4", ""),
        ("VTG4", ""),
    ],
)
def test_a_verifier_key_that_does_not_fit_together_is_refused(right: str, wrong: str) -> None:
    with pytest.raises(NoteRefused):
        Verifier.from_vkey(LOG.verifier.vkey.replace(right, wrong))


def test_signatures_are_plain_ed25519() -> None:
    signature = LOG.sign(TEXT).signature
    Ed25519PrivateKey.from_private_bytes(bytes(range(32))).public_key().verify(signature, TEXT.encode())
    assert note.strict_base64(base64.b64encode(signature).decode()) == signature


@pytest.mark.parametrize("text", ["AB==", "AA", "AAAA=", "AA==AA==", "A A=", "\u00e9"])
def test_base64_has_one_spelling(text: str) -> None:
    with pytest.raises(NoteRefused, match="not base64"):
        note.strict_base64(text)
