"""What a desk changes in a day, asked for over HTTP: each ends in the history, the notices and the feed."""

import pytest
from tests.stories.walks import ADDRESS, Floor, Story, good, told_and_kept

CARD = {"token": "tok_live_4Zk2", "brand": "visa", "last4": "4242", "expiry": "2031-08"}
HELD_DEVICE = {"device.1.type": "phone", "device.1.model": "Fairphone 4", "device.1.sim": "8949020000001234567"}
HELD_GRANT = {"access.1.person": "Robin Novak", "access.1.role": "delegate", "access.1.scope": ["view"]}

STORIES = [
    Story(
        row="A1 personal information",
        kind="personal_details",
        values={"personal.marital_status": "married", "personal.name": "Dana Novak-Lindt"},
        stood={"personal.marital_status": "single"},
        reason="life_event",
        fields={
            "personal.marital_status": ("single", "married"),
            "personal.name": ("Dana Novak", "Dana Novak-Lindt"),
        },
    ),
    Story(
        row="A2 contact information",
        kind="contact_details",
        values={"contact.postal_address": ADDRESS},
        fields={"contact.postal_address": (None, ADDRESS)},
    ),
    Story(
        row="A2 a new e-mail address",
        kind="contact_details",
        values={"contact.email": "dana@new.example"},
        stood={"contact.email": "dana@old.example"},
        arrives={"contact.email": "code_email"},
        fields={"contact.email": ("dana@old.example", "dana@new.example")},
    ),
    Story(
        row="A3 a new card",
        kind="billing_payment",
        values={"payment.card": CARD, "payment.method": "credit_card"},
        stood={"payment.method": "invoice"},
        fields={"payment.card": (None, CARD), "payment.method": ("invoice", "credit_card")},
    ),
    Story(
        row="A3 a bank account",
        kind="billing_payment",
        values={"payment.bank_account": "DE89 3704 0044 0532 0130 00"},
        fields={"payment.bank_account": (None, "DE89370400440532013000")},
    ),
    Story(
        row="A4 a password reset is started",
        kind="security_settings",
        operation="start_reset",
        fields={"security.password_reset": (None, "started")},
        announces=["security.sessions_end", "security.reset_started"],
    ),
    Story(
        row="A4 two-step sign-in",
        kind="security_settings",
        values={"security.mfa": "on"},
        stood={"security.mfa": "off"},
        fields={"security.mfa": ("off", "on")},
        announces=["security.sessions_end"],
    ),
    Story(
        row="A5 service preferences",
        kind="service_preferences",
        values={"service.language": "de", "service.paperless": "yes"},
        fields={"service.language": (None, "de"), "service.paperless": (None, True)},
    ),
    Story(
        row="A6 communication preferences",
        kind="communication_preferences",
        values={"comms.channels": ["email", "sms"]},
        stood={"comms.channels": ["post"]},
        fields={"comms.channels": (["post"], ["email", "sms"])},
    ),
    Story(
        row="A7 marketing, opted in",
        kind="marketing_preferences",
        values={"pref.marketing_email": "yes", "pref.marketing_frequency": "monthly"},
        fields={"pref.marketing_email": (None, True), "pref.marketing_frequency": (None, "monthly")},
    ),
    Story(
        row="A7 marketing, opted out",
        kind="marketing_preferences",
        values={"pref.marketing_email": "no"},
        stood={"pref.marketing_email": True},
        fields={"pref.marketing_email": (True, False)},
    ),
    Story(
        row="A8 billing cycle and added services",
        kind="plan",
        values={"plan.cycle": "yearly"},
        stood={"plan.name": "flat", "plan.cycle": "monthly"},
        account=True,
        fields={"plan.cycle": ("monthly", "yearly")},
        entry="plan.changed",
        announces=["billing.plan_changed"],
    ),
    Story(
        row="A9 an authorised person",
        kind="access_grant",
        operation="grant",
        values={**HELD_GRANT, "access.1.until": "2031-01-31"},
        account=True,
        fields={**{path: (None, value) for path, value in HELD_GRANT.items()}, "access.1.until": (None, "2031-01-31")},
        announces=["access.changed"],
    ),
    Story(
        row="A9 a permission withdrawn",
        kind="access_grant",
        values={"access.1.person": None},
        stood=HELD_GRANT,
        account=True,
        fields={path: (value, None) for path, value in HELD_GRANT.items()},
        announces=["access.changed"],
    ),
    Story(
        row="A10 a role in an enterprise account",
        kind="role_standing",
        values={"role.enterprise": "admin"},
        stood={"role.enterprise": "viewer"},
        account=True,
        fields={"role.enterprise": ("viewer", "admin")},
        announces=["access.role_changed"],
    ),
    Story(
        row="A10 an especially important customer",
        kind="role_standing",
        values={"role.vip": "yes"},
        account=True,
        initiated_by="business",
        fields={"role.vip": (None, True)},
    ),
    Story(
        row="A11 a device replaced",
        kind="device",
        values={"device.1.model": "Fairphone 5", "device.1.sim": "8949020000007654321"},
        stood=HELD_DEVICE,
        account=True,
        fields={
            "device.1.model": ("Fairphone 4", "Fairphone 5"),
            "device.1.sim": ("8949020000001234567", "8949020000007654321"),
        },
        announces=["device.changed", "downstream.freeze"],
    ),
    Story(
        row="A11 a device removed",
        kind="device",
        values={"device.1.type": None},
        stood=HELD_DEVICE,
        account=True,
        fields={path: (value, None) for path, value in HELD_DEVICE.items()},
        announces=["device.changed"],
    ),
    Story(
        row="A12 the loyalty programme",
        kind="loyalty",
        operation="enrol",
        values={"loyalty.reward": "voucher"},
        fields={"loyalty.enrolled": (None, True), "loyalty.reward": (None, "voucher")},
        announces=["loyalty.changed"],
    ),
    Story(
        row="A14 a profile at rest",
        kind="inactivation",
        operation="inactivate",
        values={"inactivation.until": "2031-01-31"},
        fields={"inactivation.active": (None, True), "inactivation.until": (None, "2031-01-31")},
        announces=["profile.inactive"],
    ),
    Story(
        row="A14 restriction of processing",
        kind="restriction",
        operation="restrict",
        values={"restriction.ground": "accuracy_contested"},
        reason="data_subject_request",
        fields={"restriction.active": (None, True), "restriction.ground": (None, "accuracy_contested")},
        announces=["privacy.restricted"],
    ),
]


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.row)
def test_a_change_ends_in_the_history_the_notices_and_the_feed(floor: Floor, story: Story) -> None:
    told_and_kept(floor, story)


def test_every_kind_is_listed_with_its_schema_for_what_it_changes(floor: Floor) -> None:
    found: dict[str, set[str]] = {}
    for subject in ("customer", "account"):
        listed = good(floor.crm.get("/kinds", params={"subject": subject}))["items"]
        found[subject] = {one["name"] for one in listed}
        for one in listed:
            schema = good(floor.http.get(one["schema_path"], headers={"Authorization": f"Bearer {floor.crm.secret}"}))
            assert schema["properties"], one
    assert {"access_grant", "device", "plan", "ownership_transfer"} <= found["account"]
    for story in STORIES:
        assert story.kind in found["account" if story.account else "customer"]
