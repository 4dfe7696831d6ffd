"""The script that follows what happens, on pages of an installation that has a live process."""

import json

from django import template
from django.conf import settings
from django.templatetags.static import static
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext

register = template.Library()


@register.simple_tag
def live_script(slug: str) -> SafeString | str:
    """Return the script tag with the address of the live process and the words that the script shows, or nothing."""
    origin = settings.CHANGEDESK_LIVE_URL
    if not origin or not slug:
        return ""
    words = {
        "new": gettext("{count} new"),
        "changed": gettext("{count} changed"),
        "look": gettext("The list has changed"),
        "pause": gettext("Pause updates"),
        "resume": gettext("Resume updates"),
        "lost": gettext("Reconnecting…"),
        "damaged": gettext("The log is damaged. See what is known."),
        "glass": gettext("Somebody broke the glass. Review it."),
    }
    return format_html(
        '<script src="{}" type="module" data-live="{}" data-client="{}" data-words="{}"></script>',
        static("console/live.js"),
        origin,
        slug,
        json.dumps(words, ensure_ascii=False),
    )
