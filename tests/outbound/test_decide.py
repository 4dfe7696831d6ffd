"""Whom the entries of the log are told to: nobody is missed, nobody is told twice, a thief is told nothing of use."""

import threading

import pytest
from tests.outbound.desk import MOBILE, NEW_MAIL, OLD_MAIL, REACH, Desk

from changedesk import flow, outbound
from changedesk.base.actor import Actor, ActorType, Channel, automation
from changedesk.base.clock import now
from changedesk.base.ids import SubjectId
from changedesk.kinds import KINDS
from changedesk.ledger.entry import EntryKind
from changedesk.outbound.notices import decide
from changedesk.outbound.notices.whom import SILENT, TOLD
from changedesk.rules.route import NoticeDuty
from changedesk.rules.wording import NOTICES, PRIVACY
from changedesk.store import log, settings_read, settings_write
from changedesk.store.begin import begin

HER = {"contact.email": OLD_MAIL, "contact.phone_mobile": MOBILE, "personal.full_name": "Ada Example"}


def test_every_entry_is_told_or_silent_by_choice() -> None:
    assert frozenset(EntryKind) == TOLD | SILENT
    assert not TOLD & SILENT


def test_every_earlier_contact_is_warned_when_a_change_is_asked_and_the_new_one_is_not(desk: Desk) -> None:
    request = desk.request(desk.customer(HER), {"contact.email": NEW_MAIL}, notices=REACH)
    desk.tell()
    assert desk.told() == [
        ("received", "email", OLD_MAIL),
        ("received", "sms", MOBILE),
        ("security_requested", "email", OLD_MAIL),
        ("security_requested", "sms", MOBILE),
    ]
    assert len(desk.links(request)) == 2


def test_the_new_address_never_gets_the_dispute_link(desk: Desk) -> None:
    request = desk.request(desk.customer(HER), {"contact.email": NEW_MAIL}, notices=REACH)
    desk.tell()
    desk.apply(request)
    desk.tell()
    assert ("completed", "email", NEW_MAIL) in desk.told()
    assert ("security_applied", "email", OLD_MAIL) in desk.told()
    assert ("security_applied", "sms", MOBILE) in desk.told()
    for item in desk.all():
        assert item.message is not None
        linked = "/p/acme/wasnt-me/" in item.message.body
        assert linked == (item.event in ("security_requested", "security_applied"))
        if item.message.to == NEW_MAIL:
            assert not linked
            assert item.event == "completed"


def test_a_request_that_was_applied_before_it_was_told_warns_the_old_address_not_the_new(desk: Desk) -> None:
    request = desk.request(desk.customer(HER), {"contact.email": NEW_MAIL}, notices=REACH)
    desk.apply(request)
    desk.tell()
    warned = {(event, to) for event, _, to in desk.told() if event.startswith("security")}
    assert warned == {
        ("security_requested", OLD_MAIL),
        ("security_requested", MOBILE),
        ("security_applied", OLD_MAIL),
        ("security_applied", MOBILE),
    }
    assert [event for event, _, to in desk.told() if to == NEW_MAIL] == ["completed"]


def test_no_two_links_are_one_and_each_is_the_requests_own(desk: Desk) -> None:
    request = desk.request(desk.customer(HER), {"contact.email": NEW_MAIL}, notices=REACH)
    desk.tell()
    links = {word for item in desk.all() if item.message for word in item.message.body.split() if "wasnt-me" in word}
    assert len(links) == 2
    assert all(link.startswith("http://localhost:8000/p/acme/wasnt-me/") for link in links)
    assert all(ends > now() for ends in desk.links(request))


def test_without_a_rule_that_asks_for_it_nobody_gets_a_security_notice(desk: Desk) -> None:
    request = desk.request(desk.customer(HER), {"personal.full_name": "Ada Other"}, kind="personal_details")
    desk.tell()
    desk.apply(request)
    desk.tell()
    assert {event for event, _, _ in desk.told()} == {"received", "completed"}
    assert desk.links(request) == []


def test_a_rule_that_names_channels_is_kept_to_and_falls_back_when_none_reaches(desk: Desk) -> None:
    by_text = NoticeDuty("applied", "prior_contacts", channels=("sms", "voicemail", "post"))
    both, only_mail = desk.customer(HER), desk.customer({"contact.email": OLD_MAIL})
    for subject in (both, only_mail):
        desk.apply(desk.request(subject, {"personal.full_name": "X"}, kind="personal_details", notices=[by_text]))
    desk.tell()
    assert [item for item in desk.told() if item[0] == "security_applied"] == [
        ("security_applied", "email", OLD_MAIL),
        ("security_applied", "sms", MOBILE),
    ]


def test_a_customer_without_a_contact_point_is_told_in_the_portal_without_a_link(desk: Desk) -> None:
    request = desk.request(desk.customer({"personal.full_name": "Ada"}), {"contact.fax": "+1"}, notices=REACH)
    desk.tell()
    assert desk.told() == [("received", "portal", ""), ("security_requested", "portal", "")]
    assert desk.links(request) == []
    assert all(item.message and "wasnt-me" not in item.message.body for item in desk.all())


def test_faxes_and_landlines_are_never_written_to(desk: Desk) -> None:
    lines = {"contact.fax": "+4930111", "contact.phone_home": "+4930222", "contact.phone_work": "+4930333"}
    desk.request(desk.customer({**HER, **lines}), {"contact.email": NEW_MAIL}, notices=REACH)
    desk.tell()
    assert {to for _, _, to in desk.told()} == {OLD_MAIL, MOBILE}


def test_an_opt_out_of_marketing_stops_no_security_notice(desk: Desk) -> None:
    out = {"pref.marketing_email": False, "pref.marketing_sms": False}
    desk.request(desk.customer({**HER, **out}), {"contact.email": NEW_MAIL}, notices=REACH)
    desk.tell()
    assert ("security_requested", "email", OLD_MAIL) in desk.told()


@pytest.mark.parametrize(
    ("audiences", "told"),
    [
        (["prior_contacts", "all_contacts"], set()),
        (["prior_contacts"], {NEW_MAIL}),
        (["new_contacts"], {OLD_MAIL, MOBILE}),
    ],
)
def test_whom_a_rule_keeps_out_for_safety_is_told_nothing(desk: Desk, audiences: list[str], told: set[str]) -> None:
    hushed = [(audience, "US-SCA-345") for audience in audiences]
    request = desk.request(desk.customer(HER), {"contact.email": NEW_MAIL}, notices=REACH, suppressed=hushed)
    desk.tell()
    desk.apply(request)
    desk.tell()
    assert {to for _, _, to in desk.told()} == told


@pytest.mark.parametrize(
    ("kind", "step", "event"),
    [
        (EntryKind.REQUEST_REJECTED, "reject", "declined"),
        (EntryKind.REQUEST_WITHDRAWN, "withdraw", "cancelled"),
        (EntryKind.REQUEST_CANCELLED, "cancel", "cancelled"),
        (EntryKind.REQUEST_EXPIRED, "expire", "cancelled"),
        (EntryKind.REQUEST_INFORMATION_ASKED, "ask_information", "action_needed"),
        (EntryKind.IDENTITY_VERIFIED, None, None),
        (EntryKind.NOTICE_SENT, None, None),
    ],
)
def test_what_became_of_a_request_is_told_in_the_customers_words(
    desk: Desk, kind: EntryKind, step: str | None, event: str | None
) -> None:
    request = desk.request(desk.customer(HER), {"contact.email": NEW_MAIL}, notices=REACH)
    desk.tell()
    before = desk.told()
    desk.observe(request, kind, step)
    desk.tell()
    new = [item for item in desk.told() if item not in before]
    assert new == ([] if event is None else [(event, "email", OLD_MAIL), (event, "sms", MOBILE)])


def test_being_processed_is_said_once_however_many_approve(desk: Desk) -> None:
    request = desk.request(desk.customer({"contact.email": OLD_MAIL}), {"contact.email": NEW_MAIL}, notices=REACH)
    for _ in range(3):
        desk.observe(request, EntryKind.REQUEST_APPROVED)
        desk.tell()
    assert [event for event, _, _ in desk.told()].count("being_processed") == 1


def test_being_processed_is_not_said_of_what_is_done_already(desk: Desk) -> None:
    request = desk.request(desk.customer({"contact.email": OLD_MAIL}), {"contact.email": NEW_MAIL}, notices=REACH)
    desk.observe(request, EntryKind.REQUEST_APPROVED)
    desk.apply(request)
    desk.tell()
    assert "being_processed" not in {event for event, _, _ in desk.told()}


@pytest.mark.parametrize(("channel", "asked"), [("phone", False), ("web_portal", False), ("email", True)])
def test_a_customer_who_is_not_there_is_asked_to_do_their_part(desk: Desk, channel: str, *, asked: bool) -> None:
    desk.request(
        desk.customer({"contact.email": OLD_MAIL}),
        {"contact.email": NEW_MAIL},
        step="ask_verification",
        channel=channel,
    )
    desk.tell()
    assert ("action_needed" in {event for event, _, _ in desk.told()}) == asked


def test_new_content_is_warned_of_again(desk: Desk) -> None:
    request = desk.request(desk.customer({"contact.email": OLD_MAIL}), {"contact.email": NEW_MAIL}, notices=REACH)
    desk.observe(request, EntryKind.REQUEST_REVISED)
    desk.tell()
    assert [event for event, _, _ in desk.told()] == ["received", "security_requested", "security_requested"]


def test_a_revert_is_told_to_those_before_and_after(desk: Desk) -> None:
    subject = desk.customer({"contact.email": NEW_MAIL, "contact.phone_mobile": MOBILE})
    desk.apply(desk.request(subject, {"contact.email": OLD_MAIL}, notices=REACH), EntryKind.CHANGE_REVERTED)
    desk.tell()
    assert {item for item in desk.told() if item[0] == "reverted"} == {
        ("reverted", "email", NEW_MAIL),
        ("reverted", "email", OLD_MAIL),
        ("reverted", "sms", MOBILE),
    }
    assert ("security_applied", "email", OLD_MAIL) not in desk.told()


def test_a_dispute_is_told_to_the_address_that_was_replaced(desk: Desk) -> None:
    request = desk.request(desk.customer(HER), {"contact.email": NEW_MAIL}, notices=REACH)
    desk.apply(request)
    desk.observe(request, EntryKind.REQUEST_DISPUTED)
    desk.tell()
    assert {to for event, _, to in desk.told() if event == "disputed"} == {OLD_MAIL, NEW_MAIL, MOBILE}


def test_what_a_dispute_cancels_is_told_as_disputed_only(desk: Desk) -> None:
    request = desk.request(desk.customer({"contact.email": OLD_MAIL}), {"contact.email": NEW_MAIL})
    desk.observe(request, EntryKind.REQUEST_DISPUTED)
    desk.observe(request, EntryKind.REQUEST_CANCELLED, "cancel", {"cancel_reason": "disputed"})
    desk.tell()
    assert [event for event, _, _ in desk.told()] == ["disputed", "received"]


@pytest.mark.parametrize(
    ("language", "word"), [("de", "Sicherheitshinweis"), ("ar-EG", "تنبيه أمني"), ("fr", "Security")]
)
def test_customers_read_their_own_language_where_the_client_offers_it(desk: Desk, language: str, word: str) -> None:
    settings_write.set_field(
        desk.client,
        "pref.language",
        {
            "type": "language",
            "kind": "personal_details",
            "category": "custom.language",
            "label": {"en": "Language"},
        },
        by="s1",
        at=now(),
    )
    subject = desk.customer({"contact.email": OLD_MAIL, "pref.language": language})
    desk.request(subject, {"contact.email": NEW_MAIL}, notices=REACH)
    desk.tell()
    bind(desk, subject)
    desk.tell()
    for event in ("security_requested", "factor_bound"):
        security = next(item for item in desk.all() if item.event == event)
        assert security.message is not None
        assert word in security.message.subject


def test_a_clients_own_text_is_used_and_one_that_does_not_hold_stops_nobody(desk: Desk) -> None:
    for event, body in (("received", "OURS {reference}"), ("security_requested", "no link, no {secret}")):
        settings_write.set_template(
            desk.client,
            key={"event": event, "channel": "email", "language": "en"},
            text={"subject": "Ours", "body": body},
            by="s1",
            at=now(),
        )
    desk.request(desk.customer({"contact.email": OLD_MAIL}), {"contact.email": NEW_MAIL}, notices=REACH)
    desk.tell()
    bodies = {item.event: item.message.body for item in desk.all() if item.message}
    assert bodies["received"].startswith("OURS ")
    assert "wasnt-me" in bodies["security_requested"]
    # What was read can be looked up later: the text in its version, also where the client's own did not hold.
    assert {item.event: item.template for item in desk.all()} == {
        "received": "received/email/en/client-1",
        "security_requested": "security_requested/email/en/builtin-1",
    }


def bind(desk: Desk, subject: SubjectId) -> None:
    crm = Actor(
        desk.client, ActorType.INTEGRATION, "k1", Channel.API, "test", scopes=frozenset({"factors:write"})
    )  # fmt: skip
    flow.bind_factor(subject, "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP", actor=crm, at=now())


def test_a_bound_authenticator_is_told_to_every_contact_point_of_record(desk: Desk) -> None:
    subject = desk.customer({**HER, "contact.phone_home": "+493012345678"})
    bind(desk, subject)
    # A thief who binds an app and then changes the address does not keep its owner from hearing of the app.
    desk.apply(desk.request(subject, {"contact.email": NEW_MAIL}))
    desk.tell()
    told = [item for item in desk.all() if item.event == "factor_bound"]
    assert sorted((item.channel, item.message.to) for item in told if item.message) == [
        ("email", OLD_MAIL),
        ("sms", MOBILE),
    ]
    for item in told:
        assert item.message is not None
        assert (item.request_id, item.required) == (None, True)
        assert "+1 555 0100" in item.message.body
        assert "://" not in item.message.body
        assert "JBSWY3DP" not in item.message.body
        assert item.template == f"factor_bound/{item.channel}/en/builtin-1"


def test_a_bound_authenticator_of_a_customer_who_cannot_be_reached_is_told_in_the_portal(desk: Desk) -> None:
    bind(desk, desk.customer({"personal.full_name": "Ada Example"}))
    desk.tell()
    assert desk.told() == [("factor_bound", "portal", "")]


def test_each_binding_is_told_once(desk: Desk) -> None:
    subject = desk.customer({"contact.email": OLD_MAIL})
    for _ in range(2):
        bind(desk, subject)
        desk.tell()
    desk.tell()
    assert desk.told() == [("factor_bound", "email", OLD_MAIL)] * 2


@pytest.mark.parametrize("language", ["en", "de", "ar"])
# A transfer is applied with a second confirmation only: tests/flow/test_transfer.py reads its notices. The entries of a
# public directory are in a pack of their own, which this client does not have.
@pytest.mark.parametrize("kind", sorted(KINDS.keys() - {"ownership_transfer", "directory_entry"}))
def test_no_notice_of_any_kind_shows_an_old_or_a_new_value(desk: Desk, kind: str, language: str) -> None:
    settings_write.change_client(desk.client, {"default_language": language}, by="s1", at=now())
    paths = [item.path for item in settings_read.configuration(desk.client).catalogue.of_kind(kind)]
    assert paths
    old = {path: f"canary-old-{place}@home.example" for place, path in enumerate(paths)}
    new = {path: f"canary-new-{place}@home.example" for place, path in enumerate(paths)}
    request = desk.request(desk.customer({**HER, **old}), new, kind=kind, notices=REACH)
    for entry, step in (
        (EntryKind.REQUEST_REVISED, None),
        (EntryKind.REQUEST_INFORMATION_ASKED, None),
        (EntryKind.REQUEST_APPROVED, None),
        (EntryKind.REQUEST_REJECTED, None),
        (EntryKind.REQUEST_EXPIRED, None),
        (EntryKind.REQUEST_DISPUTED, None),
    ):
        desk.observe(request, entry, step)
    desk.tell()
    desk.apply(request)
    revert = desk.request(request.subject_id, old, kind=kind, notices=REACH)
    desk.apply(revert, EntryKind.CHANGE_REVERTED)
    bind(desk, request.subject_id)
    desk.tell()
    assert {event for event, _, _ in desk.told()} >= NOTICES - PRIVACY - {"being_processed", "erased"}
    texts = [f"{item.message.subject}\n{item.message.body}" for item in desk.all() if item.message]
    assert not [text for text in texts if "canary" in text or MOBILE in text or OLD_MAIL in text]


def test_no_clear_address_stands_in_the_row(desk: Desk) -> None:
    desk.request(desk.customer(HER), {"contact.email": NEW_MAIL}, notices=REACH)
    desk.tell()
    with begin(automation(desk.client, "test")) as tx:
        rows = tx.connection.execute("SELECT d.*::text FROM desk.delivery d").fetchall()
    assert rows
    assert not [row for row in rows if OLD_MAIL in str(row) or MOBILE in str(row)]


def test_replaying_the_log_queues_nothing_twice(desk: Desk) -> None:
    request = desk.request(desk.customer(HER), {"contact.email": NEW_MAIL}, notices=REACH)
    desk.apply(request)
    desk.tell()
    told = desk.told()
    with begin(automation(desk.client, "test")) as tx:
        log.advance(tx, decide.CONSUMER, 0)
    desk.tell()
    assert desk.told() == told


def test_two_workers_at_one_log_tell_each_entry_once(desk: Desk) -> None:
    for number in range(30):
        subject = desk.customer({"contact.email": f"c{number}@home.example"})
        desk.request(subject, {"contact.email": NEW_MAIL}, notices=REACH)
    while outbound.sequence(desk.client):
        pass
    start = threading.Barrier(4)
    faults: list[BaseException] = []

    def work() -> None:
        start.wait()
        try:
            while desk.place() < 60:
                decide.run(desk.client)
        except BaseException as fault:  # noqa: BLE001 - shown to the test
            faults.append(fault)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not faults
    assert desk.place() == 60
    assert len(desk.told()) == 60
    assert len(set(desk.told())) == 60


def test_a_fault_while_deciding_leaves_the_place_and_the_queue_as_they_were(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = desk.request(desk.customer(HER), {"contact.email": NEW_MAIL}, notices=REACH)
    while outbound.sequence(desk.client):
        pass

    def die(*_: object) -> None:
        raise SystemExit

    with monkeypatch.context() as broken:
        broken.setattr(log, "advance", die)
        with pytest.raises(SystemExit):
            decide.run(desk.client)
    assert desk.told() == []
    assert desk.links(request) == []
    desk.tell()
    assert len(desk.told()) == 4
