"""How records stand, asked for on the pages of the desk in a real browser, with merging, parting and giving away."""

import re

import pytest
from playwright.sync_api import expect
from tests.browser.stage import Stage, Watched
from tests.browser.walks import Form, ask, carry, complaints, let_go_ahead, looked_for, submit
from tests.stories.walks import Floor, good

pytestmark = pytest.mark.browser
expect.set_options(timeout=15_000)
House = tuple[Stage, Floor]
TITLE = "Status changed: Status"
MERGED = "Customers merged: Merged into, Which values stay, Status"

FORMS = [
    Form(
        row="B1 activation",
        kind="account_status",
        typed={"operation": "activate"},
        stood={"status.state": "pending"},
        account=True,
        title=TITLE,
    ),
    Form(
        row="B2 suspension",
        kind="account_status",
        typed={"operation": "suspend", "status.blocks": ["outgoing"], "initiated_by": "business"},
        account=True,
        title="Status changed: What is blocked, Status",
    ),
    Form(
        row="B2 reinstatement",
        kind="account_status",
        typed={"operation": "reinstate"},
        stood={"status.state": "suspended"},
        account=True,
        title=TITLE,
    ),
    Form(row="B3 deactivation", kind="account_status", typed={"operation": "deactivate"}, account=True, title=TITLE),
    Form(
        row="B4 reactivation",
        kind="account_status",
        typed={"operation": "reactivate"},
        stood={"status.state": "deactivated"},
        account=True,
        title=TITLE,
    ),
    Form(
        row="B5 upgrade",
        kind="plan",
        typed={"plan.name": "unlimited", "operation": "upgrade"},
        stood={"plan.name": "essential"},
        account=True,
        title="Plan changed: Plan",
    ),
    Form(
        row="B6 downgrade",
        kind="plan",
        typed={"plan.name": "essential"},
        stood={"plan.name": "unlimited"},
        account=True,
        title="Plan changed: Plan",
    ),
    Form(
        row="B8 closure",
        kind="account_status",
        typed={"operation": "close", "status.feedback": "moving abroad"},
        account=True,
        title="Status changed: What the customer told on leaving, Can be reopened until, Status",
    ),
]


@pytest.fixture(scope="module")
def windows(house: House) -> list[Watched]:
    """Ben's and Ines's."""
    return [house[0].at_work(name) for name in ("Ben", "Ines")]


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.row)
def test_a_status_asked_for_on_the_pages_ends_in_the_history_and_the_notices(
    house: House, windows: list[Watched], form: Form
) -> None:
    stage, floor = house
    ben, ines = windows
    ben.said.clear()
    _, account = floor.customer(account=form.stood)
    ref = ask(ben.page, stage, form, account)
    carry(house, ines, ref, form.arrives)
    looked_for(ben.page, stage, floor, ref, form)
    if form.kind == "account_status":
        ben.page.goto(stage.to(f"accounts/{account}"))
        now = good(floor.crm.get(f"/accounts/{account}/status-records"))["items"][0]["became_label"]
        expect(ben.page.locator("#status").get_by_text(now).first).to_be_visible()
    assert complaints(ben) == []


def pair(floor: Floor) -> tuple[str, str]:
    """Two records of one person."""
    same = {"personal.birth_date": "1980-04-12", "contact.phone_home": "+1 202 555 0177"}
    stays, _ = floor.customer({**same, "personal.name": "Mateus Figueiredo", "contact.url": "https://old.example/"})
    goes, _ = floor.customer({**same, "personal.name": "Mateus Figueredo", "contact.url": "https://new.example/"})
    return stays, goes


def test_two_records_are_found_compared_merged_edited_parted_and_the_rest_is_looked_at(
    house: House, windows: list[Watched]
) -> None:
    stage, floor = house
    ben, ines = windows
    stays, goes = pair(floor)
    page = ben.page
    page.goto(stage.to(f"customers/{stays}/duplicates"))
    row = page.locator("tbody tr").first
    expect(row).to_contain_text("Likely")
    row.get_by_role("link", name="Compare").click()
    page.get_by_label("Choice for Website").select_option("merged")
    ref = submit(page)
    carry(house, ines, ref, {})
    looked_for(page, stage, floor, ref, Form(row="B7", kind="merge", title=MERGED))
    page.goto(stage.to(f"customers/{goes}"))
    expect(page.locator("h1")).to_be_visible()
    assert good(floor.crm.get(f"/customers/{goes}"))["merged_from"] == goes
    assert good(floor.crm.get(f"/customers/{goes}"))["fields"]["contact.url"]["value"] == "https://new.example/"

    edit = {"subject": stays, "changes": [{"path": "contact.url", "new": "https://later.example/"}]}
    good(floor.crm.post("/changes", {"items": [edit]}), 201)
    page = ines.page
    page.goto(stage.to(f"customers/{stays}/duplicates"))
    page.get_by_role("link", name="Undo the merge").click()
    expect(page.get_by_text("The value that came with the merge was changed since.")).to_be_visible()
    page.get_by_role("button", name=re.compile("^Ask to undo the merge")).click()
    page.wait_for_url(re.compile("/changes/[0-9A-Z-]+$"))
    floor.carry(page.url.rsplit("/", 1)[1])
    assert good(floor.crm.get(f"/customers/{goes}"))["merged_from"] is None
    page.goto(stage.to("merges"))
    expect(page.locator("tbody tr")).to_have_count(1)
    page.get_by_role("button", name="Settled").click()
    expect(page.get_by_text("Nothing is left over")).to_be_visible()
    assert [*complaints(ben), *complaints(ines)] == []


def proposed(house: House, ben: Watched) -> tuple[str, str, str]:
    """Ben proposes to give an account to somebody else; the present holder has proved themselves for it."""
    stage, floor = house
    _, account = floor.customer(account={"plan.name": "flat"})
    mail = f"robin{floor.taken}@berg.example"
    taker, _ = floor.customer({"personal.name": "Robin Berg", "contact.email": mail})
    page = ben.page
    page.goto(stage.to(f"accounts/{account}"))
    page.get_by_role("link", name="Transfer", exact=True).click()
    page.get_by_role("searchbox", name="Name, phone, e-mail or account number").fill(mail)
    page.get_by_role("main").get_by_role("button", name="Find").click()
    ref = submit(page)
    floor.prove(ref, "code_sms", "contact.phone_mobile")
    floor.prove(ref, "totp")
    return account, taker, ref


def test_an_account_is_given_away_once_both_have_confirmed(house: House, windows: list[Watched]) -> None:
    stage, floor = house
    ben, ines = windows
    account, taker, ref = proposed(house, ben)
    page = ben.page
    page.goto(stage.to(f"changes/{ref}"))
    page.get_by_role("link", name="The new holder's answer").click()
    page.get_by_role("radio", name=re.compile("^Code by e-mail")).check()
    page.get_by_role("button", name="Ask the new holder").click()
    expect(page.get_by_role("textbox", name="Code")).to_be_visible()
    page.get_by_role("textbox", name="Code").fill(floor.code())
    page.get_by_role("button", name="Check", exact=True).click()
    expect(page.get_by_text("The new holder has confirmed.")).to_be_visible()
    let_go_ahead(ines.page, stage, ref)
    floor.carry(ref)
    floor.tell()
    held = good(floor.crm.get(f"/customers/{taker}"))["accounts"]
    assert account in [one["id"] for one in held]
    page.goto(stage.to(f"accounts/{account}"))
    expect(page.get_by_text(re.compile("^Owner changed")).first).to_be_visible()
    assert [*complaints(ben), *complaints(ines)] == []


def test_the_new_holder_says_no_and_nothing_changes(house: House, windows: list[Watched]) -> None:
    stage, floor = house
    ben = windows[0]
    account, taker, ref = proposed(house, ben)
    page = ben.page
    page.goto(stage.to(f"changes/{ref}/new-holder"))
    page.get_by_role("button", name="Decline the transfer").click()
    page.wait_for_url(re.compile("/changes/[0-9A-Z-]+$"))
    expect(page.get_by_role("main").get_by_text("Withdrawn").first).to_be_visible()
    assert account not in [one["id"] for one in good(floor.crm.get(f"/customers/{taker}"))["accounts"]]
