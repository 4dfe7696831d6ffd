from pathlib import Path

import pytest
from pydantic import ValidationError

from changedesk.config.environment import Environment, django_database


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DATABASE_URL", "SECRET_KEY", "PUBLIC_URL", "MASTER_KEY_FILE", "STATE_DIR"):
        monkeypatch.delenv(f"CHANGEDESK_{name}", raising=False)


def test_without_a_database_url_the_embedded_one_is_meant() -> None:
    assert Environment().embedded


@pytest.mark.parametrize("name", ["CHANGEDESK_DATABASE_URL", "DATABASE_URL"])
def test_both_names_of_the_database_url_are_heard(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, "postgresql://app:canary@db/desk")
    found = Environment()
    assert not found.embedded
    assert "canary" not in repr(found)


def test_a_secret_may_stand_in_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "word").write_text("from a file\n")
    monkeypatch.setenv("CHANGEDESK_SMTP_PASSWORD_FILE", str(tmp_path / "word"))
    monkeypatch.setenv("CHANGEDESK_DATABASE_URL_FILE", str(tmp_path / "word"))
    found = Environment()
    assert found.smtp_password.get_secret_value() == "from a file"
    assert found.database_url
    assert found.database_url.get_secret_value() == "from a file"


def test_a_wrong_value_is_named_and_not_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHANGEDESK_PUBLIC_URL", "canary")
    with pytest.raises(ValidationError) as caught:
        Environment()
    assert "public_url" in str(caught.value).lower()
    assert "canary" not in str(caught.value)


def test_a_database_url_with_a_socket_folder_and_options_reaches_django() -> None:
    made = django_database("postgresql://app:a%40b@/desk?host=%2Frun%2Fdesk&sslmode=require", 7)
    assert (made["NAME"], made["USER"], made["PASSWORD"], made["HOST"]) == ("desk", "app", "a@b", "/run/desk")
    assert made["OPTIONS"]["sslmode"] == "require"
    assert made["OPTIONS"]["pool"]["max_size"] == 7


def test_only_our_own_names_are_answered_to(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHANGEDESK_PUBLIC_URL", "https://desk.example.com/")
    found = Environment()
    assert found.https
    assert found.public_url == "https://desk.example.com"
    assert found.hosts == ["127.0.0.1", "[::1]", "desk.example.com", "localhost"]
