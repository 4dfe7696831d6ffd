"""Text messages through an HTTP gateway.

POST of JSON ``{"to": E.164 number, "text": ..., "id": delivery id}`` with a bearer token and an ``Idempotency-Key``:
a gateway sends one message for one key, so that a try whose answer was lost may be made again. 2xx is accepted;
408, 425, 429 and 5xx are tried again; anything else, redirects too, is final.
"""

import json
import time
from typing import Final
from uuid import UUID

import httpx

from changedesk.outbound.notices.transport import Permanent, Temporary
from changedesk.store.deliveries import Message

TIMEOUT_SECONDS: Final = 5.0
ANSWER_BYTES_MAX: Final = 64 * 1024
PROVIDER_ID_MAX: Final = 100
_LATER: Final = frozenset({408, 425, 429})
_SERVER_ERROR: Final = 500


class Gateway:
    """One gateway. Its connections are kept for the next message."""

    state = "sent"
    repeatable = True

    def __init__(self, url: str, token: str, *, timeout_seconds: float = TIMEOUT_SECONDS) -> None:
        self._url = url
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._timeout = timeout_seconds
        # No environment: a proxy variable must not reroute what carries codes.
        self._client = httpx.Client(timeout=timeout_seconds, follow_redirects=False, trust_env=False)

    def send(self, delivery_id: UUID, message: Message) -> str:
        """Hand a text over; return the gateway's id for it."""
        body = {"to": message.to, "text": message.body, "id": str(delivery_id)}
        headers = {**self._headers, "Idempotency-Key": str(delivery_id)}
        try:
            with self._client.stream("POST", self._url, json=body, headers=headers) as answer:
                self._judge(answer.status_code)
                return self._provider_id(answer)
        except httpx.TimeoutException:
            raise Temporary("gateway-timeout") from None
        except (httpx.HTTPError, httpx.InvalidURL):
            raise Temporary("gateway-unreachable") from None

    @staticmethod
    def _judge(status: int) -> None:
        if httpx.codes.is_success(status):
            return
        later = status in _LATER or status >= _SERVER_ERROR
        raise (Temporary if later else Permanent)(f"gateway-{status}")

    def _provider_id(self, answer: httpx.Response) -> str:
        """Return the id in an accepted answer; nothing when it cannot be read: accepted is accepted."""
        read, ends = bytearray(), time.monotonic() + self._timeout
        try:
            for chunk in answer.iter_bytes(4096):
                read += chunk
                if len(read) > ANSWER_BYTES_MAX or time.monotonic() > ends:
                    return ""
            told = json.loads(bytes(read))
        except (httpx.HTTPError, ValueError, RecursionError):
            return ""
        given = told.get("id") if isinstance(told, dict) else None
        named = str(given)[:PROVIDER_ID_MAX] if isinstance(given, str | int) else ""
        return named if named.isprintable() else ""
