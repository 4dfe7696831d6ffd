"""Sets a database server and Django up for a program that runs without pytest. Import it ahead of what needs them."""

import django
from django.conf import settings
from tests.postgres import Run

RUN = Run()
if not settings.configured:
    RUN.set_environment()
    django.setup()
