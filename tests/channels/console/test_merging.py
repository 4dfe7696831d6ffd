"""The pages of duplicates and merges: of customers and accounts, with what is under way for the record that goes."""

from datetime import timedelta

from tests.channels.console.room import Room

from changedesk import flow
from changedesk.base import clock
from changedesk.base.actor import Channel
from changedesk.kinds.merge import survivorship
from changedesk.store import requests
from changedesk.store.tx import look


def test_whoever_merges_sees_what_is_under_way_and_chooses_what_becomes_of_it(room: Room) -> None:
    asked = room.asked()
    stays = room.customer()
    away = flow.Wish(
        subject=asked.subject, kind="inactivation", operation="inactivate", values={"inactivation.until": "2099-01-01"},
        reason="customer_request", channel=Channel.PHONE,
    )  # fmt: skip
    standing = flow.submit([away], actor=room.actor("Ben"), at=clock.now()).one()
    page = f"customers/{asked.subject}/merge-into/{stays}"
    shown = room.get("Ben", page).content.decode()
    assert f'name="pending.{asked.ref}"' in shown
    assert standing.ref in shown
    assert f'name="pending.{standing.ref}"' not in shown
    assert "that does not go over to another one" in shown
    chosen = {f"pending__{asked.ref}": "close"}
    again = room.post("Ben", page, action="preview", **chosen).content.decode()
    assert 'value="close" selected' in again
    done = room.post("Ben", page, action="submit", reason="duplicate_account", channel="phone",
                     initiated_by="customer", submission="one", **chosen)  # fmt: skip
    assert done.status_code == 303, done.content
    with look(room.desk.client) as seen:
        made = requests.by_ref(seen, done["Location"].rsplit("/", 1)[1])
    assert made is not None
    assert made.proposal is not None
    assert survivorship(made.proposal.values).close == (asked.ref,)


BECOMES = {
    "en": ("It is asked anew for the record that stays", "It ends with the merge"),
    "de": ("Es wird für den Datensatz, der bleibt, neu gestellt", "Es endet mit der Zusammenführung"),
    "ar": ("يُطلب من جديد للسجل الباقي", "ينتهي مع الدمج"),
}
"""What is asked anew of the record that stays, and what ends with the merge."""


def test_whoever_decides_on_a_merge_sees_what_becomes_of_what_is_under_way(room: Room) -> None:
    goes, stays, actor, at = room.asked(), room.customer(), room.actor("Ben"), clock.now()
    wish = flow.Wish(
        subject=goes.subject, kind="contact_details", values={"contact.url": "https://a.example/"},
        reason="customer_request", channel=Channel.PHONE,
    )  # fmt: skip
    ends = flow.submit([wish], actor=actor, at=at).one()
    made = flow.merge(
        goes.subject,
        stays,
        flow.How(reason="duplicate_account", channel=Channel.PHONE),
        close=[ends.ref],
        actor=actor,
        at=at,
    )
    page = f"changes/{made.ref}/decide"
    for language, (anew, with_it) in BECOMES.items():
        room.post("Ines", "profile", language=language)
        shown = room.get("Ines", page).content.decode()
        assert f'dir="{"rtl" if language == "ar" else "ltr"}"' in shown
        first, second = (shown.index(f"/changes/{one.ref}") for one in (goes, ends))
        assert anew in shown[first : first + 600]
        assert with_it in shown[second : second + 600]
    room.post("Ines", "profile", language="en")
    flow.withdraw(made.ref, seen_version=None, actor=actor, at=clock.now())
    assert BECOMES["en"][0] not in room.get("Ines", page).content.decode()


def test_two_accounts_of_one_holder_are_compared_and_merged(room: Room) -> None:
    values = {"personal.name": "Dana Novak", "contact.email": "dana@old.example"}
    accounts = [flow.NewAccount("ACC-1"), flow.NewAccount("ACC-2")]
    at = clock.now() - timedelta(days=10)
    made = flow.create_customers([flow.NewCustomer(values=values, accounts=accounts)], actor=room.desk.crm, at=at).one()
    one, other = made.accounts
    shown = room.get("Ben", f"accounts/{one}/duplicates").content.decode()
    assert f"accounts/{other}/merge-into/{one}" in shown
    assert "Held by the same customer" in shown
    assert "Points" not in shown
    page = f"accounts/{other}/merge-into/{one}"
    assert room.get("Ben", page).status_code == 200
    done = room.post("Ben", page, action="submit", reason="duplicate_account", channel="phone",
                     initiated_by="customer", submission="one")  # fmt: skip
    assert done.status_code == 303, done.content
