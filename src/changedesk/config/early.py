"""What the first visitors of a web process would wait for, done before they come, beside whatever else is asked.

A process that opened no page yet took ten times as long for the first one: it read the packs, the words of each
language, what countries are called in each of them, the addresses of all pages and the templates.
"""

import gc
from contextlib import suppress
from pathlib import Path
from threading import Thread

from django.apps import apps
from django.conf import settings
from django.db.utils import Error as DatabaseError
from django.template.loader import get_template
from django.urls import reverse
from django.utils import translation

from changedesk import packs
from changedesk.base.refusal import Refusal
from changedesk.rules.values.address import countries
from changedesk.store.settings_read import all_clients


def begin() -> None:
    """Let a thread of its own do it: serving does not wait for that."""
    Thread(target=_do, name="early", daemon=True).start()


def _do() -> None:
    for language, _ in settings.LANGUAGES:
        with translation.override(language):
            reverse("console:switch_client")
    countries()
    with suppress(DatabaseError, packs.PackInvalid, Refusal):  # whoever comes first is told
        for names in {client.packs for client in all_clients()}:
            packs.load(names)
    for folder in [Path(app.path, "templates") for app in apps.get_app_configs() if app.name.startswith("changedesk.")]:
        for page in folder.rglob("*.html"):
            get_template(str(page.relative_to(folder)))
    # What is there by now stays: no need to stop everybody for looking through it again. And what a call makes goes
    # with the call: looking after each 700 things, as by default, took a twentieth of the processor's time.
    gc.freeze()
    gc.set_threshold(20_000)
