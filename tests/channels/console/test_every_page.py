"""Every page by every role: shown or refused as the rules say, never an error, and in the rail of who may see it.

A page that has no line here fails the first test.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.test import Client as Browser
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from pytest_django import DjangoDbBlocker
from tests.cast import SECRET, Desk, desk
from tests.postgres import Database

from changedesk import flow
from changedesk.base import clock
from changedesk.base.actor import Actor, Channel, Role
from changedesk.flow import configure, hooks, policies
from changedesk.reading import batches, imports, integrity, reversals
from changedesk.rules import access
from changedesk.rules.access import Verb, may
from changedesk.store import settings_read

NOBODY = "00000000-0000-7000-8000-000000000000"
SHOWN, REFUSED = 200, (403, 404)


def verbs(*needed: Verb) -> Callable[[Actor], bool]:
    return lambda actor: all(may(actor, verb) for verb in needed)


def anybody(_actor: Actor) -> bool:
    return True


V = Verb
ASKS = verbs(V.REQUEST_PREVIEW, V.CUSTOMER_READ)
PAGES: dict[str, tuple[Callable[[Actor], bool], tuple[str, ...]]] = {
    "console:start": (anybody, ()),
    "console:switch_client": (anybody, ()),
    "console:queue": (verbs(V.QUEUE_READ), ("slug",)),
    "console:search": (verbs(V.CUSTOMER_SEARCH), ("slug",)),
    "console:customer": (verbs(V.CUSTOMER_READ, V.TIMELINE_READ), ("slug", "customer")),
    "console:account": (verbs(V.CUSTOMER_READ, V.TIMELINE_READ), ("slug", "account")),
    "console:as_of": (verbs(V.TIMELINE_READ), ("slug", "customer")),
    "console:change_new": (ASKS, ("slug", "customer")),
    "console:account_change_new": (ASKS, ("slug", "account")),
    "console:duplicates": (verbs(V.CUSTOMER_READ, V.CUSTOMER_SEARCH), ("slug", "customer")),
    "console:account_duplicates": (verbs(V.CUSTOMER_READ, V.CUSTOMER_SEARCH), ("slug", "account")),
    "console:merge": (verbs(V.REQUEST_PREVIEW), ("slug", "customer", "other")),
    "console:account_merge": (verbs(V.REQUEST_PREVIEW), ("slug", "account", "second")),
    "console:unmerge": (verbs(V.CHANGE_REVERT), ("slug", "nobody")),
    "console:merge_work": (verbs(V.QUEUE_READ), ("slug",)),
    "console:transfer": (verbs(V.REQUEST_PREVIEW), ("slug", "account")),
    "console:new_holder": (verbs(V.IDENTITY_CHALLENGE), ("slug", "ref")),
    "console:verify": (verbs(V.IDENTITY_CHALLENGE), ("slug", "customer")),
    "console:revert": (verbs(V.CHANGE_REVERT), ("slug", "change")),
    "console:restore": (verbs(V.CHANGE_REVERT), ("slug", "customer", "version")),
    "console:change": (verbs(V.REQUEST_READ), ("slug", "ref")),
    "console:consent": (verbs(V.CONSENT_RECORD), ("slug", "ref")),
    "console:revise": (verbs(V.REQUEST_REVISE), ("slug", "ref")),
    "console:batches": (batches.may_read, ("slug",)),
    "console:batch": (batches.may_read, ("slug", "batch")),
    "console:approvals": (verbs(V.REQUEST_APPROVE), ("slug",)),
    "console:decide": (verbs(V.REQUEST_APPROVE), ("slug", "ref")),
    "console:disputes": (verbs(V.QUEUE_READ), ("slug",)),
    "console:notices": (verbs(V.NOTICE_READ), ("slug",)),
    "console:outbox": (verbs(V.OUTBOX_READ), ("slug",)),
    "console:erase": (verbs(V.REQUEST_SUBMIT), ("slug", "customer")),
    "console:erasures": (verbs(V.REQUEST_READ), ("slug",)),
    "console:erasure": (verbs(V.REQUEST_READ), ("slug", "nobody")),
    "console:files": (
        lambda actor: batches.may_read(actor) and may(actor, V.REQUEST_SUBMIT),
        ("slug",),
    ),
    "console:imports": (imports.may_read, ("slug",)),
    "console:import_run": (imports.may_read, ("slug", "run")),
    "console:import_undo": (lambda actor: imports.may_read(actor) and may(actor, V.CHANGE_REVERT), ("slug", "run")),
    "console:reversals": (reversals.may_read, ("slug",)),
    "console:reversal": (reversals.may_read, ("slug", "reversal")),
    "console:policies": (verbs(V.CONFIGURE_READ), ("slug",)),
    "console:policy": (verbs(V.CONFIGURE_READ), ("slug", "policy")),
    "console:evidence": (verbs(V.EVIDENCE_BUILD), ("slug",)),
    "console:integrity": (integrity.may_read, ("slug",)),
    "console:system_keys": (verbs(V.CONFIGURE_READ), ("slug",)),
    "console:hooks": (verbs(V.CONFIGURE_READ), ("slug",)),
    "console:hook": (verbs(V.CONFIGURE_READ), ("slug", "hook")),
    "console:reveal": (verbs(V.CUSTOMER_READ), ("slug", "customer")),
    "console:revealed": (verbs(V.VALUE_REVEAL), ("slug", "nobody")),
    "console:access": (verbs(V.ACCESS_READ), ("slug",)),
    "console:trends": (verbs(V.QUEUE_READ), ("slug",)),
    "console:readers": (verbs(V.ACCESS_READ), ("slug",)),
    "console:break_glass": (
        lambda actor: may(actor, V.ACCESS_BREAK_GLASS) or may(actor, V.ACCESS_READ) or may(actor, V.ACCESS_REVIEW),
        ("slug",),
    ),
    "console:audit": (verbs(V.AUDIT_SEARCH), ("slug",)),
    "console:audit_entry": (verbs(V.AUDIT_SEARCH), ("slug", "version")),
    "console:privacy": (verbs(V.PRIVACY_READ), ("slug",)),
    "console:privacy_new": (verbs(V.PRIVACY_RECEIVE, V.CUSTOMER_READ), ("slug", "customer")),
    "console:privacy_disclosures": (verbs(V.PRIVACY_READ), ("slug", "customer")),
    "console:privacy_request": (verbs(V.PRIVACY_READ), ("slug", "ref")),
    "console:profile": (anybody, ("slug",)),
    "portal:wasnt_me": (anybody, ("slug", "token")),
    "portal:your_data": (anybody, ("slug", "token")),
    "portal:copy": (anybody, ("slug", "nobody", "token")),
}
"""By name: who may see it, and what stands in its address."""
MISSING = frozenset(
    {
        "console:unmerge",
        "console:erasure",
        "console:new_holder",
        "console:revealed",
        "console:audit_entry",
        "console:privacy_request",
        "portal:wasnt_me",
        "portal:your_data",
        "portal:copy",
    }
)
"""Asked for something that is not there: 404 for everybody who may ask."""
QUERY = {"console:reveal": "?field=contact.email"}
ELSEWHERE = {"console:queue": 303}
"""Who may not is sent to another page instead of being refused."""
UNFIT = {"console:account_merge": 422}
"""Accounts of two people are not merged, which the page says."""


def names(resolver: URLResolver, space: str = "") -> Iterator[str]:
    for one in resolver.url_patterns:
        if isinstance(one, URLPattern):
            if space and one.name:
                yield f"{space}:{one.name}"
        else:
            yield from names(one, one.app_name if one.app_name in ("console", "portal") else "")


def test_every_page_has_its_line_here() -> None:
    assert set(names(get_resolver())) == set(PAGES)


@dataclass
class Building:
    """One client in the middle of a day, somebody of each role signed in, and what stands in the addresses."""

    desk: Desk
    people: dict[Role, Browser]
    actors: dict[Role, Actor]
    parts: dict[str, Any] = field(default_factory=dict)

    def address(self, name: str) -> str:
        return reverse(name, args=[self.parts[part] for part in PAGES[name][1]]) + QUERY.get(name, "")


@pytest.fixture(scope="module")
def building(
    worker_database: Database, django_db_blocker: DjangoDbBlocker, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Building]:
    """Looked at only, so all tests of this file share it."""
    worker_database.clean()
    settings_read.forget()
    with django_db_blocker.unblock():
        made = desk()
        people, actors = {}, {}
        for role in Role:
            person = configure.invite(
                f"{role}@aurora.example", role.title(), [role], team=role, actor=access.terminal(made.client),
                at=clock.now(),
            )  # fmt: skip
            configure.set_sign_in(
                person, password="only-for-this-test-run", totp_secret=SECRET, actor=access.terminal(made.client),
                at=clock.now(),
            )  # fmt: skip
            people[role] = Browser(raise_request_exception=False)
            people[role].force_login(get_user_model().objects.get(pk=person))
            actors[role] = flow.admit.staff(person, "aurora", channel=Channel.PHONE, entry_point="test")
        found = Building(made, people, actors)
        found.parts = furnished(found)
        yield found


def customer(d: Desk, number: int) -> flow.Created:
    values = {
        "personal.name": "Dana Novak", "contact.email": f"dana{number}@old.example",
        "contact.phone_mobile": f"+1 202 555 01{number}",
    }  # fmt: skip
    new = flow.NewCustomer(values=values, accounts=[flow.NewAccount(f"A-{number}", "holder", {})])
    return flow.create_customers([new], actor=d.crm, at=clock.now() - timedelta(days=9)).one()


def furnished(here: Building) -> dict[str, Any]:
    d, at = here.desk, clock.now()
    lead, agent = here.actors[Role.SUPERVISOR], here.actors[Role.AGENT]
    dana, eve = customer(d, 41), customer(d, 42)
    tier = flow.FieldChange(path="loyalty.tier", new="gold")
    item = flow.RecordedChange(subject=dana.subject, changes=[tier])
    made = flow.record_changes([item], actor=d.crm, at=at - timedelta(hours=1)).one()
    asked = flow.submit(
        [flow.Wish(subject=dana.subject, kind="contact_details", values={"contact.email": "dana@new.example"},
                   reason="customer_request", channel=Channel.PHONE)],
        actor=agent, at=at,
    ).one()  # fmt: skip
    terminal = access.terminal(d.client)
    run = flow.note_import("crm-list", bytes(32), actor=terminal, at=at - timedelta(hours=3))
    flow.finish_import(run, {"rows": 0}, actor=terminal, at=at - timedelta(hours=2))
    batch = flow.start_batch("a-map", bytes(32), actor=agent, at=at)
    undone = flow.start_reversal(
        d.crm.id, since=at - timedelta(hours=2), until=at, reason="reversal", actor=lead, at=at,
        key=flow.Once("one", b""),
    )  # fmt: skip
    new = policies.NewPolicy(source="", packs=["telecom"], jurisdictions=["US"], industries=["telecom"])
    number = policies.write_policy(new, actor=here.actors[Role.ADMINISTRATOR], at=at)
    told = hooks.NewHook(url="https://hooks.example.com/")
    hook = hooks.register_hook(told, actor=here.actors[Role.ADMINISTRATOR], at=at).id
    return {
        "slug": "aurora", "customer": dana.subject, "other": eve.subject, "account": dana.accounts[0],
        "second": eve.accounts[0], "ref": asked.ref, "change": made.change, "version": 1, "batch": batch.id,
        "run": run, "reversal": undone.id, "policy": number, "hook": hook, "nobody": NOBODY, "token": "not-a-link",
    }  # fmt: skip


@pytest.mark.parametrize("role", list(Role))
def test_every_page_is_shown_to_who_may_see_it_and_refused_to_who_may_not(building: Building, role: Role) -> None:
    wrong = {}
    for name, (allowed, _) in PAGES.items():
        status = building.people[role].get(building.address(name), follow=name == "console:start").status_code
        wanted: tuple[int, ...] = (404,) if name in MISSING else (UNFIT.get(name, SHOWN),)
        if not allowed(building.actors[role]):
            wanted = (ELSEWHERE[name],) if name in ELSEWHERE else REFUSED
        if status not in wanted:
            wrong[name] = status, wanted
    assert not wrong, "\n".join(f"{name}: {told}" for name, told in wrong.items())


@pytest.mark.parametrize("role", list(Role))
def test_the_rail_leads_to_every_list_that_a_role_may_see_and_to_no_other(building: Building, role: Role) -> None:
    page = building.people[role].get(building.address("console:profile")).content.decode()
    rail = "".join(re.findall(r'<ul class="rail-list".*?</ul>', page, re.DOTALL))
    linked = set(re.findall(r'<a href="([^"]+)"', rail))
    lists = {name for name, (_, parts) in PAGES.items() if parts == ("slug",)} - {"console:profile"}
    may_see = {building.address(name) for name in lists if PAGES[name][0](building.actors[role])}
    assert linked == may_see
    assert {building.people[role].get(one).status_code for one in linked} == {SHOWN}


@pytest.mark.parametrize("role", [Role.SUPERVISOR, Role.AGENT, Role.AUDITOR])
def test_an_empty_form_is_an_error_of_nobody_but_its_sender(building: Building, role: Role) -> None:
    form = {"client": str(building.desk.client)}
    wrong = {}
    for name in PAGES:
        if not name.startswith("console:") or "slug" not in PAGES[name][1]:
            continue
        answer = building.people[role].post(building.address(name), form)
        if answer.status_code not in {200, 303, 403, 404, 405, 409, 412, 422}:
            wrong[name] = answer.status_code
    assert not wrong
