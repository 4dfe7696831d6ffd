"""Everything that an installation may set: ``CHANGEDESK_*`` variables and their ``*_FILE`` twins, typed."""

import os
from functools import cached_property
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Any, Literal, Self
from urllib.parse import urlsplit

from psycopg.conninfo import conninfo_to_dict
from pydantic import AliasChoices, Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

PREFIX = "CHANGEDESK_"
LOOPBACK_HOSTS = ("localhost", "127.0.0.1", "[::1]")


class SecretFiles(PydanticBaseSettingsSource):
    """``CHANGEDESK_X_FILE`` names a file that holds ``CHANGEDESK_X``: secrets stay out of process lists."""

    def get_field_value(self, field: Any, field_name: str) -> tuple[Any, str, bool]:
        """The content of the file that ``CHANGEDESK_<FIELD>_FILE`` names, or None."""
        del field
        name = None if field_name.endswith("_file") else os.environ.get(f"{PREFIX}{field_name.upper()}_FILE")
        return (Path(name).read_text(encoding="utf-8").strip() if name else None), field_name, False

    def __call__(self) -> dict[str, Any]:
        """All values that files hold."""
        found = {name: self.get_field_value(None, name)[0] for name in self.settings_cls.model_fields}
        return {name: value for name, value in found.items() if value is not None}


class Environment(BaseSettings):
    """What the installation sets. Unset database URLs mean: the embedded PostgreSQL of ``state_dir``."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, extra="ignore", frozen=True, hide_input_in_errors=True, populate_by_name=True
    )

    state_dir: Path = Path(".changedesk")
    """Where keys, generated passwords and the embedded database of this installation stand."""

    database_url: SecretStr | None = Field(
        default=None,
        validation_alias=AliasChoices("CHANGEDESK_DATABASE_URL", "DATABASE_URL"),
    )
    """The application's own role: no superuser, no BYPASSRLS, owner of nothing."""
    migration_url: SecretStr | None = None
    """The role that owns the schema; used by ``changedesk migrate`` alone."""
    pool_size: int = Field(default=16, ge=1, le=500)

    erasure_journal: Path | None = None
    """Where erasures are written down outside the database, for after a restore. Back it up by itself, and often."""

    master_key_file: Path | None = None
    kms_url: str | None = None
    """A key service that holds the master key instead of the file: Vault's Transit protocol (docs/keys.md)."""
    kms_key: str = "changedesk"
    kms_mount: str = "transit"
    kms_token_file: Path | None = None
    kms_ca_file: Path | None = None
    secret_key: SecretStr | None = None

    public_url: str = "http://127.0.0.1:8000"
    live_url: str | None = None
    """The origin pages hear news from: the public one where a proxy puts /events there. None: they ask for none."""
    allowed_hosts: list[str] = []
    web_host: str = "127.0.0.1"
    web_port: int = Field(default=8000, ge=1, le=65535)
    web_workers: int = Field(default=2, ge=1, le=64)
    web_threads: int = Field(default=32, ge=1, le=256)

    smtp_host: str | None = None
    smtp_port: int = 25
    smtp_user: str = ""
    smtp_password: SecretStr = SecretStr("")
    smtp_starttls: bool = True
    smtp_from: str = "Changedesk <no-reply@changedesk.invalid>"
    sms_gateway_url: str | None = None
    sms_gateway_token: SecretStr = SecretStr("")

    hooks_inside: bool = False
    """Hooks may lead to this machine and its network, and over http: for development and tests alone."""
    hooks_ranges: list[IPv4Network | IPv6Network] = []
    """Networks inside that hooks may lead to all the same, over https."""

    witnesses: list[str] = []
    """Who cosigns the logs' checkpoints: an address and a verifier key each, with a space between."""

    debug: bool = False
    log_level: Literal["debug", "info", "warning", "error"] = "info"

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments, the environment, files; no dotenv file, so that nothing is read by accident."""
        del dotenv_settings, file_secret_settings
        return init_settings, env_settings, SecretFiles(settings_cls)

    @field_validator("state_dir", "master_key_file", "erasure_journal")
    @classmethod
    def _absolute(cls, value: Path | None) -> Path | None:
        return value.absolute() if value else value

    @field_validator("log_level", mode="before")
    @classmethod
    def _lower(cls, value: object) -> object:
        return value.lower() if isinstance(value, str) else value

    @field_validator("kms_url")
    @classmethod
    def _kms(cls, value: str | None) -> str | None:
        if value is None:
            return value
        parts = urlsplit(value)
        if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in {"localhost", "127.0.0.1"}):
            raise ValueError("must be an https address: the keys of all clients go over this line")
        return value.rstrip("/")

    @field_validator("public_url", "live_url")
    @classmethod
    def _origin(cls, value: str | None) -> str | None:
        if value is not None and (urlsplit(value).scheme not in {"http", "https"} or not urlsplit(value).hostname):
            raise ValueError("must be an address such as https://desk.example.com")
        return value.rstrip("/") if value else value

    @model_validator(mode="after")
    def _both_or_none(self) -> Self:
        if self.migration_url and not self.database_url:
            raise ValueError("CHANGEDESK_MIGRATION_URL is set without CHANGEDESK_DATABASE_URL: set both, or neither")
        if self.kms_url and not self.kms_token_file:
            raise ValueError("CHANGEDESK_KMS_URL is set without CHANGEDESK_KMS_TOKEN_FILE: set both, or neither")
        return self

    @property
    def embedded(self) -> bool:
        """Whether the database is the embedded one."""
        return self.database_url is None

    @property
    def secrets_dir(self) -> Path:
        """The folder (mode 0700) of generated passwords and keys."""
        return self.state_dir / "secrets"

    @property
    def erasure_journal_path(self) -> Path:
        """The file of the erasure journal."""
        return self.erasure_journal or self.state_dir / "erasures.jsonl"

    @property
    def https(self) -> bool:
        """Whether people reach us over TLS."""
        return self.public_url.startswith("https://")

    @property
    def master_key_path(self) -> Path:
        """The file of the master key: 32 bytes as 64 hexadecimal digits."""
        return self.master_key_file or self.secrets_dir / "master_key"

    @property
    def kms(self) -> dict[str, Any] | None:
        """How to reach the key service, None where the master key stands in a file."""
        if self.kms_url is None:
            return None
        return {
            "url": self.kms_url, "key": self.kms_key, "mount": self.kms_mount, "token_file": self.kms_token_file,
            "ca_file": self.kms_ca_file,
        }  # fmt: skip

    @cached_property
    def hosts(self) -> list[str]:
        """Host names that requests may carry."""
        named = urlsplit(self.public_url).hostname or ""
        return sorted({named if ":" not in named else f"[{named}]", *LOOPBACK_HOSTS, *self.allowed_hosts})


def django_database(url: str, pool_size: int) -> dict[str, Any]:
    """The ``DATABASES`` entry for a libpq URL or key/value string, with psycopg's pool.

    Sessions and settings pages are all that use it; the core has its own pool in the store.
    """
    parts = conninfo_to_dict(url)
    known = {"dbname": "NAME", "user": "USER", "password": "PASSWORD", "host": "HOST", "port": "PORT"}
    rest = {name: value for name, value in parts.items() if name not in known}
    return {
        "ENGINE": "django.db.backends.postgresql",
        **{django: str(parts.get(libpq) or "") for libpq, django in known.items()},
        "CONN_MAX_AGE": 0,
        # A connection that a database restart broke is replaced, not handed out.
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": {**rest, "pool": {"min_size": 1, "max_size": pool_size, "timeout": 10}},
        "TEST": {"MIGRATE": False},
    }
