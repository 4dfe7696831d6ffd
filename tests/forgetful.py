"""The web application for one test after another: /forget drops what it remembers of the last one's clients."""

from collections.abc import Callable, Iterable
from typing import Any

from changedesk.channels.api.limits import LIMITS
from changedesk.config.wsgi import application as product
from changedesk.flow import admit, seeing
from changedesk.reading import seen
from changedesk.store import keys, settings_read


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    if environ["PATH_INFO"] == "/forget":
        keys.forget()
        settings_read.forget()
        LIMITS.forget()
        admit._touched.clear()
        seeing._remembered.clear()
        seen._waiting.clear()
        environ["PATH_INFO"] = "/healthz"
    return product(environ, start_response)
