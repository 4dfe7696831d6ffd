"""A desk with people who can sign in, customers, and a real browser before a real server."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from axe_playwright_python.sync_playwright import Axe
from django.conf import settings
from django.contrib.auth import get_user_model
from django.test import Client
from playwright.sync_api import Browser, BrowserContext, Page, ViewportSize
from tests.cast import Desk

from changedesk.base import clock
from changedesk.channels.terminal.people import SignIn, totp_now
from changedesk.outbound import duties

OUT = Path(__file__).parent / "out"
WIDE: ViewportSize = {"width": 1440, "height": 900}
COLOURS = ("color-contrast", "link-in-text-block")
"""The rules of axe that look at colours: most of what a look costs."""
LOOKS: dict[str, dict[str, Any]] = {
    "light": {},
    "dark": {"runOnly": COLOURS},  # the same elements in other colours
    "narrow": {},
    "rtl": {"rules": {rule: {"enabled": False} for rule in COLOURS}},  # other words in the same colours
}
"""The ways a page is looked at, and what axe is told of each."""


@dataclass
class Watched:
    """A page that remembers what the browser had to say about it."""

    page: Page
    origin: str
    said: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.on("console", lambda message: self.said.append(f"console: {message.text}"))
        self.page.on("pageerror", lambda error: self.said.append(f"script: {error}"))
        self.page.on("request", self._request)

    def _request(self, request: Any) -> None:
        if not request.url.startswith((self.origin, "data:")):
            self.said.append(f"another origin: {request.url}")

    def complaints(self, look: str = "light") -> list[str]:
        """What axe finds serious or critical on the page as it stands, and what the browser said so far."""
        # A page that was looked at has it already; reading it anew costs as much as most rules together.
        axe = Axe("0") if self.page.evaluate("'axe' in window") else Axe()
        found = axe.run(self.page, options={"resultTypes": ["violations"], **LOOKS[look]}).response["violations"]
        serious = [
            f"{item['impact']} {item['id']}: {node['target']} {node.get('failureSummary', '')[:200]}"
            for item in found
            if item["impact"] in {"serious", "critical"}
            for node in item["nodes"][:3]
        ]
        wide = self.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        return [*self.said, *serious, *([f"scrolls sideways by {wide}px"] if wide > 0 else [])]


@dataclass
class Stage:
    """One client, its people with their sign-ins, and the server's address."""

    url: str
    desk: Desk
    slug: str
    signs: dict[str, SignIn]
    browser: Browser
    contexts: list[BrowserContext] = field(default_factory=list)

    def to(self, path: str) -> str:
        return f"{self.url}/c/{self.slug}/{path}"

    def open(self, **options: Any) -> Watched:
        """A fresh browser window, signed in as nobody."""
        context = self.browser.new_context(**{"viewport": WIDE, "locale": "en", "reduced_motion": "reduce", **options})
        context.set_default_timeout(20_000)
        self.contexts.append(context)
        return Watched(context.new_page(), self.url)

    def sign_in(self, name: str, **options: Any) -> Watched:
        """A window of somebody who signed in with password and authenticator, at the queue."""
        seen = self.open(**options)
        sign, page = self.signs[name], seen.page
        page.goto(self.url)
        page.locator("input[name=login]").fill(sign.email)
        page.locator("input[name=password]").fill(sign.password)
        page.get_by_role("button", name="Sign in").click()
        for _ in range(3):  # a code may be of the half minute that just ended
            page.locator("input[name=code]").fill(totp_now(sign.totp_secret))
            with page.expect_navigation():
                page.get_by_role("button", name="Sign in").click()
            if not page.url.endswith("/2fa/authenticate/"):
                break
        page.wait_for_url(self.to("queue"))
        return seen

    def at_work(self, who: str, **options: Any) -> Watched:
        """A window of somebody who signed in earlier, at the queue."""
        seen = self.open(**options)
        session = Client()
        session.force_login(get_user_model().objects.get(email=self.signs[who].email))
        name = settings.SESSION_COOKIE_NAME
        seen.page.context.add_cookies([{"name": name, "value": session.cookies[name].value, "url": self.url}])
        seen.page.goto(self.to("queue"))
        return seen

    def tell(self) -> None:
        """Let the duties of the worker run until there is nothing left to do."""
        while any(duty.run(self.desk.client) for duty in duties()):
            pass

    def leave(self, seen: Watched) -> None:
        """Close a window."""
        seen.page.context.close()
        self.contexts.remove(seen.page.context)

    def close(self) -> None:
        for context in self.contexts:
            context.close()


def ago(**of: float) -> datetime:
    return clock.now() - timedelta(**of)
