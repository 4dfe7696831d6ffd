"""What a hook sends is signed so that any receiver can tell, and tried for a little over three days."""

import base64
import hashlib
import hmac
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from changedesk.rules import hooks
from changedesk.rules.hooks import SignatureWrong

SECRET = hooks.SECRET_LABEL + base64.b64encode(b"k" * 32).decode()
OTHER = hooks.SECRET_LABEL + base64.b64encode(b"o" * 32).decode()
NOW = 1_700_000_000


def test_the_signature_is_the_one_of_the_specification() -> None:
    """The example of the reference libraries (standard-webhooks/standard-webhooks, libraries/*/tests)."""
    secret, event, at = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330
    found = hooks.sign([secret], event, at, b'{"test": 2432232314}')
    assert found == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


@given(st.text(max_size=40), st.binary(max_size=200))
def test_what_was_signed_verifies_and_an_independent_sum_agrees(event: str, body: bytes) -> None:
    signed = hooks.sign([OTHER, SECRET], event, NOW, body)
    for secret in (SECRET, OTHER):
        hooks.verify(secret, event, str(NOW), signed, body, now=NOW + 299)
    said = hmac.new(b"k" * 32, event.encode("utf-8", "surrogateescape") + b".%d." % NOW + body, hashlib.sha256)
    assert f"v1,{base64.b64encode(said.digest()).decode()}" == signed.split()[1]


@pytest.mark.parametrize(
    ("event", "timestamp", "body", "now"),
    [
        ("evt-2", str(NOW), b"body", NOW),
        ("evt-1", str(NOW + 1), b"body", NOW),
        ("evt-1", str(NOW), b"Body", NOW),
        ("evt-1", str(NOW), b"body", NOW + 301),
        ("evt-1", str(NOW), b"body", NOW - 301),
        ("evt-1", "", b"body", NOW),
        ("evt-1", "-1", b"body", NOW),
        ("evt-1", "9" * 40, b"body", NOW),
        ("evt-1", "\u0661", b"body", NOW),
    ],
)
def test_what_was_changed_or_is_old_does_not_verify(event: str, timestamp: str, body: bytes, now: int) -> None:
    signed = hooks.sign([SECRET], "evt-1", NOW, b"body")
    with pytest.raises(SignatureWrong):
        hooks.verify(SECRET, event, timestamp, signed, body, now=now)


@pytest.mark.parametrize("signed", ["", "v1,", "v1,?", "v2," + "A" * 44, "v1,\ud800", "\u00e9", ",,,", "v1,QQ=="])
def test_a_stranger_is_told_no_and_nothing_falls_over(signed: str) -> None:
    with pytest.raises(SignatureWrong):
        hooks.verify(SECRET, "evt-1", str(NOW), signed, b"body", now=NOW)


@given(st.text(), st.text(), st.text(), st.binary())
def test_whatever_is_received_is_refused_in_one_way(event: str, timestamp: str, signed: str, body: bytes) -> None:
    with pytest.raises(SignatureWrong):
        hooks.verify(SECRET, event, timestamp, signed, body, now=NOW)


def test_another_secret_does_not_verify() -> None:
    with pytest.raises(SignatureWrong):
        hooks.verify(OTHER, "e", str(NOW), hooks.sign([SECRET], "e", NOW, b""), b"", now=NOW)


def test_ten_tries_in_a_little_over_three_days_and_no_eleventh() -> None:
    waits = [hooks.wait(tries, 0.0) for tries in range(1, 10)]
    assert timedelta(days=3) < sum((one for one in waits if one), timedelta()) < hooks.DISABLED_AFTER
    assert waits[0] == timedelta(seconds=5)
    assert hooks.wait(10, 0.0) is None


@given(st.integers(1, 9), st.floats(0, 1))
def test_chance_lengthens_a_wait_by_a_fifth_at_most(tries: int, luck: float) -> None:
    plain, found = hooks.wait(tries, 0.0), hooks.wait(tries, luck)
    assert plain is not None
    assert found is not None
    assert plain <= found <= plain * 1.2
