"""The master key in a key service that speaks HashiCorp Vault's Transit protocol (OpenBao speaks the same).

``POST /v1/<mount>/encrypt/<key>`` and ``.../decrypt/<key>`` with ``associated_data``, ``GET /v1/<mount>/keys/<key>``
for its newest version (Vault HTTP API, secrets engine "transit"; key type aes256-gcm96). Rewrap is not used: it takes
no associated data, which is what binds a key to its client and its use. The master itself never leaves the service.
"""

import re
from base64 import b64decode, b64encode
from functools import cache
from http import HTTPStatus
from pathlib import Path
from typing import ClassVar, Final

import httpx

from changedesk.ledger import seal
from changedesk.store.masters import MasterUnavailable, Wrapped

SECONDS: Final = 5.0
"""The longest that anybody waits for the service."""
_CIPHERTEXT: Final = re.compile(r"vault:v([1-9][0-9]{0,8}):[A-Za-z0-9+/=]+")
_WHY: Final[dict[int, str]] = {
    HTTPStatus.FORBIDDEN: "denied",
    HTTPStatus.NOT_FOUND: "no-key",
    HTTPStatus.SERVICE_UNAVAILABLE: "sealed",
}


@cache
def _line(ca_file: str) -> httpx.Client:
    # One for the process: the connection is kept. No proxy of the environment comes between.
    return httpx.Client(timeout=SECONDS, trust_env=False, verify=ca_file or True)


class VaultMaster:
    """One named key of a transit engine. The token is read from its file at each call: an agent may renew it."""

    holder: ClassVar[str] = "vault"

    def __init__(self, *, url: str, key: str, mount: str, token_file: Path, ca_file: Path | None = None) -> None:
        self._base = f"{url}/v1/{mount}"
        self._key = key
        self._token_file = token_file
        self._ca_file = "" if ca_file is None else str(ca_file)

    def version(self) -> str:
        return f"{self.holder}:{self._ask('GET', 'keys', 'latest_version')}"

    def wrap(self, key: bytes, aad: bytes) -> Wrapped:
        ciphertext = self._ask("POST", "encrypt", "ciphertext", plaintext=_text(key), associated_data=_text(aad))
        read = _CIPHERTEXT.fullmatch(ciphertext)
        if read is None:
            raise MasterUnavailable(why="misread", where=self.holder)
        return Wrapped(f"{self.holder}:{read[1]}", ciphertext.encode())

    def unwrap(self, wrapped: Wrapped, aad: bytes) -> bytes:
        read = _CIPHERTEXT.fullmatch(wrapped.sealed.decode("ascii", "replace"))
        if read is None or wrapped.master != f"{self.holder}:{read[1]}":
            raise seal.Corrupt("not a wrapped key")
        key = b64decode(self._ask("POST", "decrypt", "plaintext", ciphertext=read[0], associated_data=_text(aad)))
        if len(key) != seal.KEY_BYTES:
            raise seal.Corrupt("not a wrapped key")
        return key

    def _ask(self, method: str, verb: str, wanted: str, **body: str) -> str:
        """Ask the service; return what it says of ``wanted``."""
        try:
            token = self._token_file.read_text("utf-8").strip()
        except OSError:
            raise MasterUnavailable(why="no-token", where=self.holder) from None
        try:
            answer = _line(self._ca_file).request(
                method, f"{self._base}/{verb}/{self._key}", json=body or None,
                headers={"X-Vault-Token": token, "X-Vault-Request": "true"},
            )  # fmt: skip
        except (httpx.HTTPError, httpx.InvalidURL, OSError):
            raise MasterUnavailable(why="unreachable", where=self.holder) from None
        if answer.status_code == HTTPStatus.BAD_REQUEST and verb == "decrypt":
            raise seal.Corrupt("does not open")
        if not answer.is_success:
            raise MasterUnavailable(why=_WHY.get(answer.status_code, "refused"), where=self.holder)
        try:
            return str(answer.json()["data"][wanted])
        except (ValueError, KeyError, TypeError):
            raise MasterUnavailable(why="misread", where=self.holder) from None


def _text(raw: bytes) -> str:
    return b64encode(raw).decode("ascii")
