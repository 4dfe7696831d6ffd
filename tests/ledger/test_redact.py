"""Of an entry single fields can be forgotten: the rest opens and proves itself, and nothing tells what is gone."""

import os
from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st
from tests.ledger.shapes import changes

from changedesk.ledger.commitment import Assertion, commit_fields
from changedesk.ledger.payload import Payload, decode_assertions, decode_payload, encode_payload
from changedesk.ledger.redact import fits, redact

NAME = Assertion("personal.name", None, b'"Dana Novak"', 0, 10)
MAIL = Assertion("contact.email", None, b'"dana@old.example"', 0, 10)
BORN = Assertion("personal.birth_date", None, b'"1977-11-23"', 0, 10)


def among(*paths: str) -> Callable[[Assertion], bool]:
    return lambda one: one.path in paths


def whole(*said: Assertion) -> tuple[Payload, bytes]:
    cs = os.urandom(32)
    return Payload(cs, list(said), [NAME, MAIL]), commit_fields(cs, said)


def test_what_is_kept_is_still_what_the_leaf_commits_to() -> None:
    payload, c = whole(NAME, MAIL, BORN)
    for gone in (NAME, MAIL, BORN):
        rest = redact(payload, among(gone.path))
        assert rest is not None
        again = decode_payload(encode_payload(rest))
        assert again == rest
        # Read with one that is whole, as on a page.
        assert decode_assertions([encode_payload(payload), encode_payload(rest)]) == [
            [NAME, MAIL, BORN],
            again.assertions,
        ]
        assert {one.path for one in again.assertions} == {NAME.path, MAIL.path, BORN.path} - {gone.path}
        assert gone.path not in {one.path for one in again.snapshot or ()}
        assert fits(again, c)


def test_nothing_of_a_forgotten_field_and_no_secret_is_left() -> None:
    payload, _ = whole(NAME, BORN)
    rest = redact(payload, lambda one: one.path == BORN.path)
    assert rest is not None
    assert payload.cs not in encode_payload(rest)
    assert rest.cs == b""
    assert rest.proof is not None
    assert [one.assertion for one in rest.proof.opened] == [NAME]


def test_forgetting_again_forgets_more_and_all_of_it_leaves_nothing() -> None:
    payload, c = whole(NAME, MAIL, BORN)
    once = redact(payload, lambda one: one.path == MAIL.path)
    assert once is not None
    twice = redact(once, lambda one: one.path == NAME.path)
    assert twice is not None
    assert fits(twice, c)
    assert [one.path for one in twice.assertions] == [BORN.path]
    assert redact(twice, lambda _: True) is None
    assert redact(once, lambda one: one.path == "no.such") is once


def test_a_rest_that_was_tampered_with_does_not_fit() -> None:
    payload, c = whole(NAME, MAIL)
    rest = redact(payload, lambda one: one.path == MAIL.path)
    assert rest is not None
    other, _ = whole(NAME, BORN)
    assert not fits(other, c)
    assert not fits(Payload(b"", [BORN], None, rest.proof), c)


@given(changes(), st.data())
def test_whatever_is_forgotten_the_rest_fits(said: list[Assertion], data: st.DataObject) -> None:
    cs = os.urandom(32)
    payload, c = Payload(cs, said), commit_fields(cs, said)
    for _ in range(2):
        paths = data.draw(st.sets(st.sampled_from(sorted({one.path for one in said}) or ["none"])))
        rest = redact(payload, among(*paths))
        if rest is None:
            break
        payload = decode_payload(encode_payload(rest))
        assert fits(payload, c)
