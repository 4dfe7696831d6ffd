"""Writes the API document: ``python -m changedesk.channels.api.document [openapi.json]``."""

import os
import sys
from pathlib import Path

import django

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "changedesk.config.settings")
    django.setup()
    from changedesk.channels.api import openapi

    Path(sys.argv[1] if len(sys.argv) > 1 else "openapi.json").write_text(openapi.text(), encoding="utf-8")
