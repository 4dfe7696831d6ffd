"""How people and programs get in: no self sign-up, always a second factor, sessions that end.

Passwords, codes, sessions and rate limits are django-allauth's; this module says how strict they are here, and turns
whoever got in into an Actor at one client.
"""

import base64
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Final

from allauth.account.adapter import DefaultAccountAdapter
from allauth.mfa.adapter import DefaultMFAAdapter
from cryptography.fernet import Fernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.contrib.auth import get_user_model, logout
from django.contrib.auth.views import redirect_to_login
from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse

from changedesk.base import clock
from changedesk.base.actor import Actor, Channel
from changedesk.base.refusal import Forbidden
from changedesk.flow import admit, configure

SESSION_MAX: Final = timedelta(hours=10)
"""A session ends then, however busy; SESSION_COOKIE_AGE ends an idle one after a quarter of an hour."""
SIGNED_IN_AT: Final = "signed_in_at"

OPEN_PATHS: Final = ("/static/", "/healthz", "/readyz", "/api/", "/p/", "/i18n/")
"""Let through: they hold nothing, or ask for their own credential."""
OPEN_PAGES: Final = frozenset(
    {
        "account_login",
        "account_logout",
        "account_reauthenticate",
        "account_reset_password",
        "account_reset_password_done",
        "account_reset_password_from_key",
        "account_reset_password_from_key_done",
        "account_signup",
        "mfa_authenticate",
        "mfa_reauthenticate",
        "mfa_activate_totp",
    }
)
"""What someone without a second factor may open: the way in, and the page that sets one up."""
NO_PAGES: Final = frozenset({"account_email", "account_change_email", "account_confirm_email"})
"""Pages of the framework that we do not offer: an administrator gives and changes sign-in addresses."""

Handler = Callable[[HttpRequest], HttpResponseBase]


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc] # the library has no types
    """People are invited by an administrator of a client; nobody signs up alone."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Say no."""
        del request
        return False


class SecondFactorAdapter(DefaultMFAAdapter):  # type: ignore[misc] # the library has no types
    """Keeps seeds and recovery codes encrypted, and nobody without a factor they had."""

    def encrypt(self, text: str) -> str:
        """Return the text as a Fernet token: a copy of the database is not enough to sign in."""
        return _sealing().encrypt(text.encode()).decode()

    def decrypt(self, encrypted_text: str) -> str:
        """Return the text that ``encrypt`` sealed."""
        return _sealing().decrypt(encrypted_text.encode()).decode()

    def can_delete_authenticator(self, authenticator: Any) -> bool:
        """Say no to giving up a factor: a lost one is reset by an administrator, then set up anew."""
        del authenticator
        return False


class RequireSecondFactor:
    """No page opens to a password alone, to nobody, or to a session older than SESSION_MAX."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view: Any, args: Any, kwargs: Any) -> HttpResponseBase | None:
        """Return the page to go to instead, or None to go on. Raises Http404 for pages that we do not offer."""
        del view, args, kwargs
        if request.path.startswith(OPEN_PATHS):
            return None
        page = request.resolver_match.view_name if request.resolver_match else ""
        if page in NO_PAGES:
            raise Http404
        if request.user.is_authenticated and _too_old(request):
            logout(request)
            return redirect_to_login(request.get_full_path())
        if page in OPEN_PAGES:
            return None
        if not request.user.is_authenticated:
            return redirect_to_login(request.get_full_path())
        if not has_second_factor(request):
            return redirect(reverse("mfa_activate_totp"))
        return None


def has_second_factor(request: HttpRequest) -> bool:
    """Say whether the signed-in person has set up a second factor; signing in then asks for it."""
    from allauth.mfa.utils import is_mfa_enabled  # noqa: PLC0415 - imports tables, which load after middleware

    return bool(is_mfa_enabled(request.user))


def actor_of(
    request: HttpRequest, client_slug: str, *, channel: Channel = Channel.SYSTEM, entry_point: str = ""
) -> Actor:
    """Return who acts: the signed-in person, at the client that stands in the address.

    ``channel`` is how the customer asked, which the page knows; ``entry_point`` is the page's name unless given.
    Nothing that the browser sends but its session says who it is. Raises Forbidden when nobody is signed in or the
    second factor is missing, NotFound when the person does not work for that client.
    """
    if not request.user.is_authenticated or not has_second_factor(request):
        raise Forbidden(reason="signed-out")
    page = request.resolver_match.view_name if request.resolver_match else ""
    return admit.staff(int(request.user.pk), client_slug, channel=channel, entry_point=entry_point or page or "console")


def actor_of_key(header: str, *, at: datetime | None = None) -> Actor:
    """Return the program behind an Authorization header.

    Raises admit.CredentialRefused and admit.CredentialEnded, both of them Forbidden; HTTP answers them with 401.
    """
    return admit.key(header, at=at or clock.now())


def invite_path(person: int, *, actor: Actor) -> str:
    """Return the path of the page where an invited person chooses their password; it works once, for three days.

    Whoever has it gets in, so it goes to that person only. Raises Forbidden for somebody who has a password, or who
    works for another client too.
    """
    # Late, as both import tables, which load after this module where it is middleware.
    from allauth.account.forms import default_token_generator  # noqa: PLC0415
    from allauth.account.utils import user_pk_to_url_str  # noqa: PLC0415

    configure.require_own_person(person, actor=actor)
    invited = get_user_model().objects.get(pk=person)
    if invited.has_usable_password():
        raise Forbidden(reason="has a password")
    return reverse(
        "account_reset_password_from_key",
        kwargs={"uidb36": user_pk_to_url_str(invited), "key": default_token_generator.make_token(invited)},
    )


def _too_old(request: HttpRequest) -> bool:
    now = int(clock.now().timestamp())
    since: int = request.session.setdefault(SIGNED_IN_AT, now)
    return now - since >= SESSION_MAX.total_seconds()


def _sealing() -> Fernet:
    # The key is derived from the secret key (HKDF, RFC 5869), so that neither stands for the other.
    derive = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"changedesk second factors")
    return Fernet(base64.urlsafe_b64encode(derive.derive(settings.SECRET_KEY.encode())))
