"""What a desk changes in a day, asked for on its pages in a real browser: each ends in the history and the notices."""

import pytest
from playwright.sync_api import expect
from tests.browser.stage import Stage, Watched
from tests.browser.walks import Form, ask, carry, complaints, looked_for
from tests.stories.walks import Floor

pytestmark = pytest.mark.browser
expect.set_options(timeout=15_000)
DEVICE: dict[str, str] = {
    "device.1.type": "phone",
    "device.1.model": "Fairphone 4",
    "device.1.sim": "8949020000001234567",
}
GRANT: dict[str, str | list[str]] = {
    "access.1.person": "Robin Novak",
    "access.1.role": "delegate",
    "access.1.scope": ["view"],
}

FORMS = [
    Form(
        row="A1 personal information",
        kind="personal_details",
        typed={"personal.marital_status": "married"},
        stood={"personal.marital_status": "single"},
        title="Changed: Marital status",
    ),
    Form(
        row="A2 contact information",
        kind="contact_details",
        typed={
            "contact.postal_address.lines": "12 Elm Street",
            "contact.postal_address.city": "Springfield",
            "contact.postal_address.region": "IL",
            "contact.postal_address.postal_code": "62701",
        },
        title="Changed: Postal address",
    ),
    Form(
        row="A3 billing and payment",
        kind="billing_payment",
        typed={
            "payment.card.token": "tok_live_4Zk2",
            "payment.card.brand": "visa",
            "payment.card.last4": "4242",
            "payment.card.expiry": "2031-08",
        },
        title="Changed: Card",
    ),
    Form(
        row="A4 login and security",
        kind="security_settings",
        typed={"operation": "start_reset"},
        title="Changed: Password reset",
    ),
    Form(
        row="A5 service preferences",
        kind="service_preferences",
        typed={"service.language": "de"},
        title="Changed: Language",
    ),
    Form(
        row="A6 communication preferences",
        kind="communication_preferences",
        typed={"comms.channels": ["email", "sms"]},
        title="Changed: Ways to be told",
    ),
    Form(
        row="A7 marketing preferences",
        kind="marketing_preferences",
        typed={"pref.marketing_email": "no"},
        stood={"pref.marketing_email": True},
        title="Changed: Offers by e-mail",
    ),
    Form(
        row="A8 plan and subscription",
        kind="plan",
        typed={"plan.cycle": "yearly"},
        stood={"plan.name": "flat", "plan.cycle": "monthly"},
        account=True,
        title="Plan changed: Billing cycle",
    ),
    Form(
        row="A9 access and permissions",
        kind="access_grant",
        typed={**GRANT, "access.1.until": "2031-01-31"},
        account=True,
        title="Changed: Authorised person 1, Person 1: role, Person 1: may, Person 1: until",
    ),
    Form(
        row="A10 role and standing",
        kind="role_standing",
        typed={"role.vip": "yes", "initiated_by": "business"},
        account=True,
        title="Changed: Especially important customer",
    ),
    Form(
        row="A11 devices",
        kind="device",
        removed=["device.1.type"],
        stood=DEVICE,
        account=True,
        title="Changed: Device 1: model, Device 1: SIM, Device 1: type",
    ),
    Form(
        row="A12 loyalty programme",
        kind="loyalty",
        typed={"operation": "enrol", "loyalty.reward": "voucher"},
        title="Changed: Member of the loyalty programme, Preferred reward",
    ),
    Form(
        row="A14 a profile at rest",
        kind="inactivation",
        typed={"operation": "inactivate", "inactivation.until": "2031-01-31"},
        title="Changed: Profile inactive, Inactive until",
    ),
]


@pytest.fixture(scope="module")
def windows(house: tuple[Stage, Floor]) -> list[Watched]:
    """Ben's and Ines's."""
    return [house[0].at_work(name) for name in ("Ben", "Ines")]


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.row)
def test_a_change_asked_for_on_the_pages_ends_in_the_history_and_the_notices(
    house: tuple[Stage, Floor], windows: list[Watched], form: Form
) -> None:
    stage, floor = house
    ben, ines = windows
    ben.said.clear()
    stood = {"account": form.stood} if form.account else {"stood": form.stood}
    customer, account = floor.customer(**stood)
    ref = ask(ben.page, stage, form, account if form.account else customer)
    carry(house, ines, ref, form.arrives)
    looked_for(ben.page, stage, floor, ref, form)
    assert complaints(ben) == []
