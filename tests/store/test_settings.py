import json
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from django.db import connection
from tests.postgres import Database

from changedesk.base.actor import Actor, ActorType, Channel, Role
from changedesk.base.ids import ClientId
from changedesk.base.refusal import Forbidden, NotFound
from changedesk.config.bootstrap import APP
from changedesk.flow import admit, configure, policies
from changedesk.flow.configure import BadSetting, NewClient
from changedesk.rules import access
from changedesk.store import settings_read
from changedesk.store.settings_write import NameTaken

AT = datetime(2026, 3, 2, 9, tzinfo=UTC)
INSTALLER = access.terminal(ClientId(0))


@pytest.fixture
def nordcell(database: Database) -> ClientId:
    settings_read.forget()
    admit._touched.clear()
    new = NewClient("nordcell", "Nordcell", "desk.example/nordcell", languages=("en", "de"), region="DE")
    return configure.create_client(new, actor=INSTALLER, at=AT)


@pytest.fixture
def harbour(nordcell: ClientId) -> ClientId:
    new = NewClient("harbour", "Harbour Bank", "desk.example/harbour")
    return configure.create_client(new, actor=INSTALLER, at=AT)


def administrator(client: ClientId, actor_id: str = "s9000") -> Actor:
    return Actor(client, ActorType.STAFF, actor_id, Channel.SYSTEM, "settings", roles=frozenset({Role.ADMINISTRATOR}))


def hire(client: ClientId, email: str, *roles: Role) -> int:
    return configure.invite(email, "Somebody", roles, actor=administrator(client), at=AT)


def test_a_client_is_read_back_as_it_was_opened(nordcell: ClientId) -> None:
    told = settings_read.client(nordcell)
    assert (told.slug, told.region, told.languages, told.default_language) == (
        "nordcell",
        "DE",
        ("en", "de"),
        "en",
    )
    assert settings_read.client_by_slug("nordcell") == told
    assert settings_read.all_clients() == (told,)


def test_a_client_is_known_from_the_moment_it_is_opened(nordcell: ClientId) -> None:
    assert [known.id for known in settings_read.all_clients()] == [nordcell]
    with connection.cursor() as another_process:
        another_process.execute("UPDATE client SET slug = 'northcell'")
    assert settings_read.client_by_slug("northcell").id == nordcell
    with pytest.raises(NotFound):
        settings_read.client_by_slug("southcell")


def test_who_works_for_a_client_that_this_process_has_not_met_finds_it_among_theirs(nordcell: ClientId) -> None:
    ada = hire(nordcell, "ada@nordcell.example", Role.AGENT)
    assert [known.id for known in settings_read.all_clients()] == [nordcell]
    new = {"id": nordcell + 1, "slug": "newcell", "name": "Newcell", "ledger_origin": "desk.example/newcell"}
    with connection.cursor() as another_process:
        another_process.execute(
            "INSERT INTO client SELECT (jsonb_populate_record(client, %s)).* FROM client", [json.dumps(new)]
        )
        another_process.execute("UPDATE membership SET client_id = %s", [nordcell + 1])
    assert [known.slug for known in settings_read.clients_of(ada)] == ["newcell"]


def test_only_the_terminal_opens_clients(nordcell: ClientId) -> None:
    with pytest.raises(Forbidden):
        configure.create_client(NewClient("other", "Other", "o.example"), actor=administrator(nordcell), at=AT)


@pytest.mark.parametrize(
    "new",
    [
        NewClient("nordcell", "Again", "desk.example/again"),
        NewClient("again", "Again", "desk.example/nordcell"),
    ],
)
def test_two_clients_never_share_a_name_or_a_log(nordcell: ClientId, new: NewClient) -> None:
    with pytest.raises(NameTaken):
        configure.create_client(new, actor=INSTALLER, at=AT)
    assert len(settings_read.all_clients()) == 1


def test_every_change_raises_the_version_and_is_remembered_with_its_actor(nordcell: ClientId) -> None:
    version = configure.change_client({"time_zone": "Europe/Berlin"}, actor=administrator(nordcell), at=AT)
    assert settings_read.client(nordcell).config_version == version == 2
    newest = settings_read.config_changes(nordcell)[0]
    assert (newest.actor, newest.old, newest.new) == (
        "s9000", {"time_zone": "UTC"}, {"time_zone": "Europe/Berlin"}
    )  # fmt: skip
    again = configure.change_client({"time_zone": "Europe/Berlin"}, actor=administrator(nordcell), at=AT)
    assert again == version


@pytest.mark.parametrize(
    "values",
    [
        {"time_zone": "Mars/Olympus"},
        {"time_zone": "../../etc/passwd"},
        {"default_region": "Germany"},
        {"languages": []},
        {"languages": ["en", "nowhere-land"]},
        {"languages": ["en", "en"]},
        {"default_language": "ar"},
        {"color": "red; background: url(//x)"},
        {"support_url": "http://example.com"},
        {"support_url": "javascript:alert(1)"},
        {"sender_email": "not an address"},
        {"sender_name": "A\r\nBcc: x@example.com"},
        {"name": ""},
        {"active": "no"},
        {"slug": "moved"},
        {"ledger_origin": "elsewhere"},
        {"config_version": 1},
        {"id": 7},
    ],
)
def test_a_setting_that_makes_no_sense_is_refused_by_name(nordcell: ClientId, values: dict[str, Any]) -> None:
    before = settings_read.client(nordcell)
    with pytest.raises(BadSetting) as refused:
        configure.change_client(values, actor=administrator(nordcell), at=AT)
    assert refused.value.data["field"] in values
    settings_read.forget()
    assert settings_read.client(nordcell) == before


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.ADMINISTRATOR])
def test_nobody_but_the_administrator_changes_settings(nordcell: ClientId, role: Role) -> None:
    actor = Actor(nordcell, ActorType.STAFF, "s1", Channel.SYSTEM, "settings", roles=frozenset({role}))
    with pytest.raises(Forbidden):
        configure.change_client({"name": "Mine"}, actor=actor, at=AT)
    with pytest.raises(Forbidden):
        configure.invite("x@demo.example", "X", [role], actor=actor, at=AT)
    with pytest.raises(Forbidden):
        configure.create_key("x", ["search"], entry_point="x", expires_at=AT, actor=actor, at=AT)


def test_an_invited_person_belongs_to_the_inviting_client_only(nordcell: ClientId, harbour: ClientId) -> None:
    person = hire(nordcell, "Ben@Demo.example", Role.AGENT)
    assert settings_read.person(person).email == "ben@demo.example"
    assert [known.id for known in settings_read.clients_of(person)] == [nordcell]
    actor = admit.staff(person, "nordcell", channel=Channel.PHONE, entry_point="queue")
    assert (actor.client, actor.id, actor.roles) == (nordcell, f"s{person}", frozenset({Role.AGENT}))
    with pytest.raises(NotFound):
        admit.staff(person, "harbour", channel=Channel.PHONE, entry_point="queue")
    with pytest.raises(NotFound):
        admit.staff(person, "no-such-client", channel=Channel.PHONE, entry_point="queue")


def test_a_role_taken_away_is_gone_at_once(nordcell: ClientId) -> None:
    person = hire(nordcell, "ben@demo.example", Role.AGENT)
    admit.staff(person, "nordcell", channel=Channel.PHONE, entry_point="queue")
    with psycopg.connect(_url()) as other_process:
        other_process.execute("UPDATE membership SET active = false WHERE person_id = %s", [person])
    with pytest.raises(NotFound):
        admit.staff(person, "nordcell", channel=Channel.PHONE, entry_point="queue")


def test_a_client_switched_off_lets_nobody_in(nordcell: ClientId) -> None:
    person = hire(nordcell, "ben@demo.example", Role.AGENT)
    configure.change_client({"active": False}, actor=administrator(nordcell), at=AT)
    assert settings_read.clients_of(person) == ()
    with pytest.raises(NotFound):
        admit.staff(person, "nordcell", channel=Channel.PHONE, entry_point="queue")


def test_nobody_gives_themselves_a_role(nordcell: ClientId) -> None:
    ada = hire(nordcell, "ada@demo.example", Role.ADMINISTRATOR)
    with pytest.raises(Forbidden):
        configure.set_membership(ada, list(Role), actor=administrator(nordcell, f"s{ada}"), at=AT)


def test_an_administrator_does_not_touch_the_sign_in_of_another_clients_person(
    nordcell: ClientId, harbour: ClientId
) -> None:
    ben = hire(nordcell, "ben@demo.example", Role.AGENT)
    assert hire(harbour, "ben@demo.example", Role.AGENT) == ben
    for client in (nordcell, harbour):
        with pytest.raises(Forbidden):
            configure.reset_sign_in(ben, actor=administrator(client), at=AT)
    with pytest.raises(Forbidden):
        configure.set_sign_in(ben, password="x", totp_secret="y", actor=administrator(nordcell), at=AT)


def test_actor_ids_are_shown_as_names(nordcell: ClientId) -> None:
    ben = hire(nordcell, "ben@demo.example", Role.AGENT)
    made = make_key(nordcell)
    shown = settings_read.names([f"s{ben}", f"k{made.id}", "c", "a.clock", "s999", "s²", ""])
    assert shown == {f"s{ben}": "Somebody", f"k{made.id}": "Billing"}


def make_key(client: ClientId, *scopes: str) -> configure.NewKey:
    return configure.create_key(
        "Billing",
        scopes or ("search", "customers:read"),
        entry_point="billing",
        expires_at=AT + timedelta(days=30),
        actor=administrator(client),
        at=AT,
    )


def test_a_key_opens_its_own_client_with_its_own_scopes(nordcell: ClientId, harbour: ClientId) -> None:
    made = make_key(nordcell)
    actor = admit.key(f"Bearer {made.secret}", at=AT)
    assert (actor.client, actor.id, actor.type) == (nordcell, f"k{made.id}", ActorType.INTEGRATION)
    assert (actor.scopes, actor.entry_point) == (frozenset({"search", "customers:read"}), "billing")
    assert not actor.roles


def test_the_secret_of_a_key_is_nowhere_in_the_database(nordcell: ClientId) -> None:
    made = make_key(nordcell)
    word = made.secret.removeprefix(f"{made.prefix}_")
    assert len(word) == 43  # 256 bits, base64url
    with psycopg.connect(_url()) as connection:
        for table in ("api_key", "config_change"):
            rows = connection.execute(f"SELECT t::text FROM {table} t").fetchall()
            assert rows
            assert not [row for row in rows if word in row[0]]


@pytest.mark.parametrize(
    "spoil",
    [
        lambda _: "",
        lambda _: "Bearer",
        lambda secret: f"Basic {secret}",
        lambda secret: secret,
        lambda secret: f"Bearer {secret[:-1]}",
        lambda secret: f"Bearer {secret}x",
        lambda secret: f"Bearer {secret[:16]}",
        lambda secret: f"Bearer {secret[:16]}_",
        lambda secret: f"Bearer {secret[:16]}-{secret[17:]}",
        lambda secret: f"Bearer cd_live_00000000_{secret[17:]}",
        lambda secret: f"Bearer {secret} {secret}",
        lambda _: "Bearer cd_live_\x00\x00\x00\x00\x00\x00\x00\x00_x",
        lambda _: "Bearer cd_live_äöüäöüäö_x",
    ],
)
def test_a_spoiled_key_is_refused_without_saying_why(nordcell: ClientId, spoil: Any) -> None:
    made = make_key(nordcell)
    with pytest.raises(admit.CredentialRefused) as refused:
        admit.key(spoil(made.secret), at=AT)
    assert refused.value.data == {}


def test_a_key_dies_on_its_day_and_when_revoked_and_with_its_client(nordcell: ClientId) -> None:
    made, other, third = make_key(nordcell), make_key(nordcell), make_key(nordcell)
    with pytest.raises(admit.CredentialEnded):
        admit.key(f"Bearer {made.secret}", at=made.expires_at)
    admit.key(f"Bearer {other.secret}", at=AT)
    configure.revoke_key(other.prefix, actor=administrator(nordcell), at=AT)
    with pytest.raises(admit.CredentialEnded):
        admit.key(f"Bearer {other.secret}", at=AT)
    configure.change_client({"active": False}, actor=administrator(nordcell), at=AT)
    with pytest.raises(admit.CredentialEnded):
        admit.key(f"Bearer {third.secret}", at=AT)


def test_an_administrator_cannot_revoke_another_clients_key(nordcell: ClientId, harbour: ClientId) -> None:
    made = make_key(nordcell)
    with pytest.raises(NotFound):
        configure.revoke_key(made.prefix, actor=administrator(harbour), at=AT)
    admit.key(f"Bearer {made.secret}", at=AT)


def test_the_use_of_a_key_is_noted_once_a_minute(nordcell: ClientId) -> None:
    made = make_key(nordcell)
    seen = []
    for seconds in (0, 30, 59, 60, 61):
        admit.key(f"Bearer {made.secret}", at=AT + timedelta(seconds=seconds))
        seen.append(settings_read.credentials(nordcell)[0].last_used_at)
    later = AT + timedelta(minutes=1)
    assert seen == [AT, AT, AT, later, later]


@pytest.mark.parametrize("scopes", [[], ["everything"], ["search", "terminal"], ["configure.keys"]])
def test_a_key_gets_known_scopes_only(nordcell: ClientId, scopes: list[str]) -> None:
    with pytest.raises(BadSetting):
        configure.create_key(
            "x", scopes, entry_point="x", expires_at=AT + timedelta(1), actor=administrator(nordcell), at=AT
        )


@pytest.mark.parametrize("days", [-1, 0, 732])
def test_no_key_lives_for_ever(nordcell: ClientId, days: int) -> None:
    ends = AT + timedelta(days)
    with pytest.raises(BadSetting):
        configure.create_key("x", ["search"], entry_point="x", expires_at=ends, actor=administrator(nordcell), at=AT)


def test_a_template_and_a_wording_get_a_new_version_and_the_old_one_stays(nordcell: ClientId) -> None:
    key = {"event": "completed", "channel": "email", "language": "en"}
    for body in ("One.", "Two."):
        configure.set_template(key, {"subject": "Done", "body": body}, actor=administrator(nordcell), at=AT)
        configure.set_wording("marketing", "en", body, actor=administrator(nordcell), at=AT)
    assert [(t.version, t.body) for t in settings_read.templates(nordcell)] == [(2, "Two.")]
    assert [(w.version, w.wording) for w in settings_read.wordings(nordcell)] == [(1, "One."), (2, "Two.")]
    with psycopg.connect(_url()) as connection:
        assert connection.execute("SELECT count(*) FROM message_template").fetchone() == (2,)


def test_the_configuration_is_put_together_once_for_each_version(nordcell: ClientId) -> None:
    ada = administrator(nordcell)
    first = settings_read.configuration(nordcell)
    settings_read._kept.clear()
    assert settings_read.configuration(nordcell) is first
    assert "contact.email" in first.catalogue
    told = policies.NewPolicy(source="", packs=["telecom"], jurisdictions=["US"], industries=["telecom"])
    number = policies.write_policy(told, actor=ada, at=AT)
    version = policies.publish_policy(number, actor=replace(ada, id="s99"), at=AT)
    later = settings_read.configuration(nordcell)
    assert (later.policy_version, later.pack.names) == (version, ("telecom",))
    assert len(later.rules) > len(first.rules)


def test_a_clients_own_wording_is_asked_and_the_older_ones_are_kept_with_it(nordcell: ClientId) -> None:
    pack = settings_read.configuration(nordcell).statement("marketing")
    for language, text in (("en", "Yes, write to me."), ("de", "Ja, schreiben Sie mir.")):
        configure.set_wording("marketing", language, text, actor=administrator(nordcell), at=AT)
    own = settings_read.configuration(nordcell)
    assert own.statement("marketing").version == settings_read.OWN_VERSIONS + 2
    assert own.statement("marketing").wording == {
        **pack.wording, "en": "Yes, write to me.", "de": "Ja, schreiben Sie mir."
    }  # fmt: skip
    assert own.statements["marketing", settings_read.OWN_VERSIONS + 1].wording["de"] == pack.wording["de"]
    assert own.statements["marketing", pack.version] == pack


def test_a_wording_of_no_known_statement_and_packs_outside_a_policy_are_refused(nordcell: ClientId) -> None:
    with pytest.raises(BadSetting):
        configure.set_wording("nothing", "en", "x", actor=administrator(nordcell), at=AT)
    with pytest.raises(BadSetting):
        configure.change_client({"packs": ["telecom"]}, actor=administrator(nordcell), at=AT)


def test_a_clients_own_field_joins_the_catalogue(nordcell: ClientId) -> None:
    field = {
        "type": "text",
        "kind": "personal_details",
        "category": "identity.nickname",
        "label": {"en": "Nickname", "de": "Spitzname", "ar": "لقب"},
    }
    configure.set_field("personal.nickname", field, actor=administrator(nordcell), at=AT)
    assert settings_read.configuration(nordcell).catalogue["personal.nickname"].label_in("de") == "Spitzname"
    for path, spoiled in (
        ("personal.nickname", {**field, "type": "virus"}),
        ("personal.nickname", {**field, "extra": 1}),
        ("contact.email", field),
        ("Not A Path", field),
    ):
        with pytest.raises(BadSetting):
            configure.set_field(path, spoiled, actor=administrator(nordcell), at=AT)
    configure.set_field("personal.nickname", None, actor=administrator(nordcell), at=AT)
    assert "personal.nickname" not in settings_read.configuration(nordcell).catalogue


def test_a_subject_of_two_lines_is_refused(nordcell: ClientId) -> None:
    key = {"event": "completed", "channel": "email", "language": "en"}
    with pytest.raises(BadSetting):
        configure.set_template(
            key, {"subject": "A\r\nBcc: x@example.com", "body": "x"}, actor=administrator(nordcell), at=AT
        )


@pytest.mark.parametrize("statement", ["UPDATE config_change SET actor = 's1'", "DELETE FROM config_change"])
@pytest.mark.parametrize("role", ["url", "owner_url"])
def test_the_record_of_settings_is_never_rewritten(
    nordcell: ClientId, database: Database, role: str, statement: str
) -> None:
    with (
        psycopg.connect(getattr(database, role)) as connection,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        connection.execute(statement)
    assert settings_read.config_changes(nordcell)


def test_what_another_process_changed_is_seen_after_the_time_to_live(
    nordcell: ClientId, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert settings_read.client(nordcell).name == "Nordcell"
    with psycopg.connect(_url()) as other_process:
        other_process.execute("UPDATE client SET name = 'Nordcell AG'")
    assert settings_read.client(nordcell).name == "Nordcell"
    late = time.monotonic() + settings_read.TTL_SECONDS
    monkeypatch.setattr(time, "monotonic", lambda: late)
    assert settings_read.client(nordcell).name == "Nordcell AG"


def test_a_read_outside_a_page_gives_its_connection_back(nordcell: ClientId) -> None:
    from django.db import connection  # noqa: PLC0415 - Django is ready only inside a test

    connection.close()
    settings_read.forget()
    settings_read.all_clients()
    assert connection.connection is None


def test_strangers_cannot_fill_the_memory_with_made_up_prefixes(
    nordcell: ClientId, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings_read, "KEPT_MAX", 10)
    for number in range(30):
        settings_read.credential(f"cd_live_{number:08d}")
    assert len(settings_read._kept) <= 10


def _url() -> str:
    from tests.conftest import RUN  # noqa: PLC0415 - one place knows this run's database

    return RUN.url(APP)
