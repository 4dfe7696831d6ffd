"""How often one key may call: a bucket of tokens for each key, in this process (so, times the number of processes).

Told in every answer by the RateLimit headers of draft-ietf-httpapi-ratelimit-headers-10.
"""

import threading
import time
from dataclasses import dataclass
from typing import Final

WINDOW_SECONDS: Final = 60
QUOTA: Final = 60_000
"""Calls in a window: enough for a bulk load over many connections, and an end to a loop gone wild."""
_KEYS_MOST: Final = 10_000


@dataclass(slots=True)
class _Bucket:
    tokens: float
    seen: float


class Limits:
    """A bucket per key. ``quota`` calls fit at once; it fills again evenly over the window."""

    def __init__(self, quota: int = QUOTA, window_seconds: int = WINDOW_SECONDS) -> None:
        self.quota = quota
        self.window = window_seconds
        self._buckets: dict[str, _Bucket] = {}
        self._turn = threading.Lock()

    def take(self, key: str, *, now: float | None = None) -> tuple[int, int]:
        """Take one call; return how many are left (-1: this one was too many), and seconds until there is one more."""
        moment = time.monotonic() if now is None else now
        with self._turn:
            if key not in self._buckets and len(self._buckets) >= _KEYS_MOST:
                self._buckets.clear()  # everybody starts anew: kinder than refusing, and keys are not made that fast
            bucket = self._buckets.setdefault(key, _Bucket(float(self.quota), moment))
            rate = self.quota / self.window
            bucket.tokens = min(float(self.quota), bucket.tokens + (moment - bucket.seen) * rate)
            bucket.seen = moment
            if bucket.tokens < 1:
                return -1, max(1, round((1 - bucket.tokens) / rate))
            bucket.tokens -= 1
            return int(bucket.tokens), 0

    def forget(self) -> None:
        """Let everybody start anew."""
        with self._turn:
            self._buckets.clear()

    def headers(self, left: int, wait_seconds: int) -> dict[str, str]:
        """Return the headers that tell a caller where it stands."""
        full = round((self.quota - max(left, 0)) * self.window / self.quota)
        told = {
            "RateLimit-Policy": f'"key";q={self.quota};w={self.window}',
            "RateLimit": f'"key";r={max(left, 0)};t={full}',
        }
        return {**told, "Retry-After": str(wait_seconds)} if left < 0 else told


LIMITS: Final = Limits()
