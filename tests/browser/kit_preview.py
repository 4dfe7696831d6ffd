"""Show every page with samples in a real browser: ``python -m tests.browser.kit_preview [page...]``.

Serves the pages under the console's own content security policy on loopback, needs no database, takes pictures into
``tests/browser/out`` (light, dark, 320 px wide, right to left) and prints what axe and the browser complain about.
"""

import shutil
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from wsgiref.simple_server import WSGIRequestHandler, make_server

import django
from django.conf import settings

OUT = Path(__file__).parent / "out"
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
ARGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
LOOKS = {
    "light": {"viewport": {"width": 1440, "height": 900}, "color_scheme": "light", "locale": "en"},
    "dark": {"viewport": {"width": 1440, "height": 900}, "color_scheme": "dark", "locale": "en"},
    "narrow": {"viewport": {"width": 320, "height": 720}, "color_scheme": "light", "locale": "en"},
    "rtl": {"viewport": {"width": 1440, "height": 900}, "color_scheme": "light", "locale": "ar"},
}


def configure() -> None:
    """Django with templates and static files, and nothing else."""
    settings.configure(
        DEBUG=True,
        SECRET_KEY="only for looking at samples",
        ALLOWED_HOSTS=["127.0.0.1"],
        ROOT_URLCONF="tests.browser.kit_urls",
        STATIC_URL="/static/",
        USE_I18N=True,
        USE_TZ=True,
        LANGUAGES=[("en", "English"), ("de", "German"), ("ar", "Arabic")],
        INSTALLED_APPS=[
            "django.contrib.auth",
            "django.contrib.contenttypes",
            "django.contrib.staticfiles",
            "changedesk.channels.console",
            "changedesk.channels.portal",
            "allauth",
            "allauth.account",
            "allauth.mfa",
        ],
        MIDDLEWARE=[
            "django.middleware.locale.LocaleMiddleware",
            "allauth.account.middleware.AccountMiddleware",
        ],
        TEMPLATES=[
            {
                "BACKEND": "django.template.backends.django.DjangoTemplates",
                "APP_DIRS": True,
                "OPTIONS": {
                    "string_if_invalid": "",
                    "context_processors": [
                        "django.template.context_processors.request",
                        "django.template.context_processors.i18n",
                    ],
                },
            }
        ],
    )
    django.setup()


class Quiet(WSGIRequestHandler):
    def log_message(self, *_: object) -> None:
        """Say nothing for each request."""


def serve() -> tuple[str, Callable[[], None]]:
    """Start the pages on a free loopback port; returns their address and the way to stop them."""
    from django.contrib.staticfiles.handlers import StaticFilesHandler  # noqa: PLC0415 - after configure()
    from django.core.wsgi import get_wsgi_application  # noqa: PLC0415 - after configure()

    server = make_server("127.0.0.1", 0, StaticFilesHandler(get_wsgi_application()), handler_class=Quiet)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{server.server_port}", server.shutdown


def complaints(page: object) -> list[str]:
    """What axe finds serious or critical on the page, as one line each."""
    from axe_playwright_python.sync_playwright import Axe  # noqa: PLC0415 - only for pictures

    found = Axe().run(page).response["violations"]
    return [
        f"{item['impact']} {item['id']}: {node['target']} {node.get('failureSummary', '')[:220]}"
        for item in found
        if item["impact"] in {"serious", "critical"}
        for node in item["nodes"][:3]
    ]


def look(base: str, names: list[str]) -> int:
    """Take the pictures; returns how many complaints there were."""
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 - only for pictures

    OUT.mkdir(exist_ok=True)
    count = 0
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=shutil.which("chromium"), args=ARGS)
        for look_name, options in LOOKS.items():
            context = browser.new_context(**options, reduced_motion="reduce")
            page = context.new_page()
            said: list[str] = []
            page.on("console", lambda message, said=said: said.append(f"console: {message.text}"))
            page.on("pageerror", lambda error, said=said: said.append(f"script: {error}"))
            for name in names:
                said.clear()
                page.goto(f"{base}/{name}")
                page.wait_for_load_state("networkidle")
                page.screenshot(path=OUT / f"{name}.{look_name}.png", full_page=True)
                wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
                lines = [*said, *complaints(page), *([f"scrolls sideways by {wide}px"] if wide > 0 else [])]
                count += len(lines)
                for line in lines:
                    print(f"{name} [{look_name}] {line}")  # noqa: T201 - this is a tool for people
            context.close()
        browser.close()
    return count


def main() -> int:
    configure()
    from tests.browser.kit_pages import PAGES  # noqa: PLC0415 - samples need the time zone settings

    base, stop = serve()
    try:
        return min(look(base, sys.argv[1:] or list(PAGES)), 100)
    finally:
        stop()


if __name__ == "__main__":
    sys.exit(main())
