"""Hearing that a client's log has grown, on one connection for the whole process."""

import asyncio
from collections.abc import AsyncIterator
from typing import Final

import structlog
from django.conf import settings
from psycopg import AsyncConnection, Error

from changedesk.base.ids import ClientId
from changedesk.store.log import CHANNEL

SILENT_SECONDS: Final = 10.0
"""After so long without a word the connection is asked whether it still lives."""
AGAIN_SECONDS: Final = 1.0
log = structlog.get_logger("changedesk.listen")


async def grown() -> AsyncIterator[ClientId | None]:
    """Yield the id of each client whose log has grown, for ever.

    None comes after each time that the connection was made, at first and again: what was said before that was not
    heard, so every log may have grown. Raises nothing while the database is away; it tries again.
    """
    while True:
        try:
            async for client in _heard():
                yield client
        except (Error, OSError) as error:
            log.warning("database_away", kind=type(error).__name__)
        await asyncio.sleep(AGAIN_SECONDS)


async def _heard() -> AsyncIterator[ClientId | None]:
    # Not of the pool: a listener keeps its session, and no transaction may stand open on it.
    connection = await AsyncConnection.connect(settings.FACTS_DATABASE_URL, autocommit=True, connect_timeout=5)
    async with connection:
        await connection.execute(f"LISTEN {CHANNEL}")
        yield None
        while True:
            async for note in connection.notifies(timeout=SILENT_SECONDS):
                if note.payload.isascii() and note.payload.isdigit():
                    yield ClientId(int(note.payload))
            async with asyncio.timeout(SILENT_SECONDS):
                await connection.execute("SELECT 1")
