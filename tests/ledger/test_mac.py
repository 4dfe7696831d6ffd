import hmac

from hypothesis import example, given
from hypothesis import strategies as st

from changedesk.ledger.mac import Keyed, mac


@given(st.binary(max_size=200), st.lists(st.binary(max_size=300), min_size=1, max_size=3))
@example(bytes(64), [b""])
@example(bytes(65), [b"longer than a block"])
def test_a_mac_is_hmac_sha256_under_keys_of_any_length(key: bytes, messages: list[bytes]) -> None:
    keyed = Keyed(key)
    for message in messages:
        assert mac(key, message) == keyed.mac(message) == hmac.digest(key, message, "sha256")
