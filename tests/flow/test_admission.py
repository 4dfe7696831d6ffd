"""Who is let in at a client, and by which word; what an administrator may set, and what not."""

from datetime import timedelta
from typing import Any

import psycopg
import pytest
from django.contrib.auth.hashers import check_password
from tests.cast import START, Desk, desk, soon, staff
from tests.postgres import Database

from changedesk.base.actor import Actor, ActorType, Channel, Role
from changedesk.base.ids import ClientId
from changedesk.base.refusal import Forbidden, NotFound
from changedesk.flow import admit, configure
from changedesk.flow.admit import CredentialEnded
from changedesk.flow.configure import BadSetting, NewClient
from changedesk.rules import access
from changedesk.store import settings_read

MAIL = {"event": "completed", "channel": "email", "language": "en"}
INSTALLER = access.terminal(ClientId(0))


@pytest.fixture(autouse=True)
def unused() -> None:
    """No key was used before: its number may be that of another test's."""
    admit._touched.clear()


@pytest.fixture
def ada(d: Desk) -> Actor:
    return staff(d.client, 7, Role.ADMINISTRATOR)


@pytest.fixture
def ben(d: Desk, ada: Actor) -> int:
    return configure.invite("ben@demo.example", "Ben", [Role.AGENT], team="one", actor=ada, at=START)


def at_work(d: Desk, person: int) -> Actor:
    return admit.staff(person, "aurora", channel=Channel.PHONE, entry_point="queue")


def test_a_person_is_known_by_their_address_at_their_client_only(d: Desk, ben: int) -> None:
    desk("borealis")
    assert admit.slugs() == ["aurora", "borealis"]
    actor = admit.member("ben@demo.example", "aurora", channel=Channel.PHONE, entry_point="terminal")
    assert (actor.id, actor.client, actor.team) == (f"s{ben}", d.client, "one")
    assert [one.slug for one in admit.clients_of(ben)] == ["aurora"]
    assert (admit.person(ben).email, admit.works_here("ben@demo.example")) == ("ben@demo.example", True)
    assert not admit.works_here("eve@demo.example")
    for email, slug in (("eve@demo.example", "aurora"), ("ben@demo.example", "borealis")):
        with pytest.raises(NotFound):
            admit.member(email, slug, channel=Channel.PHONE, entry_point="terminal")
    with pytest.raises(NotFound):
        admit.person(ben + 999)


def test_the_terminal_stands_at_one_client(d: Desk) -> None:
    assert admit.terminal("aurora").client == d.client
    with pytest.raises(NotFound):
        admit.terminal("nowhere")


def test_a_key_of_a_member_of_staff_has_their_roles_of_now(d: Desk, ben: int, ada: Actor) -> None:
    made = admit.staff_key(ben, actor=at_work(d, ben), at=START)
    header = f"Bearer {made.secret}"
    assert admit.key(header, at=START).roles == {Role.AGENT}
    configure.set_membership(ben, [Role.SUPERVISOR], actor=ada, at=START)
    actor = admit.key(header, at=soon(START))
    assert (actor.id, actor.type, actor.roles) == (f"s{ben}", ActorType.STAFF, frozenset({Role.SUPERVISOR}))
    configure.set_membership(ben, [Role.SUPERVISOR], active=False, actor=ada, at=START)
    with pytest.raises(CredentialEnded):
        admit.key(header, at=soon(START, 2))


def test_a_key_of_a_member_of_staff_is_made_by_themselves_or_the_installation(d: Desk, ben: int, ada: Actor) -> None:
    with pytest.raises(Forbidden):
        admit.staff_key(ben, actor=ada, at=START)
    assert admit.staff_key(ben, actor=admit.terminal("aurora"), at=START).secret
    with pytest.raises(NotFound):
        admit.staff_key(ben, actor=access.terminal(desk("borealis").client), at=START)
    made = admit.staff_key(ben, actor=at_work(d, ben), at=START)
    assert made.expires_at == START + admit.STAFF_KEY_LIFE
    with pytest.raises(CredentialEnded):
        admit.key(f"Bearer {made.secret}", at=made.expires_at)


def test_the_use_of_a_key_is_noted_once_a_minute(d: Desk, ada: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
    made = configure.create_key(
        "Billing", ["search"], entry_point="billing", expires_at=START + timedelta(days=30), actor=ada, at=START
    )
    noted: list[object] = []
    monkeypatch.setattr("changedesk.store.settings_write.touch_key", lambda _, at: noted.append(at))
    moments = [soon(START, minutes) for minutes in (1, 1.5, 2, 2.9, 3.1)]
    for at in moments:
        admit.key(f"Bearer {made.secret}", at=at)
    assert noted == [moments[0], moments[2], moments[4]]
    configure.revoke_key(made.prefix, actor=ada, at=soon(START, 4))
    with pytest.raises(CredentialEnded):
        admit.key(f"Bearer {made.secret}", at=soon(START, 5))


@pytest.mark.parametrize(
    ("field", "more"),
    [
        ("slug", {"slug": "No Spaces"}),
        ("origin", {"origin": "two words"}),
        ("origin", {"origin": "a+b.example"}),
        ("packs", {"packs": ("no_such_pack",)}),
        ("packs", {"packs": ("telecom", "telecom")}),
        ("languages", {"languages": ()}),
    ],
)
def test_a_client_is_opened_with_what_can_stand(d: Desk, field: str, more: dict[str, Any]) -> None:
    given: dict[str, Any] = {"slug": "polaris", "name": "Polaris", "origin": "polaris.example", **more}
    with pytest.raises(BadSetting) as refused:
        configure.create_client(NewClient(**given), actor=INSTALLER, at=START)
    assert refused.value.data["field"] == field
    assert admit.slugs() == ["aurora"]


@pytest.mark.parametrize(
    "values",
    [
        {"packs": ["retail"]},
        {"jurisdictions": ["EU"]},
        {"industries": []},
        {"sender_email": 7},
        {"sender_name": "x" * 121},
        {"color": 7},
        {"languages": "en"},
        {"languages": ["en", ""]},
        {"time_zone": None},
        {"default_language": None},
    ],
)
def test_what_a_setting_cannot_be_is_refused_by_its_name(d: Desk, ada: Actor, values: dict[str, Any]) -> None:
    with pytest.raises(BadSetting) as refused:
        configure.change_client(values, actor=ada, at=START)
    assert refused.value.data["field"] == next(iter(values))


def test_what_a_setting_can_be_stands(d: Desk, ada: Actor) -> None:
    values: dict[str, Any] = {
        "sender_email": "desk@aurora.example", "sender_name": "Aurora", "support_url": "https://aurora.example/help",
        "support_phone": "+1 202 555 0100", "color": "#102030", "default_language": "ar", "active": True,
    }  # fmt: skip
    configure.change_client(values, actor=ada, at=START)
    now = settings_read.client(d.client)
    assert {name: getattr(now, name) for name in values} == values
    cleared = {"sender_email": "", "support_url": "", "sender_name": ""}
    configure.change_client(cleared, actor=ada, at=START)
    assert {name: getattr(settings_read.client(d.client), name) for name in cleared} == cleared


@pytest.mark.parametrize(
    ("email", "name", "field"), [("nowhere", "Kim", "email"), ("kim@demo.example", " ", "display_name")]
)
def test_nobody_is_invited_without_an_address_and_a_name(
    d: Desk, ada: Actor, email: str, name: str, field: str
) -> None:
    with pytest.raises(BadSetting) as refused:
        configure.invite(email, name, [Role.AGENT], actor=ada, at=START)
    assert refused.value.data["field"] == field


def test_an_administrator_touches_the_sign_in_of_their_own_people(
    d: Desk, ben: int, ada: Actor, database: Database
) -> None:
    configure.require_own_person(ben, actor=ada)
    configure.set_sign_in(ben, password="a long pass phrase", totp_secret="JBSWY3DP", actor=INSTALLER, at=START)
    assert signs_in(database, "a long pass phrase")
    configure.reset_sign_in(ben, actor=ada, at=START)
    assert not signs_in(database, "a long pass phrase")


def signs_in(database: Database, password: str) -> bool:
    """Whether the one person who is there could sign in with a password."""
    with psycopg.connect(database.admin_url) as admin:
        (found,) = admin.execute("SELECT password FROM person").fetchall()
    return check_password(password, found[0])


def test_a_person_sets_what_is_their_own_and_nothing_else(d: Desk, ben: int, ada: Actor) -> None:
    actor = at_work(d, ben)
    configure.change_own({"display_name": "Ben B.", "language": "ar", "shortcuts_off": True}, actor=actor, at=START)
    assert (admit.person(ben).display_name, admit.person(ben).language) == ("Ben B.", "ar")
    for values in ({"email": "b@demo.example"}, {"language": "nowhere-land"}, {"shortcuts_off": "yes"}):
        with pytest.raises(BadSetting):
            configure.change_own(values, actor=actor, at=START)
    with pytest.raises(Forbidden):
        configure.change_own({"display_name": "A machine"}, actor=d.crm, at=START)


@pytest.mark.parametrize(
    ("key", "text", "field"),
    [
        ({"event": "completed"}, {"subject": "S", "body": "B"}, "template"),
        ({**MAIL, "language": "xx-none"}, {"subject": "S", "body": "B"}, "language"),
        ({"event": "completed", "channel": "email", "language": "en"}, {"subject": "S", "body": " "}, "body"),
        (
            {"event": "completed", "channel": "email", "language": "en"},
            {"subject": "S\nBcc: x", "body": "B"},
            "subject",
        ),
        ({"event": "completed", "channel": "email", "language": "en"}, {"subject": "S" * 201, "body": "B"}, "subject"),
    ],
)
def test_a_message_that_could_not_be_sent_is_refused(
    d: Desk, ada: Actor, key: dict[str, str], text: dict[str, str], field: str
) -> None:
    with pytest.raises(BadSetting) as refused:
        configure.set_template(key, text, actor=ada, at=START)
    assert refused.value.data["field"] == field


def test_a_wording_is_of_a_statement_that_there_is(d: Desk, ada: Actor) -> None:
    statement = min(name for name, _ in settings_read.configuration(d.client).statements)
    for name, wording, field in (("no_such", "I agree.", "statement"), (statement, "  ", "wording")):
        with pytest.raises(BadSetting) as refused:
            configure.set_wording(name, "en", wording, actor=ada, at=START)
        assert refused.value.data["field"] == field
    before = settings_read.client(d.client).config_version
    assert configure.set_wording(statement, "en", "I agree to this.", actor=ada, at=START) == before + 1


@pytest.mark.parametrize(
    ("path", "data", "field"),
    [
        ("NoDots", {"type": "text"}, "path"),
        ("x." + "y" * 90, {"type": "text"}, "path"),
        ("x.y", {"type": "odd"}, "data"),
    ],
)
def test_a_field_of_ones_own_is_written_as_packs_write_it(
    d: Desk, ada: Actor, path: str, data: dict[str, Any], field: str
) -> None:
    with pytest.raises(BadSetting) as refused:
        configure.set_field(path, data, actor=ada, at=START)
    assert refused.value.data["field"] == field


@pytest.mark.parametrize(
    ("scopes", "days", "name", "field"),
    [([], 9, "Billing", "scopes"), (["all"], 9, "Billing", "scopes"), (["search"], 0, "Billing", "expires_at"),
     (["search"], 732, "Billing", "expires_at"), (["search"], 9, "", "name")],
)  # fmt: skip
def test_a_key_has_scopes_an_end_and_a_name(
    d: Desk, ada: Actor, scopes: list[str], days: int, name: str, field: str
) -> None:
    with pytest.raises(BadSetting) as refused:
        configure.create_key(
            name, scopes, entry_point="x", expires_at=START + timedelta(days=days), actor=ada, at=START
        )
    assert refused.value.data["field"] == field
