from collections.abc import Callable
from typing import cast

from django.urls import re_path

from changedesk.channels.api.interface import API, guarded, no_such_path

_ROUTES, _, _NAMESPACE = API.urls
for _route in _ROUTES:
    _route.callback = guarded(cast("Callable[..., object]", _route.callback))

app_name = _NAMESPACE
urlpatterns = [*_ROUTES, re_path(r"^", guarded(no_such_path))]
