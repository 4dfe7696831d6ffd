"""The live process: ``GET /events?client=<slug>`` as server-sent events (HTML Living Standard, section 9.2).

``application`` is what an ASGI server runs. /healthz says that the process answers.
"""

import asyncio
import os
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any, Final
from urllib.parse import parse_qs

import django
import structlog

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "changedesk.config.settings")
django.setup()

# ruff: noqa: E402 - what follows imports tables, which need the set-up above
from django.conf import settings

from changedesk.base import clock
from changedesk.base.refusal import Refusal
from changedesk.channels import refusals
from changedesk.channels.live import guard
from changedesk.channels.live.fanout import House, Reader, Slow, stretch
from changedesk.channels.refusals import Answer, HttpRefusal

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

BEAT_SECONDS: Final = 15.0
RECHECK_SECONDS: Final = 30.0
SEND_SECONDS: Final = 20.0
STREAMS_MAX: Final = 20
"""For each person, over all their browsers: a browser's tabs share one."""
THREADS: Final = 4
_DIGITS_MAX: Final = 19
HEADERS: Final = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "Vary": "Origin, Cookie",
    "X-Accel-Buffering": "no",  # a proxy hands on what it gets, at once
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "X-Robots-Tag": "noindex, nofollow",
}
log = structlog.get_logger("changedesk.live")


class TooManyStreams(HttpRefusal):
    """You have too many pages open that follow what happens."""

    code = "too-many-streams"
    hint = "Close some of them. The others go on working."
    http = 429


class Away(HttpRefusal):
    """The database does not answer just now."""

    code = "database-away"
    hint = "Try again in a few seconds."
    http = 503


class Live:
    """The application.

    ``beat_seconds``: after so long a quiet stream says that it lives. ``recheck_seconds``: how often a stream asks
    whether its reader may still listen. ``send_seconds``: a reader that takes nothing for so long is gone.
    """

    def __init__(
        self,
        *,
        beat_seconds: float = BEAT_SECONDS,
        recheck_seconds: float = RECHECK_SECONDS,
        send_seconds: float = SEND_SECONDS,
    ) -> None:
        self.beat_seconds = beat_seconds
        self.recheck_seconds = recheck_seconds
        self.send_seconds = send_seconds
        self._threads = ThreadPoolExecutor(THREADS, "live")
        self.house = House(self.in_thread)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif scope["type"] == "http":
            await self._answer(scope, receive, send)

    async def in_thread(self, ask: Callable[..., Any], *given: object) -> Any:
        """Ask the database in a thread: its drivers wait."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, guard.given_back, ask, *given)

    async def _live(self, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                self.house.open()
                await send({"type": "lifespan.startup.complete"})
            else:
                self.house.close()
                await send({"type": "lifespan.shutdown.complete"})
                return

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = _headers(scope)
        around = _around(headers.get("origin"))
        try:
            if scope["path"] == "/healthz" and scope["method"] in {"GET", "HEAD"}:
                await _send(send, Answer(200, b"ok\n", {"Content-Type": "text/plain", **around}))
                return
            reader, cookies, slug = await self._admit(scope, headers)
        except Refusal as refusal:
            allow = {"Allow": "GET"} if isinstance(refusal, refusals.MethodNotAllowed) else {}
            trace = secrets.token_hex(16)
            await _send(send, refusals.answer(refusal, trace=trace, at=clock.now(), headers={**around, **allow}))
            return
        log.info("stream_opened", client=int(reader.actor.client))
        try:
            start = Answer(200, b"retry: 3000\n\n", {"Content-Type": "text/event-stream; charset=utf-8", **around})
            await _start(send, start)
            why = await self._follow(reader, cookies, slug, receive, send)
        finally:
            self.house.leave(reader)
        log.info("stream_closed", client=int(reader.actor.client), why=why)

    async def _admit(self, scope: Scope, headers: Mapping[str, str]) -> tuple[Reader, str, str]:
        """Return a reader that already gets what happens from now on. Raises Refusal."""
        if scope["path"] != "/events":
            raise refusals.NoSuchPath
        if scope["method"] != "GET":
            raise refusals.MethodNotAllowed
        guard.require_own_origin(headers.get("origin"), headers.get("sec-fetch-site"))
        asked = parse_qs(scope["query_string"].decode("latin-1"))
        cookies, slug = headers.get("cookie", ""), asked.get("client", [""])[0]
        try:
            actor, size = await self.in_thread(guard.admitted, cookies, slug)
        except Refusal:
            raise
        except Exception as error:
            log.warning("reader_unknown", kind=type(error).__name__)
            raise Away from error
        if self.house.streams_of(actor) >= STREAMS_MAX:
            raise TooManyStreams
        # A browser that reconnects says what it had; a tab that takes over from another says it in the address.
        had = headers.get("last-event-id", asked.get("after", [""])[0])
        after = int(had) if had.isascii() and had.isdigit() and len(had) < _DIGITS_MAX else None
        reader = Reader(actor, size if after is None else after + 1)
        self.house.enter(reader)
        return reader, cookies, slug

    async def _follow(self, reader: Reader, cookies: str, slug: str, receive: Receive, send: Send) -> str:
        """Send until the reader goes, may listen no longer, or is too slow; return why it ended."""
        tasks = {
            asyncio.create_task(self._write(reader, send)): "slow",
            asyncio.create_task(self._until_refused(cookies, slug)): "refused",
            asyncio.create_task(_until_gone(receive)): "gone",
        }
        done, rest = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in rest:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        with suppress(TimeoutError, OSError):
            async with asyncio.timeout(1):
                await send({"type": "http.response.body", "body": b"", "more_body": False})
        return "+".join(sorted(tasks[task] for task in done))

    async def _write(self, reader: Reader, send: Send) -> None:
        async for text in self._texts(reader):
            try:
                async with asyncio.timeout(self.send_seconds):
                    await send({"type": "http.response.body", "body": text, "more_body": True})
            except (TimeoutError, OSError):
                return

    async def _texts(self, reader: Reader) -> AsyncIterator[bytes]:
        try:
            async for events, following in stretch(reader.actor.client, reader.next, self.in_thread):
                reader.next = following
                if text := b"".join(event.text for event in events if reader.may_hear(event)):
                    yield text
        except Exception as error:  # noqa: BLE001 - the database went between letting in and reading
            log.warning("log_unread", kind=type(error).__name__)
            return
        while True:
            try:
                event = await reader.take(self.beat_seconds)
            except TimeoutError:
                # A comment for proxies, an event for the page: it cannot see comments.
                yield b": still here\nevent: beat\ndata: %d\n\n" % (reader.next - 1)
                continue
            except Slow:
                return
            if event is None:
                return
            yield event.text

    async def _until_refused(self, cookies: str, slug: str) -> None:
        while True:
            await asyncio.sleep(self.recheck_seconds)
            try:
                await self.in_thread(guard.admitted, cookies, slug)
            except Refusal:
                return
            except Exception as error:  # noqa: BLE001 - the database is away: nothing is said meanwhile, so they stay
                log.warning("reader_unknown", kind=type(error).__name__)


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _headers(scope: Scope) -> dict[str, str]:
    return {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}


def _around(origin: str | None) -> dict[str, str]:
    """Return the headers of every answer; the desk's own pages, and no others, may read it (Fetch, section 3.2)."""
    around = dict(HEADERS)
    if settings.SECURE_HSTS_SECONDS:
        around["Strict-Transport-Security"] = f"max-age={settings.SECURE_HSTS_SECONDS}"
    if origin == settings.CHANGEDESK_PUBLIC_URL:
        around |= {"Access-Control-Allow-Origin": origin, "Access-Control-Allow-Credentials": "true"}
    return around


async def _start(send: Send, answer: Answer) -> None:
    headers = [(name.lower().encode(), value.encode()) for name, value in answer.headers.items()]
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body, "more_body": True})


async def _send(send: Send, answer: Answer) -> None:
    await _start(send, answer)
    await send({"type": "http.response.body", "body": b"", "more_body": False})


application = Live()
