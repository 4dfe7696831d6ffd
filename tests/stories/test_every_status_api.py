"""How an account stands, asked for over HTTP: each change of it ends in the history, the notices and the feed."""

from datetime import timedelta

import pytest
from tests.stories.walks import WAIT, Floor, Story, good, told_and_kept, wish

from changedesk import flow
from changedesk.base.clock import now

BLOCKED = {"status.blocks": ["outgoing"], "status.until": "2031-01-31"}
STORIES = [
    Story(
        row="B1 activated",
        kind="account_status",
        operation="activate",
        stood={"status.state": "pending"},
        account=True,
        fields={"status.state": ("pending", "active")},
        entry="status.changed",
        announces=["status.activated", "services.unblock", "downstream.release"],
    ),
    Story(
        row="B2 suspended",
        kind="account_status",
        operation="suspend",
        values=BLOCKED,
        account=True,
        initiated_by="business",
        reason="payment_default",
        fields={
            "status.state": (None, "suspended"),
            **{path: (None, value) for path, value in BLOCKED.items()},
        },
        entry="status.changed",
        announces=["status.suspended", "services.block", "downstream.freeze"],
    ),
    Story(
        row="B2 reinstated",
        kind="account_status",
        operation="reinstate",
        stood={"status.state": "suspended", "status.blocks": ["outgoing"]},
        account=True,
        fields={"status.state": ("suspended", "active"), "status.blocks": (["outgoing"], None)},
        entry="status.changed",
        announces=["status.reinstated", "services.unblock", "downstream.release"],
    ),
    Story(
        row="B3 deactivated",
        kind="account_status",
        operation="deactivate",
        account=True,
        fields={"status.state": (None, "deactivated")},
        entry="status.changed",
        announces=["status.deactivated", "services.block", "downstream.freeze"],
    ),
    Story(
        row="B4 reactivated",
        kind="account_status",
        operation="reactivate",
        stood={"status.state": "deactivated"},
        account=True,
        fields={"status.state": ("deactivated", "active")},
        entry="status.changed",
        announces=["status.reactivated", "services.unblock", "downstream.release"],
    ),
    Story(
        row="B5 upgraded",
        kind="plan",
        operation="upgrade",
        values={"plan.name": "unlimited"},
        stood={"plan.name": "essential"},
        account=True,
        fields={"plan.name": ("essential", "unlimited")},
        entry="plan.changed",
        announces=["billing.plan_changed"],
    ),
    Story(
        row="B6 downgraded",
        kind="plan",
        operation="downgrade",
        values={"plan.name": "essential"},
        stood={"plan.name": "unlimited"},
        account=True,
        fields={"plan.name": ("unlimited", "essential")},
        entry="plan.changed",
        announces=["billing.plan_changed"],
    ),
]


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.row)
def test_how_an_account_stands_ends_in_the_history_the_notices_and_the_feed(floor: Floor, story: Story) -> None:
    event = told_and_kept(floor, story)
    told = event["announces"][0]
    if story.kind == "plan":
        (path, (before, after)) = next(iter(story.fields.items()))
        assert (told["operation"], told["from"][path], told["to"][path]) == (story.operation, before, after)
    else:
        assert told["operation"] == story.operation


def test_a_closing_waits_can_be_taken_back_and_says_until_when_it_can_be_undone(floor: Floor) -> None:
    story = Story(
        row="B8 closed",
        kind="account_status",
        operation="close",
        values={"status.feedback": "moving abroad"},
        account=True,
        fields={
            "status.state": (None, "closed"),
            "status.feedback": (None, "moving abroad"),
            "status.grace_until": (None, (now() + WAIT + timedelta(days=30)).date().isoformat()),
        },
        entry="status.changed",
        announces=["status.closed", "services.block", "downstream.freeze"],
    )
    event = told_and_kept(floor, story)
    closed = event["announces"][0]
    assert closed["grace_until"] == story.fields["status.grace_until"][1]
    assert closed["retention_from"] > now().isoformat()


def test_a_suspension_ends_by_itself_on_its_last_day_and_the_records_say_so(floor: Floor) -> None:
    _, account = floor.customer()
    suspend = Story(
        row="B2", kind="account_status", operation="suspend", account=True, initiated_by="business",
        reason="payment_default", values={"status.until": "2031-01-31"}, fields={},
    )  # fmt: skip
    ref = good(floor.ben.post("/change-requests", wish(suspend, account)), 201)["ref"]
    floor.carry(ref)
    told = good(floor.crm.get(f"/accounts/{account}/status-records"))
    assert [(one["name"], one["until"]) for one in told["standing"]] == [("suspended", "2031-01-31")]
    flow.make_effective(floor.home.client, at=now() + timedelta(days=365 * 6))
    told = good(floor.crm.get(f"/accounts/{account}/status-records"))
    assert told["standing"] == []
    assert [(one["was"], one["became"]) for one in told["items"]][:2] == [
        ("suspended", "active"),
        ("active", "suspended"),
    ]


def test_two_records_become_one_and_are_parted_again(floor: Floor) -> None:
    same = {"personal.name": "Mateus Figueiredo", "personal.birth_date": "1980-04-12"}
    stays, _ = floor.customer({**same, "contact.url": "https://old.example/"})
    goes, _ = floor.customer({**same, "contact.url": "https://new.example/"})
    found = good(floor.crm.get(f"/merges/candidates/{stays}"))["items"]
    assert goes in [one["id"] for one in found if one["suggested"]]
    body = {"merged": goes, "into": stays, "choices": {"contact.url": "merged"}, "channel": "phone"}
    ref = good(floor.ben.post("/merges", body), 201)["ref"]
    floor.carry(ref)
    read = good(floor.crm.get(f"/customers/{goes}"))
    assert (read["merged_from"], read["fields"]["contact.url"]["value"]) == (goes, "https://new.example/")
    floor.tell()
    events = [one for one in floor.feed() if one["ref"] == ref and one["announces"]]
    assert [one["event"] for event in events for one in event["announces"]] == ["record.merged"]
    assert {"completed", "security_requested", "security_applied"} <= {
        one["event"] for one in floor.panel(ref)["notices"]
    }
    change = good(floor.crm.get(f"/merges/of/{stays}"))["items"][0]["id"]
    # A supervisor asks for the undoing, and two others let it go ahead.
    undo = {"reason": "correction_of_error", "channel": "phone"}
    floor.carry(good(floor.sam.post(f"/merges/{change}/undo", undo), 201)["ref"])
    assert good(floor.crm.get(f"/customers/{goes}"))["merged_from"] is None
    assert good(floor.crm.get(f"/customers/{stays}"))["fields"]["contact.url"]["value"] == "https://old.example/"


def test_an_account_changes_hands_once_both_parties_have_confirmed(floor: Floor) -> None:
    _, account = floor.customer(account={"plan.name": "flat"})
    taker, _ = floor.customer({"personal.name": "Robin Berg"})
    asked = good(floor.ben.post("/transfers", {"account": account, "to": taker, "channel": "phone"}), 201)
    ref = asked["ref"]
    floor.prove(ref, "code_sms", "contact.phone_mobile")
    floor.prove(ref, "totp")
    started = good(
        floor.ben.post(f"/transfers/{ref}/verification", {"method": "code_email", "path": "contact.email"}), 201
    )
    at = f"/transfers/{ref}/verification/{started['id']}/confirm"
    assert good(floor.ben.post(at, {"answer": floor.code()}))["matched"] is True
    floor.carry(ref)
    floor.tell()
    assert account in [one["id"] for one in good(floor.crm.get(f"/customers/{taker}"))["accounts"]]
    event = next(one for one in floor.feed() if one["ref"] == ref and one["type"] == "ownership.transferred")
    assert event["announces"][0]["event"] == "account.transferred"
    assert {"completed", "security_applied"} <= {one["event"] for one in floor.panel(ref)["notices"]}
