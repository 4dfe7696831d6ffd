import stat
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import psycopg
import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal import auth as totp
from django.test import Client as Browser
from pytest_django import Settings
from tests.postgres import Database

from changedesk.base import clock
from changedesk.base.actor import Actor, ActorType, Channel, Role
from changedesk.base.ids import ClientId
from changedesk.base.refusal import Forbidden
from changedesk.channels import signin
from changedesk.channels.terminal import people
from changedesk.flow import configure
from changedesk.rules import access
from changedesk.store import settings_read

AT = datetime(2026, 3, 2, 9, tzinfo=UTC)
PASSWORD = "tall-green-lamp-42"


@pytest.fixture
def nordcell(database: Database, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> ClientId:
    # Half a minute that does not end, or now and then a code would be a step old when it arrives.
    still = SimpleNamespace(time=lambda: 1_800_000_015.0)
    monkeypatch.setattr(totp, "time", still)
    monkeypatch.setattr(people, "time", still)
    settings.ROOT_URLCONF = "tests.channels.signin_pages"
    settings.ACCOUNT_ADAPTER = "changedesk.channels.signin.AccountAdapter"
    settings.MFA_ADAPTER = "changedesk.channels.signin.SecondFactorAdapter"
    ours = "changedesk.channels.signin.RequireSecondFactor"
    others = [name for name in settings.MIDDLEWARE if not name.endswith("SecondFactor")]
    settings.MIDDLEWARE = [*others, ours]
    settings_read.forget()
    return open_client("nordcell")


def open_client(slug: str) -> ClientId:
    new = configure.NewClient(slug, slug.title(), f"desk.example/{slug}")
    return configure.create_client(new, actor=access.terminal(ClientId(0)), at=AT)


@pytest.fixture
def signs(nordcell: ClientId, tmp_path: Path) -> dict[str, people.SignIn]:
    return {sign.name: sign for sign in people.plant([nordcell], state_dir=tmp_path, at=AT)}


def administrator(client: ClientId) -> Actor:
    return Actor(client, ActorType.STAFF, "s9000", Channel.SYSTEM, "x", roles=frozenset({Role.ADMINISTRATOR}))


def post(browser: Browser, path: str, **form: str) -> tuple[int, str]:
    answer = browser.post(path, form)
    return answer.status_code, answer.headers.get("Location", "")


def sign_in(sign: people.SignIn) -> Browser:
    browser = Browser()
    assert post(browser, "/accounts/login/", login=sign.email, password=sign.password) == (
        302,
        "/accounts/2fa/authenticate/",
    )
    assert post(browser, "/accounts/2fa/authenticate/", code=people.totp_now(sign.totp_secret))[0] == 302
    return browser


def test_a_persona_signs_in_with_password_and_code_and_acts_for_the_client_in_the_address(
    nordcell: ClientId, signs: dict[str, people.SignIn]
) -> None:
    browser = sign_in(signs["Ben"])
    ben = settings_read.person_by_email("ben@demo.example")
    assert ben is not None
    assert browser.get("/c/nordcell/").json() == {
        "id": ben.actor_id, "client": nordcell, "roles": ["agent"], "page": "who"
    }  # fmt: skip


def test_a_client_one_does_not_work_for_looks_like_one_that_is_not_there(signs: dict[str, people.SignIn]) -> None:
    open_client("harbour")
    browser = sign_in(signs["Ben"])
    theirs, nobodys = browser.get("/c/harbour/"), browser.get("/c/nowhere/")
    assert (theirs.status_code, theirs.content) == (nobodys.status_code, nobodys.content)
    assert theirs.json() == {"refused": "not-found"}


def test_the_password_alone_opens_nothing(signs: dict[str, people.SignIn]) -> None:
    browser = Browser()
    post(browser, "/accounts/login/", login=signs["Ines"].email, password=signs["Ines"].password)
    answer = browser.get("/c/nordcell/")
    assert (answer.status_code, answer.headers["Location"]) == (302, "/accounts/login/?next=/c/nordcell/")


def test_a_code_works_once(signs: dict[str, people.SignIn]) -> None:
    sign = signs["Ben"]
    code = people.totp_now(sign.totp_secret)
    answers = []
    for _ in range(2):
        browser = Browser()
        post(browser, "/accounts/login/", login=sign.email, password=sign.password)
        answers.append(post(browser, "/accounts/2fa/authenticate/", code=code)[0])
    assert answers == [302, 200]


def test_nobody_is_sent_to_a_page_without_signing_in(nordcell: ClientId) -> None:
    answer = Browser().get("/c/nordcell/")
    assert (answer.status_code, answer.headers["Location"]) == (302, "/accounts/login/?next=/c/nordcell/")


def invited(client: ClientId) -> tuple[int, Browser]:
    """Walk an invited person to their first page, password chosen, second factor not yet set up."""
    person = configure.invite("new@demo.example", "New", [Role.AGENT], actor=administrator(client), at=AT)
    browser = Browser()
    link = browser.get(signin.invite_path(person, actor=administrator(client)), follow=True)
    assert link.status_code == 200
    post(browser, link.redirect_chain[-1][0], password1=PASSWORD, password2=PASSWORD)
    assert post(browser, "/accounts/login/", login="new@demo.example", password=PASSWORD)[0] == 302
    return person, browser


def test_without_a_second_factor_only_its_set_up_is_open(nordcell: ClientId) -> None:
    _, browser = invited(nordcell)
    for path in ("/", "/c/nordcell/", "/accounts/password/change/", "/accounts/2fa/", "/accounts/sessions/"):
        answer = browser.get(path)
        assert (path, answer.status_code, answer.headers["Location"]) == (path, 302, "/accounts/2fa/totp/activate/")


def test_setting_up_the_second_factor_opens_the_desk(nordcell: ClientId) -> None:
    person, browser = invited(nordcell)
    set_up = "/accounts/2fa/totp/activate/"
    again = browser.get(set_up).headers["Location"]
    assert post(browser, again, password=PASSWORD) == (302, set_up)
    assert browser.get(set_up).status_code == 200
    secret = browser.session["mfa.totp.secret"]
    answer = browser.post(set_up, {"code": people.totp_now(secret)})
    assert answer.status_code == 302, answer.context["form"].errors
    assert browser.get("/c/nordcell/").json()["id"] == f"s{person}"


def test_an_invitation_works_once_and_never_for_who_has_a_password(nordcell: ClientId) -> None:
    person = configure.invite("new@demo.example", "New", [Role.AGENT], actor=administrator(nordcell), at=AT)
    link = signin.invite_path(person, actor=administrator(nordcell))
    for expected in (302, 200):  # a form to fill the first time, a page that says no the second
        browser = Browser()
        seen = browser.get(link, follow=True)
        path = seen.redirect_chain[-1][0] if seen.redirect_chain else link
        assert post(browser, path, password1=PASSWORD, password2=PASSWORD)[0] == expected
    with pytest.raises(Forbidden):
        signin.invite_path(person, actor=administrator(nordcell))


def test_another_clients_administrator_gets_no_link_into_a_shared_persons_sign_in(nordcell: ClientId) -> None:
    harbour = open_client("harbour")
    for client in (nordcell, harbour):
        person = configure.invite("new@demo.example", "New", [Role.AGENT], actor=administrator(client), at=AT)
    with pytest.raises(Forbidden):
        signin.invite_path(person, actor=administrator(harbour))


def test_a_session_ends_after_ten_hours_however_busy(
    signs: dict[str, people.SignIn], monkeypatch: pytest.MonkeyPatch
) -> None:
    browser = sign_in(signs["Ben"])
    assert browser.get("/c/nordcell/").status_code == 200
    late = datetime.fromtimestamp(browser.session[signin.SIGNED_IN_AT], UTC) + signin.SESSION_MAX
    monkeypatch.setattr(signin, "clock", SimpleNamespace(now=lambda: late))
    assert browser.get("/c/nordcell/").status_code == 302
    monkeypatch.setattr(signin, "clock", clock)
    assert browser.get("/c/nordcell/").status_code == 302


def test_an_idle_session_ends_after_a_quarter_of_an_hour(signs: dict[str, people.SignIn], database: Database) -> None:
    browser = sign_in(signs["Ben"])
    browser.get("/c/nordcell/")
    with psycopg.connect(database.url) as connection:
        rows = connection.execute("SELECT expire_date - now() < '15 minutes' FROM django_session").fetchall()
        assert (True,) in rows
        connection.execute("UPDATE django_session SET expire_date = now()")
    assert browser.get("/c/nordcell/").status_code == 302


def test_somebody_switched_off_is_out_at_once(signs: dict[str, people.SignIn], database: Database) -> None:
    browser = sign_in(signs["Ben"])
    with psycopg.connect(database.url) as connection:
        connection.execute("UPDATE person SET is_active = false WHERE email = 'ben@demo.example'")
    assert browser.get("/c/nordcell/").status_code == 302


def test_a_reset_ends_every_session_and_takes_the_factor(nordcell: ClientId, signs: dict[str, people.SignIn]) -> None:
    browser = sign_in(signs["Ben"])
    ben = settings_read.person_by_email("ben@demo.example")
    assert ben is not None
    configure.reset_sign_in(ben.id, actor=administrator(nordcell), at=AT)
    assert browser.get("/c/nordcell/").headers["Location"].startswith("/accounts/login/")
    assert not Authenticator.objects.filter(user_id=ben.id).exists()
    assert signin.invite_path(ben.id, actor=administrator(nordcell))


def test_nobody_signs_up_alone_or_changes_their_sign_in_address(signs: dict[str, people.SignIn]) -> None:
    Browser().post("/accounts/signup/", {"email": "eve@demo.example", "password1": PASSWORD, "password2": PASSWORD})
    assert settings_read.person_by_email("eve@demo.example") is None
    browser = sign_in(signs["Ben"])
    assert browser.post("/accounts/email/", {"action_add": "", "email": "eve@demo.example"}).status_code == 404


def test_nobody_gives_up_their_second_factor(signs: dict[str, people.SignIn]) -> None:
    browser = sign_in(signs["Ben"])
    browser.post("/accounts/2fa/totp/deactivate/")
    ben = settings_read.person_by_email("ben@demo.example")
    assert ben is not None
    assert Authenticator.objects.filter(user_id=ben.id, type="totp").exists()


def test_a_wrong_password_and_an_unknown_address_read_the_same(signs: dict[str, people.SignIn]) -> None:
    texts = []
    for email in ("ben@demo.example", "nob@demo.example"):
        answer = Browser().post("/accounts/login/", {"login": email, "password": "wrong-wrong-wrong"})
        texts.append((answer.status_code, answer.context["form"].errors.as_json()))
    assert texts[0] == texts[1]


def test_guessing_a_password_is_stopped(signs: dict[str, people.SignIn]) -> None:
    sign = signs["Ben"]
    for _ in range(5):
        Browser().post("/accounts/login/", {"login": sign.email, "password": "wrong-wrong-wrong"})
    answer = Browser().post("/accounts/login/", {"login": sign.email, "password": sign.password})
    assert answer.status_code == 200
    assert "too_many_login_attempts" in answer.context["form"].errors.as_json()


def test_the_seed_of_a_factor_is_not_in_the_database_in_clear(
    signs: dict[str, people.SignIn], database: Database
) -> None:
    with psycopg.connect(database.url) as connection:
        rows = "".join(row[0] for row in connection.execute("SELECT data::text FROM mfa_authenticator").fetchall())
    assert rows
    assert not [sign for sign in signs.values() if sign.totp_secret in rows]


def test_planting_again_gives_the_same_sign_ins_and_keeps_them_private(nordcell: ClientId, tmp_path: Path) -> None:
    first = people.plant([nordcell], state_dir=tmp_path, at=AT)
    again = people.plant([nordcell, open_client("harbour")], state_dir=tmp_path, at=AT)
    assert first == again
    assert stat.S_IMODE((tmp_path / people.FILE_NAME).stat().st_mode) == 0o600
    assert sign_in(again[0]).get("/c/harbour/").status_code == 200


@pytest.mark.parametrize("left", ["", "[", '[{"email": 1}]', "{}"])
def test_a_lost_or_spoiled_file_of_sign_ins_makes_fresh_ones(nordcell: ClientId, tmp_path: Path, left: str) -> None:
    first = people.plant([nordcell], state_dir=tmp_path, at=AT)
    (tmp_path / people.FILE_NAME).write_text(left)
    fresh = people.plant([nordcell], state_dir=tmp_path, at=AT)
    assert not {sign.password for sign in first} & {sign.password for sign in fresh}
    assert sign_in(fresh[0]).get("/c/nordcell/").status_code == 200


def test_no_two_personas_share_a_password(signs: dict[str, people.SignIn]) -> None:
    assert len({sign.password for sign in signs.values()}) == len(people.PERSONAS)
    assert len({sign.totp_secret for sign in signs.values()}) == len(people.PERSONAS)
