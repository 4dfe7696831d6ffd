"""The web application for an ASGI server.

The product's own web process is WSGI; live events have their own program.
"""

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "changedesk.config.settings")
application = get_asgi_application()
