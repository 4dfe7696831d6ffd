"""Demonstration clients of further industries: made on request, small, the same each time."""

import json
import re
import unicodedata
from pathlib import Path

import pytest
from django.test import override_settings
from tests.postgres import Database
from typer.testing import CliRunner

from changedesk import packs
from changedesk.base import clock
from changedesk.base.actor import Channel
from changedesk.base.ids import ClientId
from changedesk.channels.terminal import app, demo, demo_industries, installed
from changedesk.flow import admit, configure
from changedesk.reading.search import search
from changedesk.rules import access
from changedesk.store import settings_read

NAMES = list(demo_industries.Name)
NOBODYS_PHONE = re.compile(r"\+1 \d{3} 555 01\d\d|\+44 7700 900\d{3}")
NOBODYS_MAIL = re.compile(r"[a-z.]+@example\.(com|net|org)")


@pytest.mark.parametrize("name", NAMES)
def test_customers_are_invented_the_same_each_time_in_many_scripts_and_can_be_reached_by_nobody(
    name: demo_industries.Name,
) -> None:
    industry = demo_industries.INDUSTRIES[name]
    invented = demo_industries.invent(industry)
    assert invented == demo_industries.invent(industry)
    assert len(invented) == demo_industries.PER_CLIENT
    assert len({item.key for item in invented}) == len({item.values["contact.email"] for item in invented}) == 30
    for item in invented:
        assert NOBODYS_PHONE.fullmatch(item.values["contact.phone_mobile"]), item.key
        assert NOBODYS_MAIL.fullmatch(item.values["contact.email"]), item.key
    letters = [unicodedata.name(sign) for item in invented for sign in str(item.values["personal.name"])]
    assert len({letter.split(" ", 1)[0] for letter in letters if " LETTER" in letter or "IDEOGRAPH" in letter}) > 8


@pytest.mark.parametrize("name", NAMES)
def test_a_client_of_an_industry_knows_what_its_pack_knows(name: demo_industries.Name) -> None:
    industry = demo_industries.INDUSTRIES[name]
    pack = packs.load(industry.client.packs)
    assert set(industry.client.industries) <= pack.industries
    used = {path for item in demo_industries.invent(industry) for path in item.values}
    used |= {path for item in demo_industries.invent(industry) for _, _, own in item.accounts for path in own}
    assert used <= set(pack.catalogue.fields)
    assert {plan for plan, _ in industry.plans} <= set(pack.catalogue["plan.name"].options)


def test_five_more_clients_are_made_on_request_and_made_once(database: Database, tmp_path: Path) -> None:
    settings_read.forget()
    for name in NAMES:
        assert demo.add(name, tmp_path, at=clock.now()) is demo_industries.INDUSTRIES[name]
    for industry in demo_industries.INDUSTRIES.values():
        here = installed.client(industry.client.slug)
        hits = search(f"{industry.number}-500007", actor=here.actor, at=clock.now(), language="en")
        assert hits, industry.client.slug
    known = demo.authenticators(tmp_path)
    assert len(known) == len(NAMES) * demo.WITH_AUTHENTICATOR
    assert demo.code_of("grace", tmp_path).isdigit()
    demo.add(demo_industries.Name.HEALTHCARE, tmp_path, at=clock.now())
    assert demo.authenticators(tmp_path) == known


def test_the_command_makes_the_client_and_the_same_people_work_for_it(database: Database, tmp_path: Path) -> None:
    settings_read.forget()
    with override_settings(CHANGEDESK_STATE_DIR=str(tmp_path)):
        made = CliRunner().invoke(app, ["demo", "client", "education", "--json"])
        unknown = CliRunner().invoke(app, ["demo", "client", "astrology"])
    assert made.exit_code == 0, made.output
    assert json.loads(made.output)["client"] == "northfield"
    ben = admit.member("ben@demo.example", "northfield", channel=Channel.PHONE, entry_point="console")
    assert ben.client == installed.client("northfield").actor.client
    assert unknown.exit_code == 2
    assert "healthcare" in unknown.output


def test_beside_clients_of_ones_own_there_is_no_demonstration(database: Database, tmp_path: Path) -> None:
    settings_read.forget()
    own = configure.NewClient("harbour", "Harbour", "harbour.example/log")
    configure.create_client(own, actor=access.terminal(ClientId(0)), at=clock.now())
    with pytest.raises(demo.NotADemonstration):
        demo.add(demo_industries.Name.TRAVEL, tmp_path, at=clock.now())
    assert admit.slugs() == ["harbour"]
