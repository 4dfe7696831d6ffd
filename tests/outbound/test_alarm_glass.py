"""Broken glass is told at once to who may review it: by mail, once, without a word of who it was or of whom."""

from datetime import timedelta

import psycopg
import pytest
from tests.cast import START, Desk, desk, soon
from tests.outbound.receivers import MailServer, closed_port
from tests.postgres import Database

from changedesk import flow
from changedesk.base.actor import Actor, Role
from changedesk.flow import configure
from changedesk.outbound.notices import alarm
from changedesk.outbound.notices.mail import Mail
from changedesk.rules.access import terminal
from changedesk.store import settings_read

AT = soon(START)
LATER = AT + timedelta(days=1)


@pytest.fixture
def home(database: Database) -> Desk:
    """Ivo and Petra may review, and Mona, in Arabic; Ada operates, Ben answers the phone, Gone has left."""
    settings_read.forget()
    made = desk()
    actor = terminal(made.client)
    for name, role, language in (
        ("ivo", Role.SUPERVISOR, "en"), ("petra", Role.PRIVACY, "de"), ("mona", Role.SUPERVISOR, "ar"),
        ("ada", Role.ADMINISTRATOR, "en"), ("ben", Role.AGENT, "en"), ("gone", Role.SUPERVISOR, "en"),
    ):  # fmt: skip
        configure.invite(f"{name}@aurora.example", name.title(), [role], language=language, actor=actor, at=START)
    gone = settings_read.person_by_email("gone@aurora.example")
    assert gone is not None
    configure.set_membership(gone.id, [Role.SUPERVISOR], active=False, actor=actor, at=START)
    other = desk("harbour")
    configure.invite("eve@harbour.example", "Eve", [Role.SUPERVISOR], actor=terminal(other.client), at=START)
    return made


def broken(home: Desk, actor: Actor, **more: flow.Once) -> flow.Glass:
    return flow.break_glass(
        level=2, minutes=30, reason="fraud_in_progress", reference="Dana-Novak", actor=actor, at=AT, **more
    )  # fmt: skip


def sent(home: Desk, server: MailServer) -> int:
    way = Mail("127.0.0.1", server.port, sender_email="desk@aurora.example", starttls=False, timeout_seconds=10)
    return alarm.tell(home.client, lambda: way, clock=lambda: LATER)


def test_who_may_review_broken_glass_hears_of_it_by_mail_once(home: Desk, mail_server: MailServer) -> None:
    key = flow.Once("k", b"")
    for _ in range(2):
        broken(home, home.ines, key=key)
    assert (sent(home, mail_server), sent(home, mail_server)) == (3, 0)
    letters = {str(one["To"]).partition("@")[0]: one for one in mail_server.mails()}
    assert set(letters) == {"ivo", "petra", "mona"}
    assert [str(letters[name]["Subject"]) for name in ("ivo", "petra", "mona")] == [
        "Aurora: somebody broke the glass",
        "Aurora: ein Notfallzugriff hat begonnen",
        "Aurora: بدأ وصول طارئ",
    ]
    for letter in letters.values():
        text = letter.get_content()
        assert "/c/aurora/break-glass" in text
        assert ("2026-03-02 09:01" in text, "2026-03-02 09:31" in text, "24" in text) == (True, True, True)
        assert not {word for word in ("s3", "Ines", "Dana", "Novak", "fraud_in_progress") if word in text}
    broken(home, home.ines)
    assert sent(home, mail_server) == 3  # glass of its own


def test_who_broke_it_is_told_too_for_it_may_have_been_somebody_else(
    home: Desk, database: Database, mail_server: MailServer
) -> None:
    ivo = settings_read.person_by_email("ivo@aurora.example")
    assert ivo is not None
    with psycopg.connect(database.admin_url) as owner:
        owner.execute("UPDATE public.person SET is_active = false WHERE email IN ('petra@aurora.example')")
    settings_read.forget()
    broken(home, Actor(home.client, home.ines.type, f"s{ivo.id}", home.ines.channel, "test", roles=home.ines.roles))
    assert sent(home, mail_server) == 2
    assert {str(one["To"]) for one in mail_server.mails()} == {"ivo@aurora.example", "mona@aurora.example"}


def test_a_mail_server_that_is_away_is_tried_again(home: Desk, database: Database, mail_server: MailServer) -> None:
    broken(home, home.ines)
    away = Mail("127.0.0.1", closed_port(), sender_email="desk@aurora.example", starttls=False)
    assert alarm.tell(home.client, lambda: away, clock=lambda: AT) == 3
    assert alarm.tell(home.client, lambda: away, clock=lambda: AT) == 0
    mail_server.refuses["ivo@aurora.example"] = "550 no such user"
    assert sent(home, mail_server) == 3
    with psycopg.connect(database.admin_url) as owner:
        states = owner.execute("SELECT state FROM desk.alarm ORDER BY state").fetchall()
    assert states == [("failed",), ("sent",), ("sent",)]
