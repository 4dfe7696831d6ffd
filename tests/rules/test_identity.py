from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from changedesk.base.refusal import Refusal
from changedesk.rules import identity
from changedesk.rules.fields import Catalogue, Field, FieldType
from changedesk.rules.identity import CodeHistory, Method, Offer, Proof, Purpose, level
from changedesk.rules.route import Route

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
DIGEST = b"d" * 32
MINUTE = timedelta(minutes=1)


def proof(
    method: str, purpose: str = Purpose.CHANGE, *, ago: timedelta = MINUTE, digest: bytes | None = DIGEST
) -> Proof:
    return Proof(method, purpose, "contact.email", digest, NOW - ago)


def caller(method: str, *, ago: timedelta = MINUTE) -> Proof:
    return proof(method, Purpose.CALLER, ago=ago, digest=None)


@pytest.mark.parametrize(
    ("proofs", "reached"),
    [
        ([], 0),
        ([proof(Method.KNOWLEDGE), caller(Method.KNOWLEDGE)], 0),
        ([caller(Method.CALLBACK)], 1),
        ([proof(Method.CALLBACK)], 1),
        ([caller(Method.CODE_EMAIL)], 2),
        ([proof(Method.CODE_SMS)], 2),
        ([proof(Method.CODE_SMS), proof(Method.CALLBACK)], 2),
        ([proof(Method.CODE_SMS), caller(Method.CODE_SMS)], 2),
        ([caller(Method.CODE_SMS), caller(Method.CODE_EMAIL)], 2),
        ([proof(Method.CALLBACK), caller(Method.CODE_SMS), caller(Method.CODE_EMAIL)], 2),
        ([proof(Method.CODE_SMS), caller(Method.CODE_EMAIL)], 3),
        ([proof(Method.TOTP), proof(Method.CODE_EMAIL)], 3),
        ([proof(Method.CODE_SMS), proof(Method.CODE_EMAIL, Purpose.NEW_CONTACT)], 2),
        ([proof(Method.CODE_EMAIL, Purpose.NEW_CONTACT)], 0),
    ],
)
def test_what_proofs_are_worth(proofs: list[Proof], reached: int) -> None:
    assert level(proofs, digest=DIGEST, now=NOW) == reached


def test_an_open_session_is_worth_one() -> None:
    assert level([], digest=DIGEST, now=NOW, in_session=True) == 1


def test_a_proof_of_another_change_counts_for_nothing() -> None:
    assert level([proof(Method.CODE_SMS, digest=b"e" * 32)], digest=DIGEST, now=NOW) == 0


def test_a_forbidden_method_counts_for_nothing() -> None:
    assert level([proof(Method.CODE_SMS)], digest=DIGEST, now=NOW, forbidden=["code_sms"]) == 0


def test_a_callers_proof_lapses_after_fifteen_minutes() -> None:
    assert level([caller(Method.CODE_SMS, ago=15 * MINUTE)], digest=DIGEST, now=NOW) == 2
    assert level([caller(Method.CODE_SMS, ago=15 * MINUTE + timedelta(seconds=1))], digest=DIGEST, now=NOW) == 0


def test_what_was_proved_today_still_stands_when_the_approver_looks_tomorrow() -> None:
    proofs = [caller(Method.CODE_EMAIL, ago=5 * MINUTE), proof(Method.CODE_SMS)]
    assert level(proofs, digest=DIGEST, now=NOW + timedelta(days=1)) == 3
    early = [caller(Method.CODE_EMAIL, ago=timedelta(hours=1)), proof(Method.CODE_SMS)]
    assert level(early, digest=DIGEST, now=NOW + timedelta(days=1)) == 2


def test_a_proof_from_the_future_counts_for_nothing() -> None:
    assert level([proof(Method.CODE_SMS, ago=-MINUTE)], digest=DIGEST, now=NOW) == 0


_proofs = st.builds(
    proof, st.sampled_from(Method), st.sampled_from(Purpose), digest=st.sampled_from([DIGEST, b"other", None])
)


@given(st.lists(_proofs, max_size=6), _proofs)
def test_a_further_proof_never_lowers_the_level_and_never_passes_three(proofs: list[Proof], further: Proof) -> None:
    before = level(proofs, digest=DIGEST, now=NOW)
    assert before <= level([*proofs, further], digest=DIGEST, now=NOW) <= 3


@given(st.lists(_proofs, max_size=6))
def test_without_a_real_factor_bound_to_this_change_level_three_is_out_of_reach(proofs: list[Proof]) -> None:
    unbound = [replace(item, bound_digest=b"other") for item in proofs]
    assert level(unbound, digest=DIGEST, now=NOW) < 3


def test_level_four_asks_level_three_of_the_proofs() -> None:
    assert [identity.level_to_prove(Route(level=n, approvals=2)) for n in range(5)] == [0, 1, 2, 3, 3]


def test_every_new_contact_point_must_answer_a_code_of_its_own() -> None:
    answered = [proof(Method.CODE_EMAIL, Purpose.NEW_CONTACT)]
    assert identity.new_contacts_confirmed(answered, ["contact.email"], digest=DIGEST)
    assert not identity.new_contacts_confirmed(answered, ["contact.email", "contact.phone_mobile"], digest=DIGEST)
    assert not identity.new_contacts_confirmed(answered, ["contact.email"], digest=b"edited")
    assert not identity.new_contacts_confirmed([proof(Method.CODE_EMAIL)], ["contact.email"], digest=DIGEST)


def field(path: str, sort: FieldType, *tags: str, reachable: bool = False) -> Field:
    return Field(path, sort, "contact_details", path, {"en": path}, tags=frozenset(tags), contact_point=reachable)


CATALOGUE = Catalogue.of(
    [
        field("contact.email", FieldType.EMAIL, reachable=True),
        field("contact.email_old", FieldType.EMAIL),
        field("contact.phone_mobile", FieldType.PHONE, "sms", reachable=True),
        field("contact.phone_home", FieldType.PHONE),
        field("contact.fax", FieldType.PHONE, "fax"),
        field("contact.url", FieldType.TEXT),
    ]
)
STATE = {item.path: "something" for item in CATALOGUE}


def offered(**given: object) -> list[Offer]:
    asked: dict[str, object] = {"changed": (), "last_changed": {}, "now": NOW, "has_totp": False, **given}
    route = asked.pop("route", Route(level=3, approvals=1))
    state = asked.pop("state", STATE)
    return identity.offers(CATALOGUE, state, route, **asked)  # type: ignore[arg-type]  # the test says which


def test_offers_come_strongest_first_and_only_for_what_the_customer_has() -> None:
    assert [(o.method, o.path, o.strength) for o in offered(has_totp=True)] == [
        ("code_email", "contact.email", 2),
        ("code_sms", "contact.phone_mobile", 2),
        ("totp", None, 2),
        ("callback", "contact.phone_mobile", 1),
        ("callback", "contact.phone_home", 1),
        ("knowledge", None, 0),
    ]
    assert [o.method for o in offered(state={})] == ["knowledge"]


def test_no_code_goes_to_a_contact_point_that_the_request_changes() -> None:
    reasons = {(o.method, o.path): o.refused_reason for o in offered(changed=["contact.phone_mobile"])}
    assert reasons["code_sms", "contact.phone_mobile"] == "changed_here"
    assert reasons["callback", "contact.phone_mobile"] == "changed_here"
    assert reasons["code_email", "contact.email"] is None


def test_no_code_goes_to_a_contact_point_that_was_changed_within_a_day() -> None:
    lately = {"contact.email": NOW - timedelta(hours=23, minutes=59)}
    assert offered(last_changed=lately)[0] == Offer("code_email", "contact.email", 2, "changed_lately")
    assert offered(last_changed={"contact.email": NOW - timedelta(hours=24)})[0].refused_reason is None


def test_an_authenticator_that_is_too_new_is_shown_with_its_reason() -> None:
    ways = {o.method: o.refused_reason for o in offered(has_totp=True, too_new={"totp"})}
    assert (ways["totp"], ways["code_email"]) == ("changed_lately", None)
    assert "totp" not in {o.method for o in offered(too_new={"totp"})}


def test_a_method_that_the_route_forbids_is_shown_as_forbidden() -> None:
    route = Route(level=2, approvals=0, methods_forbidden=("knowledge",))
    assert offered(route=route)[-1] == Offer("knowledge", None, 0, "forbidden")


def test_what_the_offers_can_reach() -> None:
    assert identity.reachable(offered()) == 3
    only_mobile = offered(changed=["contact.email"])
    assert identity.reachable(only_mobile) == 2
    assert identity.reachable(only_mobile, proved=["code_email"]) == 3
    assert identity.reachable(only_mobile, proved=["callback"]) == 2
    no_factor = offered(changed=["contact.email", "contact.phone_mobile"])
    assert identity.reachable(no_factor) == 1
    assert identity.reachable(no_factor, proved=["code_sms", "code_email"]) == 2
    assert identity.reachable([]) == 0


def refused(history: CodeHistory, *, digest: bytes | None = DIGEST, now: datetime = NOW) -> str:
    try:
        identity.may_try(history, now, digest=digest)
    except Refusal as refusal:
        return refusal.code
    return "allowed"


SENT = CodeHistory(sends=[NOW], sent_at=NOW, bound_digest=DIGEST)


def test_a_code_lives_five_minutes() -> None:
    assert refused(SENT, now=NOW + timedelta(minutes=5)) == "allowed"
    assert refused(SENT, now=NOW + timedelta(minutes=5, microseconds=1)) == "code-expired"
    assert refused(SENT, now=NOW - MINUTE) == "code-expired"
    assert refused(replace(SENT, sent_at=None)) == "code-expired"


def test_a_code_works_once_for_one_content_and_five_tries() -> None:
    assert refused(replace(SENT, used=True)) == "code-used"
    assert refused(SENT, digest=b"edited") == "code-for-other-content"
    assert refused(replace(SENT, wrong_on_code=4)) == "allowed"
    assert refused(replace(SENT, wrong_on_code=5)) == "too-many-tries"
    assert refused(replace(SENT, bound_digest=None), digest=None) == "allowed"


def test_ten_wrong_codes_an_hour_lock_every_channel_and_a_new_code_does_not_help() -> None:
    wrong = [NOW - timedelta(minutes=5 * number) for number in range(10)]
    fresh = replace(SENT, wrong=wrong)
    assert refused(replace(fresh, wrong=wrong[:9])) == "allowed"
    assert refused(fresh) == "too-many-tries"
    with pytest.raises(identity.TooManyTries) as refusal:
        identity.may_send(fresh, NOW)
    assert refusal.value.data["retry_at"] == wrong[-1] + timedelta(hours=1)
    identity.may_send(fresh, wrong[-1] + timedelta(hours=1))


def test_three_codes_go_out_in_fifteen_minutes() -> None:
    sends = [NOW - timedelta(minutes=minutes) for minutes in (1, 5, 14)]
    with pytest.raises(identity.TooManySends) as refusal:
        identity.may_send(CodeHistory(sends=sends), NOW)
    assert refusal.value.data["retry_at"] == NOW + MINUTE
    identity.may_send(CodeHistory(sends=sends), NOW + MINUTE)
    identity.may_send(CodeHistory(sends=sends[:2]), NOW)
