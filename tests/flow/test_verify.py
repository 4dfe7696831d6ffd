"""Proving who asks: what counts, what does not, and how often it may be tried."""

from datetime import UTC, datetime, timedelta

import pytest
from tests.cast import SECRET, START, Desk, desk, soon, totp
from tests.flow.walk import EMAIL, LATER, POST, URL, ask, code_to, kinds, not_this, prove, ready, record, stands, vouch
from tests.postgres import Database

from changedesk import flow
from changedesk.base.actor import Channel
from changedesk.base.ids import SubjectId, uuid7
from changedesk.base.refusal import Forbidden, NotFound
from changedesk.flow.factor import NotAnAuthenticator
from changedesk.flow.named import TooLate
from changedesk.flow.verify import Challenged
from changedesk.flow.ways import MethodRefused, NothingToConfirm
from changedesk.flow.whose import language_of
from changedesk.rules.identity import CodeExpired, CodeForOtherContent, CodeUsed, TooManySends, TooManyTries
from changedesk.store import deliveries
from changedesk.store.settings_read import configuration
from changedesk.store.tx import look


def _sms(d: Desk, dana: SubjectId, *, at: object, purpose: str = "caller", ref: str | None = None) -> Challenged:
    return flow.challenge(
        dana,
        purpose=purpose,
        method="code_sms",
        path="contact.phone_mobile",
        ref=ref,
        actor=d.ben,
        at=at,  # type: ignore[arg-type]
    )


def test_a_code_never_goes_to_what_the_request_changes(d: Desk, dana: SubjectId) -> None:
    asked = ask(d, dana, at=LATER)
    with pytest.raises(MethodRefused) as refused:
        flow.challenge(
            dana, purpose="change", method="code_email", path="contact.email", ref=asked.ref, actor=d.ben, at=LATER
        )
    assert refused.value.data["why"] == "changed_here"
    told = {(o.method, o.path): o.refused_reason for o in flow.offers(dana, ref=asked.ref, actor=d.ben, at=LATER)}
    assert told["code_email", "contact.email"] == "changed_here"
    assert told["code_sms", "contact.phone_mobile"] is None


def test_a_code_never_goes_to_what_was_changed_within_a_day(d: Desk, dana: SubjectId) -> None:
    record(d, dana, {"contact.phone_mobile": "+1 202 555 0199"}, at=LATER)
    with pytest.raises(MethodRefused) as refused:
        _sms(d, dana, at=LATER + timedelta(hours=23))
    assert refused.value.data["why"] == "changed_lately"
    assert _sms(d, dana, at=LATER + timedelta(hours=25)).to_masked


def test_what_is_not_offered_is_refused(d: Desk, dana: SubjectId) -> None:
    asked = ask(d, dana, at=LATER)
    with pytest.raises(MethodRefused):
        flow.challenge(dana, purpose="caller", method="code_sms", path="contact.fax", actor=d.ben, at=LATER)
    with pytest.raises(MethodRefused):  # a proof of the change needs the change
        _sms(d, dana, at=LATER, purpose="change")
    with pytest.raises(MethodRefused):
        _sms(d, dana, at=LATER, purpose="caller", ref=asked.ref)


def test_only_a_contact_point_that_the_request_sets_is_asked_to_answer(d: Desk, dana: SubjectId) -> None:
    asked = ask(d, dana, at=LATER)
    for method, path in (
        ("code_sms", "contact.phone_mobile"),
        ("code_sms", "contact.email"),
        ("totp", "contact.email"),
    ):
        with pytest.raises(NothingToConfirm):
            flow.challenge(dana, purpose="new_contact", method=method, path=path, ref=asked.ref, actor=d.ben, at=LATER)
    address = ask(d, dana, POST, at=LATER)
    with pytest.raises(NothingToConfirm):
        flow.challenge(
            dana, purpose="new_contact", method="code_email", path="contact.postal_address", ref=address.ref,
            actor=d.ben, at=LATER,
        )  # fmt: skip


def test_five_wrong_answers_end_a_code(d: Desk, dana: SubjectId) -> None:
    started = _sms(d, dana, at=LATER)
    wrong = not_this(code_to(d))
    left = [flow.confirm(started.id, wrong, actor=d.ben, at=LATER).tries_left for _ in range(5)]
    assert left == [4, 3, 2, 1, 0]
    with pytest.raises(TooManyTries):
        flow.confirm(started.id, code_to(d), actor=d.ben, at=LATER)
    assert kinds(d, dana).count("identity.failed") == 5


def test_ten_wrong_answers_an_hour_end_it_over_codes_and_channels_and_a_new_code_starts_nothing_anew(
    d: Desk, dana: SubjectId
) -> None:
    for method, path in (("code_sms", "contact.phone_mobile"), ("code_email", "contact.email")):
        started = flow.challenge(dana, purpose="caller", method=method, path=path, actor=d.ben, at=LATER)
        wrong = not_this(code_to(d))
        for _ in range(5):
            flow.confirm(started.id, wrong, actor=d.ben, at=LATER)
    for at in (LATER, LATER + timedelta(minutes=59)):
        with pytest.raises(TooManyTries) as refused:
            flow.challenge(dana, purpose="caller", method="totp", actor=d.sofia, at=at)
        assert refused.value.data["retry_at"] == LATER + timedelta(hours=1)
    assert _sms(d, dana, at=LATER + timedelta(minutes=61)).tries_left == 5


def test_three_codes_in_a_quarter_of_an_hour(d: Desk, dana: SubjectId) -> None:
    for minute in range(3):
        _sms(d, dana, at=soon(LATER, minute))
    with pytest.raises(TooManySends):
        _sms(d, dana, at=soon(LATER, 14))
    flow.challenge(dana, purpose="caller", method="totp", actor=d.ben, at=soon(LATER, 14))  # sends nothing
    assert _sms(d, dana, at=soon(LATER, 16)).to_masked


def test_an_older_code_dies_when_a_new_one_goes_out(d: Desk, dana: SubjectId) -> None:
    first = _sms(d, dana, at=LATER)
    code = code_to(d)
    _sms(d, dana, at=soon(LATER))
    with pytest.raises(CodeUsed):
        flow.confirm(first.id, code, actor=d.ben, at=soon(LATER))


@pytest.mark.parametrize(("seconds", "lives"), [(300, True), (301, False)])
def test_a_code_lives_five_minutes(d: Desk, dana: SubjectId, seconds: int, lives: bool) -> None:  # noqa: FBT001
    started = _sms(d, dana, at=LATER)
    at = LATER + timedelta(seconds=seconds)
    if lives:
        assert flow.confirm(started.id, code_to(d), actor=d.ben, at=at).matched
    else:
        with pytest.raises(CodeExpired):
            flow.confirm(started.id, code_to(d), actor=d.ben, at=at)


def test_a_code_works_once(d: Desk, dana: SubjectId) -> None:
    started = _sms(d, dana, at=LATER)
    assert flow.confirm(started.id, code_to(d), actor=d.ben, at=LATER).matched
    with pytest.raises(CodeUsed):
        flow.confirm(started.id, code_to(d), actor=d.ben, at=LATER)


@pytest.mark.parametrize("write", [lambda c: f" {c[:3]} {c[3:]} ", lambda c: f"{c[:3]}-{c[3:]}",
                                   lambda c: "".join(chr(0x0660 + int(sign)) for sign in c)])  # fmt: skip
def test_a_code_is_read_however_its_digits_are_written(d: Desk, dana: SubjectId, write: object) -> None:
    started = _sms(d, dana, at=LATER)
    assert flow.confirm(started.id, write(code_to(d)), actor=d.ben, at=LATER).matched  # type: ignore[operator]


@pytest.mark.parametrize("answer", ["", "abc", "\ud800", "³", "١٢", "0" * 500])
def test_no_answer_is_more_than_wrong(d: Desk, dana: SubjectId, answer: str) -> None:
    started = flow.challenge(dana, purpose="caller", method="totp", actor=d.ben, at=LATER)
    assert not flow.confirm(started.id, answer, actor=d.ben, at=LATER).matched


def test_a_step_of_an_authenticator_counts_once(d: Desk, dana: SubjectId) -> None:
    vouch(d, dana, LATER)
    again = flow.challenge(dana, purpose="caller", method="totp", actor=d.sofia, at=LATER)
    assert not flow.confirm(again.id, totp(LATER), actor=d.sofia, at=LATER).matched
    before = totp(LATER - timedelta(seconds=30))
    assert not flow.confirm(again.id, before, actor=d.sofia, at=LATER).matched
    after = LATER + timedelta(seconds=30)
    assert flow.confirm(again.id, totp(after), actor=d.sofia, at=after).matched


def test_an_authenticator_may_drift_one_step(d: Desk, dana: SubjectId) -> None:
    for seconds, fits in ((-60, False), (-30, True)):
        started = flow.challenge(dana, purpose="caller", method="totp", actor=d.ben, at=LATER)
        said = totp(LATER + timedelta(seconds=seconds))
        assert flow.confirm(started.id, said, actor=d.ben, at=LATER).matched is fits


def test_what_the_customer_knows_counts_as_nothing(d: Desk, dana: SubjectId) -> None:
    record(d, dana, {"personal.birth_date": "1980-02-03"}, at=START + timedelta(hours=1))
    for path, said, matched in (
        ("personal.birth_date", "03.02.1980", False), ("personal.birth_date", "1980-02-03", True),
        ("personal.national_id", "123", False), ("nothing.here", "x", False), ("personal.birth_date", "never", False),
    ):  # fmt: skip
        started = flow.challenge(dana, purpose="caller", method="knowledge", path=path, actor=d.ben, at=LATER)
        answered = flow.confirm(started.id, said, actor=d.ben, at=LATER)
        assert (answered.matched, answered.level) == (matched, 0), path
    assert flow.caller_level(dana, actor=d.ben, at=LATER) == flow.CallerStanding(0, None)
    assert ask(d, dana, URL, at=LATER).state == "awaiting_verification"


def test_a_call_back_to_the_number_of_record_is_level_one(database: Database) -> None:
    d = desk(jurisdictions=("DE",))
    dana = d.customer()
    started = flow.challenge(
        dana, purpose="caller", method="callback", path="contact.phone_mobile", actor=d.ben, at=LATER
    )
    assert not flow.confirm(started.id, "no answer", actor=d.ben, at=LATER).matched
    assert flow.confirm(started.id, "Reached", actor=d.ben, at=LATER).level == 1
    assert ask(d, dana, URL, at=LATER).state == "applied"
    assert ask(d, dana, POST, at=LATER).state == "awaiting_verification"


def test_who_proved_themselves_to_one_agent_has_proved_nothing_to_another(d: Desk, dana: SubjectId) -> None:
    vouch(d, dana, LATER, agent=d.sofia)
    assert flow.caller_level(dana, actor=d.sofia, at=LATER).level == 2
    assert flow.caller_level(dana, actor=d.ben, at=LATER).level == 0
    assert ask(d, dana, URL, at=LATER).state == "awaiting_verification"


def test_one_factor_twice_is_one_factor(d: Desk, dana: SubjectId) -> None:
    started = _sms(d, dana, at=LATER)
    flow.confirm(started.id, code_to(d), actor=d.ben, at=LATER)
    asked = ask(d, dana, at=LATER)
    assert prove(d, asked, soon(LATER)).state == "awaiting_verification"


def test_two_factors_of_which_none_is_bound_do_not_carry_a_change_of_address(d: Desk, dana: SubjectId) -> None:
    vouch(d, dana, LATER)
    started = _sms(d, dana, at=LATER)
    assert flow.confirm(started.id, code_to(d), actor=d.ben, at=LATER).matched
    assert ask(d, dana, at=LATER).state == "awaiting_verification"


def test_a_code_to_a_number_that_changed_meanwhile_is_void(d: Desk, dana: SubjectId) -> None:
    started = _sms(d, dana, at=LATER)
    code = code_to(d)
    record(d, dana, {"contact.phone_mobile": "+1 202 555 0199"}, at=soon(LATER))
    with pytest.raises(CodeForOtherContent):
        flow.confirm(started.id, code, actor=d.ben, at=soon(LATER))


def test_an_ended_request_is_not_proved_any_more(d: Desk, dana: SubjectId) -> None:
    asked = ask(d, dana, at=LATER)
    started = _sms(d, dana, at=LATER, purpose="change", ref=asked.ref)
    flow.withdraw(asked.ref, seen_version=None, actor=d.ben, at=LATER)
    with pytest.raises(TooLate):
        flow.confirm(started.id, code_to(d), actor=d.ben, at=LATER)
    with pytest.raises(TooLate):
        _sms(d, dana, at=LATER, purpose="change", ref=asked.ref)


def test_a_challenge_that_is_not_there_is_not_found(d: Desk, dana: SubjectId) -> None:
    with pytest.raises(NotFound):
        flow.confirm(uuid7(), "1", actor=d.ben, at=LATER)
    with pytest.raises(NotFound):
        flow.offers(SubjectId(uuid7()), actor=d.ben, at=LATER)


def test_an_auditor_verifies_nobody(d: Desk, dana: SubjectId) -> None:
    started = _sms(d, dana, at=LATER)
    with pytest.raises(Forbidden):
        flow.confirm(started.id, code_to(d), actor=d.otto, at=LATER)


def test_the_message_names_the_change_and_masks_the_new_value(d: Desk, dana: SubjectId) -> None:
    asked = ask(d, dana, at=LATER)
    _sms(d, dana, at=LATER, purpose="change", ref=asked.ref)
    with look(d.client) as seen:
        message = deliveries.outbox(seen, before=datetime(2100, 1, 1, tzinfo=UTC))[0].message
    assert message is not None
    assert message.to == "+12025550143"
    assert "e-mail address" in message.body
    assert str(EMAIL["contact.email"]) not in message.body


def test_a_customer_is_written_to_in_their_own_language_if_it_is_offered(d: Desk, dana: SubjectId) -> None:
    assert language_of(configuration(d.client), stands(d, dana)) == "en"
    language = next((f.path for f in configuration(d.client).catalogue if f.type == "language"), None)
    if language is None:
        pytest.skip("no pack of this client has a field of type language")
    record(d, dana, {language: "de"}, at=LATER)
    assert language_of(configuration(d.client), stands(d, dana)) == "de"
    record(d, dana, {language: "fr"}, at=LATER)
    assert language_of(configuration(d.client), stands(d, dana)) == "en"


@pytest.mark.parametrize("secret", ["", "short", "1" * 20, "A" * 17, "ABCDEFGH========"])
def test_only_a_secret_that_decodes_is_bound(d: Desk, dana: SubjectId, secret: str) -> None:
    with pytest.raises(NotAnAuthenticator):
        flow.bind_factor(dana, secret, actor=d.crm, at=LATER)
    eve = d.customer(contact__email="eve@old.example")
    flow.bind_factor(eve, SECRET.lower() + "==", actor=d.crm, at=LATER)


def test_a_customer_without_contact_points_is_verified_by_their_app(d: Desk) -> None:
    eve = d.customer(contact__email=None, contact__phone_mobile=None)
    assert {offer.method for offer in flow.offers(eve, actor=d.ben, at=LATER)} == {"totp", "knowledge"}
    vouch(d, eve, LATER)
    assert ask(d, eve, URL, at=LATER).state == "applied"


def test_a_proof_while_the_house_decides_changes_nothing(d: Desk, dana: SubjectId) -> None:
    asked = ready(d, dana)
    after = prove(d, asked, soon(LATER, 14))
    assert (after.state, after.version) == (asked.state, asked.version)
    assert Channel.PHONE


def test_an_answer_belongs_to_what_it_was_asked_for(d: Desk, dana: SubjectId) -> None:
    asked, other = ask(d, dana, at=LATER), d.customer(contact__email="eve@old.example")
    about = _sms(d, dana, at=LATER, purpose="change", ref=asked.ref)
    caller = _sms(d, dana, at=soon(LATER))
    with pytest.raises(NotFound):
        flow.confirm(caller.id, "123456", ref=asked.ref, actor=d.ben, at=soon(LATER, 2))
    for started, subject in ((about, dana), (caller, other)):
        with pytest.raises(NotFound):
            flow.confirm(started.id, "123456", subject=subject, actor=d.ben, at=soon(LATER, 2))
    assert kinds(d, dana).count("identity.failed") == 0
