from collections.abc import Callable
from typing import cast

from django.urls import path, re_path
from django.views.decorators.http import require_GET

from changedesk.channels.api import openapi
from changedesk.channels.api.interface import API, guarded, no_such_path

_ROUTES, _, _NAMESPACE = API.urls
for _route in _ROUTES:
    _route.callback = guarded(cast("Callable[..., object]", _route.callback))

app_name = _NAMESPACE
urlpatterns = [
    path("openapi.json", guarded(require_GET(openapi.serve)), name="document"),
    path("", guarded(require_GET(openapi.page)), name="reference"),
    *_ROUTES,
    re_path(r"^", guarded(no_such_path), name="nothing"),
]
