"""The live application with short waits, for one test after another: /forget ends what the last one left."""

import asyncio
from typing import Any

from changedesk.channels.live.app import Live
from changedesk.store import keys, settings_read


class Quick(Live):
    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope.get("path") == "/forget":
            while self.house.rooms:  # noqa: ASYNC110 - the product has no need to say that a room is empty
                await asyncio.sleep(0)
            keys.forget()
            settings_read.forget()
            scope["path"] = "/healthz"
        await super().__call__(scope, receive, send)


application = Quick(beat_seconds=0.5, recheck_seconds=0.5)
