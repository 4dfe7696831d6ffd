"""A damaged log is told to the client's operators and auditors: once a failure, by mail, without a word of values."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from pytest_django.fixtures import Settings
from tests.cast import Desk, desk
from tests.faults.audited import EVE
from tests.outbound.logs import customers, forget
from tests.outbound.receivers import MailServer, closed_port
from tests.postgres import Database

from changedesk.base.actor import Role
from changedesk.channels.clock.audits import audited
from changedesk.flow import configure
from changedesk.outbound import duties, publish
from changedesk.outbound.notices import alarm
from changedesk.outbound.notices.mail import Mail
from changedesk.outbound.notices.outbox import Outbox
from changedesk.reading import integrity
from changedesk.rules.access import terminal
from changedesk.store import alarms, settings_read
from changedesk.store.tx import look

DAY = timedelta(days=1)


@pytest.fixture
def home(database: Database, settings: Settings, tmp_path: Path) -> Iterator[Desk]:
    """A published log of three customers; Otto audits in German, Ada operates, Ben answers the phone, Gone has left."""
    settings.CHANGEDESK_STATE_DIR = tmp_path / "state"
    settings_read.forget()
    forget()
    made = desk()
    actor = terminal(made.client)
    for name, role, language in (
        ("otto", Role.AUDITOR, "de"), ("ada", Role.ADMINISTRATOR, "en"), ("ben", Role.AGENT, "en"),
        ("gone", Role.AUDITOR, "en"),
    ):  # fmt: skip
        configure.invite(
            f"{name}@aurora.example", name.title(), [role], language=language, actor=actor, at=EVE - 9 * DAY
        )
    gone = settings_read.person_by_email("gone@aurora.example")
    assert gone is not None
    configure.set_membership(gone.id, [Role.AUDITOR], active=False, actor=actor, at=EVE - 8 * DAY)
    other = desk("harbour")
    configure.invite("eve@harbour.example", "Eve", [Role.AUDITOR], actor=terminal(other.client), at=EVE - 9 * DAY)
    customers(made, 3)
    while any(duty.run(made.client) for duty in duties() if duty.name in ("log.sequence", "log.publish")):
        pass
    publish.publish(made.client, at=EVE - DAY, paced=False)
    yield made
    forget()


def forge(database: Database, statement: str) -> None:
    with psycopg.connect(database.admin_url) as connection:
        connection.execute("SET session_replication_role = replica")
        assert connection.execute(statement).rowcount


def mails(server: MailServer) -> Mail:
    return Mail("127.0.0.1", server.port, sender_email="desk@aurora.example", starttls=False, timeout_seconds=10)


def told(home: Desk) -> list[str]:
    with look(home.client) as seen:
        return [one.state for one in alarms.newest(seen)]


def send(home: Desk, way: Mail | Outbox, at: datetime) -> int:
    return alarm.tell(home.client, lambda: way, clock=lambda: at)


def test_a_damaged_log_is_told_once_a_failure(home: Desk, database: Database, mail_server: MailServer) -> None:
    way = mails(mail_server)
    assert audited(home.client, at=EVE) is not None
    assert (send(home, way, EVE), integrity.damaged_anywhere()) == (0, False)
    forge(database, "UPDATE desk.entry SET channel = 'fax' WHERE id = (SELECT max(id) FROM desk.entry)")
    found = audited(home.client, at=EVE + DAY)
    assert found is not None
    assert found.first is not None
    later = EVE + timedelta(days=4000)
    assert send(home, way, later) == 2
    assert told(home) == ["sent", "sent"]
    letters = {str(one["To"]): one for one in mail_server.mails()}
    assert set(letters) == {"otto@aurora.example", "ada@aurora.example"}
    english = letters["ada@aurora.example"]
    assert english["Subject"] == "Aurora: the log is damaged"
    text = english.get_content()
    assert f"First bad entry: {found.first.index} (columns-differ)" in text
    assert "/c/aurora/audit/integrity" in text
    assert "Dana" not in text
    assert letters["otto@aurora.example"]["Subject"] == "Aurora: das Protokoll ist beschädigt"
    assert integrity.damaged_anywhere()
    # The same failure again: nobody is told again. Another first bad entry: they are.
    assert audited(home.client, at=EVE + 2 * DAY) is not None
    assert send(home, way, later) == 0
    forge(database, "UPDATE desk.entry SET channel = 'fax' WHERE id = (SELECT min(id) FROM desk.entry)")
    assert audited(home.client, at=EVE + 3 * DAY) is not None
    assert send(home, way, later) == 2
    # Mended, and broken anew: that is a failure of its own.
    forge(database, "UPDATE desk.entry SET channel = 'api'")
    assert audited(home.client, at=EVE + 4 * DAY) is not None
    assert not integrity.damaged_anywhere()
    forge(database, "UPDATE desk.entry SET channel = 'fax' WHERE id = (SELECT min(id) FROM desk.entry)")
    assert audited(home.client, at=EVE + 5 * DAY) is not None
    assert send(home, way, later) == 2


def test_a_mail_server_that_is_away_is_tried_again_and_one_that_refuses_is_not(
    home: Desk, database: Database, mail_server: MailServer
) -> None:
    forge(database, "UPDATE desk.entry SET channel = 'fax'")
    assert audited(home.client, at=EVE) is not None
    at = EVE + timedelta(days=4000)
    away = Mail("127.0.0.1", closed_port(), sender_email="desk@aurora.example", starttls=False)
    assert (send(home, away, at), told(home)) == (2, ["pending", "pending"])
    assert send(home, away, at) == 0
    mail_server.refuses["ada@aurora.example"] = "550 no such user"
    assert send(home, mails(mail_server), at + alarm.FIRST_WAIT) == 2
    assert sorted(told(home)) == ["failed", "sent"]
    assert send(home, mails(mail_server), at + DAY) == 0


def test_it_is_given_up_in_the_end_and_one_whose_fate_is_unknown_is_not_sent_again(
    home: Desk, database: Database, mail_server: MailServer
) -> None:
    forge(database, "UPDATE desk.entry SET channel = 'fax'")
    assert audited(home.client, at=EVE) is not None
    at = EVE + timedelta(days=4000)
    mail_server.dies_after_data = True
    mail_server.refuses["otto@aurora.example"] = "451 later"
    for number in range(alarm.ATTEMPTS_MAX):
        assert send(home, mails(mail_server), at + number * DAY) == (1 if number else 2)
    assert sorted(told(home)) == ["failed", "unconfirmed"]


def test_without_a_mail_server_it_stands_on_the_page_only(home: Desk, database: Database) -> None:
    forge(database, "UPDATE desk.entry SET channel = 'fax'")
    assert audited(home.client, at=EVE) is not None
    ada = settings_read.person_by_email("ada@aurora.example")
    assert ada is not None
    (duty,) = [one for one in duties() if one.name == "log.alarm"]
    while duty.run(home.client):
        pass
    assert told(home) == ["shown", "shown"]
    panel = integrity.integrity(actor=home.otto, language="en")
    assert (panel.damaged, {one.who.name for one in panel.told}) == (True, {"Otto", "Ada"})
    assert panel.checkpoints[0].size == panel.size


def test_who_left_before_the_mail_went_is_not_told(home: Desk, database: Database, mail_server: MailServer) -> None:
    forge(database, "UPDATE desk.entry SET channel = 'fax'")
    assert audited(home.client, at=EVE) is not None
    with psycopg.connect(database.admin_url) as connection:
        connection.execute("UPDATE public.person SET is_active = false WHERE email = 'ada@aurora.example'")
    assert send(home, mails(mail_server), EVE + timedelta(days=4000)) == 2
    assert sorted(told(home)) == ["failed", "sent"]
