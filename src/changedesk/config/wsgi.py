import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "changedesk.config.settings")
_framework = get_wsgi_application()

from changedesk.channels.api.fast import in_front_of  # noqa: E402 - needs the framework set up, which is done above

application = in_front_of(_framework)
