"""How staff sign in: no self sign-up, and the seeds of second factors encrypted at rest."""

import base64

from allauth.account.adapter import DefaultAccountAdapter
from allauth.mfa.adapter import DefaultMFAAdapter
from cryptography.fernet import Fernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.http import HttpRequest


class AccountAdapter(DefaultAccountAdapter):
    """People are made by an administrator of the client."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Nobody signs up alone."""
        del request
        return False


class SecondFactorAdapter(DefaultMFAAdapter):
    """Keeps seeds and recovery codes encrypted: a copy of the database is not enough to sign in."""

    def encrypt(self, text: str) -> str:
        """The text as a Fernet token."""
        return sealing().encrypt(text.encode()).decode()

    def decrypt(self, encrypted_text: str) -> str:
        """The text that ``encrypt`` sealed."""
        return sealing().decrypt(encrypted_text.encode()).decode()


def sealing() -> Fernet:
    """The cipher for second factors, its key derived from the secret key (HKDF, RFC 5869)."""
    derive = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"changedesk second factors")
    return Fernet(base64.urlsafe_b64encode(derive.derive(settings.SECRET_KEY.encode())))
