"""Data-subject requests at the terminal: what waits by the days left, and the figures of a year."""

import json

from tests.cast import desk
from tests.postgres import Database
from typer.testing import CliRunner, Result

from changedesk.base.actor import Channel
from changedesk.base.clock import now
from changedesk.channels.terminal import app
from changedesk.flow import subject_request
from changedesk.rules.rights import Right
from changedesk.store import settings_read


def run(*words: str) -> Result:
    return CliRunner().invoke(app, [*words, "--client", "aurora"])


def test_what_waits_is_listed_and_counted_without_a_name(database: Database) -> None:
    settings_read.forget()
    d = desk(jurisdictions=("EU",))
    dana = d.customer()
    made = subject_request.receive(dana, Right.ACCESS, channel=Channel.PHONE, actor=d.ben, at=now())
    shown = run("privacy", "list")
    assert shown.exit_code == 0, shown.output
    assert made.ref in shown.stdout
    assert "Novak" not in shown.stdout
    (line,) = json.loads(run("privacy", "list", "--all", "--json").stdout)
    assert (line["ref"], line["due_rule"], line["name_masked"]) == (made.ref, "EU-GDPR-12", True)
    assert "access" in run("privacy", "figures").stdout
    figures = {one["right"]: one["open"] for one in json.loads(run("privacy", "figures", "--json").stdout)}
    assert (figures["access"], figures["erasure"]) == (1, 0)
