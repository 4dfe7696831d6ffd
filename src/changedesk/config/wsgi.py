import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "changedesk.config.settings")
_framework = get_wsgi_application()

from django.urls import get_resolver  # noqa: E402 - needs the framework set up, which is done above

from changedesk.channels.api.fast import in_front_of  # noqa: E402 - as above
from changedesk.config import early, gate  # noqa: E402 - as above
from changedesk.config.web import by_turns  # noqa: E402 - as above
from changedesk.store.wake import CRIER  # noqa: E402 - as above

application = by_turns(in_front_of(_framework))
_loaded = get_resolver().url_patterns  # every page now, rather than with its first visitor
CRIER.open()
gate.wait()
early.begin()
