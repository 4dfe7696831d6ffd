"""Keys are renewed under load while the worker is killed: no call fails, and nothing is left under the old ones.

``CHANGEDESK_FAULTS=full`` renews the look-up key to its end too, which waits for every process three times over.
"""

import os
import secrets

import pytest
from tests.faults import rotating

pytestmark = pytest.mark.fault
FULL = os.environ.get("CHANGEDESK_FAULTS") == "full"


def test_no_call_fails_while_keys_are_renewed_and_the_worker_killed() -> None:
    seed = secrets.randbelow(10**6)
    if FULL:
        told = rotating.run(callers=4, customers=3000, kills=6, seed=seed, purposes=("kek", "blind"))
    else:
        told = rotating.run(callers=1, customers=10, kills=1, seed=seed, purposes=("kek",), rest=0.5)
    assert (told["failed"], told["failures"]) == (0, []), told
    assert told["kills"] >= 1, told
    assert not any(told["old_left"].values()), told
    assert "kek:done" in told["steps"], told
    assert told["old_master_dropped"], told
    assert told["audit_sound"], told
    assert told["calls"]["search after write"] > 1, told
