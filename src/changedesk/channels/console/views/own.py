"""A person's own settings: language, shortcuts, light or dark."""

from typing import Final

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse
from django.utils import translation
from django.utils.translation import gettext as _

from changedesk.channels.console.show.shell import THEMES
from changedesk.channels.console.visit import Visit, page
from changedesk.flow import configure

_YEAR: Final = 365 * 24 * 3600


@page("GET", "HEAD", "POST")
def profile(visit: Visit) -> HttpResponse:
    """Show and keep how this person likes to work. The theme is kept in this browser only."""
    languages = dict(settings.LANGUAGES)
    theme = visit.given("theme") if visit.posted else visit.request.COOKIES.get("theme", "")
    if visit.posted:
        language = visit.given("language")
        wanted = {"language": language if language in languages else visit.language}
        configure.change_own(
            {**wanted, "shortcuts_off": visit.given("shortcuts") != "on"}, actor=visit.actor, at=visit.at
        )
        translation.activate(wanted["language"])
        messages.success(visit.request, _("Kept."))
        answer = visit.to("profile")
        kept = {settings.LANGUAGE_COOKIE_NAME: wanted["language"], "theme": theme if theme in THEMES else ""}
        for name, value in kept.items():
            answer.set_cookie(
                name, value, max_age=_YEAR, httponly=True, samesite="Lax", secure=settings.SESSION_COOKIE_SECURE
            )
        return answer
    themes = (("", _("As the system says")), ("light", _("Light")), ("dark", _("Dark")))
    return visit.show(
        "console/profile.html",
        {
            "languages": [
                {"value": code, "label": translation.get_language_info(code)["name_local"],
                 "selected": code == visit.language}
                for code in languages
            ],
            "themes": [{"value": key, "label": label, "selected": key == theme} for key, label in themes],
            "shortcuts": not visit.person.shortcuts_off,
        },
    )  # fmt: skip
