"""Only evidence of exactly this request counts, and it counts the same for whoever looks."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import pytest
from tests.rules.values.ask import field

from changedesk.base.actor import Channel
from changedesk.rules import standing
from changedesk.rules.fields import Catalogue, FieldType
from changedesk.rules.identity import CALLER_TTL, Method, Proof, Purpose
from changedesk.rules.route import Route

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
DIGEST = b"d" * 32


@dataclass(frozen=True)
class Asked:
    id: str = "r1"
    person_id: str = "dana"
    digest: bytes = DIGEST
    entered_by: str = "s1"
    channel: str = Channel.PHONE
    submitted_at: datetime = NOW
    state: str = "awaiting_approval"


@dataclass(frozen=True)
class Challenge:
    request_id: str | None = "r1"
    subject_id: str = "dana"
    state: str = "confirmed"
    method: str = Method.CODE_EMAIL
    purpose: str = Purpose.CHANGE
    contact_path: str | None = "contact.email"
    digest: bytes | None = DIGEST
    started_by: str = "s1"
    started_at: datetime = NOW - timedelta(minutes=2)
    decided_at: datetime | None = NOW - timedelta(minutes=1)
    overtaken: tuple[standing.Overtaken, ...] = ()


@dataclass(frozen=True)
class Decision:
    actor: str
    digest: bytes = DIGEST
    verdict: str = "approve"


@dataclass(frozen=True)
class Agreed:
    statement: str
    digest: bytes


ROUTE = Route(level=3, consent=None, approvals=2)
CALLER = Challenge(request_id=None, purpose=Purpose.CALLER, method=Method.TOTP, contact_path=None, digest=None)


def weigh(*challenges: Challenge, asked: Asked | None = None, at: datetime = NOW) -> standing.Standing:
    return standing.weigh(asked or Asked(), ROUTE, (), challenges=challenges, consents=(), decisions=(), at=at)


def test_a_code_of_the_change_and_the_callers_app_are_two_factors() -> None:
    assert weigh(Challenge(), CALLER).level == 3


@pytest.mark.parametrize(
    "other",
    [
        replace(CALLER, started_by="s2"),
        replace(CALLER, subject_id="somebody else"),
        replace(CALLER, state="open", decided_at=None),
        replace(CALLER, request_id="r2"),
    ],
    ids=["proved to another agent", "of another person", "not answered", "of another request"],
)
def test_what_was_proved_elsewhere_does_not_count(other: Challenge) -> None:
    assert weigh(Challenge(), other).level == 2


def test_a_code_of_the_edited_content_does_not_count() -> None:
    assert weigh(Challenge(digest=b"older")).level == 0


def test_whoever_was_proved_when_it_was_entered_stays_proved_for_it() -> None:
    later = NOW + CALLER_TTL + timedelta(hours=1)
    assert weigh(CALLER, at=later).level == 2
    assert weigh(CALLER, asked=Asked(submitted_at=later), at=later).level == 0


@pytest.mark.parametrize(("channel", "level"), [(Channel.WEB_PORTAL, 1), (Channel.PHONE, 0)])
def test_a_customers_own_session_is_worth_one_level(channel: Channel, level: int) -> None:
    assert weigh(asked=Asked(entered_by="c1", channel=channel)).level == level


def test_a_caller_is_shown_as_counting_only_where_they_add_to_the_level() -> None:
    code, same = Challenge(), replace(CALLER, method=Method.CODE_EMAIL)
    assert standing.counting(Asked(), ROUTE, [code, CALLER, same], at=NOW) == [code, CALLER]


def test_approvals_count_people_who_saw_exactly_this() -> None:
    given = [Decision("s2"), Decision("s2"), Decision("s3"), Decision("s4", b"older"), Decision("s5", verdict="reject")]
    found = standing.weigh(Asked(), ROUTE, (), challenges=(), consents=(), decisions=given, at=NOW)
    assert (found.approvers, found.decided_by) == (("s2", "s3"), frozenset({"s2", "s3", "s5"}))


def test_a_contact_point_that_is_set_is_asked_to_answer_and_one_that_is_removed_is_not() -> None:
    mail = field(FieldType.EMAIL, "contact.email", contact_point=True)
    phone = field(FieldType.PHONE, "contact.phone", contact_point=True)
    catalogue = Catalogue.of([mail, phone, field(FieldType.NAME, "personal.name")])
    given = {"personal.name": "Dana", "contact.phone": "+12025550143", "contact.email": "d@x.example", "gone": "x"}
    assert standing.new_contacts_of(catalogue, given) == ["contact.email", "contact.phone"]
    assert standing.new_contacts_of(catalogue, {**given, "contact.phone": None}) == ["contact.email"]


def test_what_was_proved_is_told_as_it_was_proved() -> None:
    when = NOW - timedelta(minutes=1)
    assert weigh(Challenge(), Challenge(state="sent"), CALLER).proofs == (
        Proof(Method.CODE_EMAIL, Purpose.CHANGE, "contact.email", DIGEST, when),
        Proof(Method.TOTP, Purpose.CALLER, None, None, when),
    )
    undated = replace(CALLER, decided_at=None)
    assert weigh(undated).proofs == (Proof(Method.TOTP, Purpose.CALLER, None, None, NOW - timedelta(minutes=2)),)


def test_new_contacts_are_confirmed_by_answers_to_this_change_alone() -> None:
    answered = Challenge(purpose=Purpose.NEW_CONTACT)
    for challenge, confirmed in ((answered, True), (replace(answered, digest=b"older"), False), (Challenge(), False)):
        found = standing.weigh(
            Asked(), ROUTE, ["contact.email"], challenges=[challenge], consents=(), decisions=(), at=NOW
        )  # fmt: skip
        assert (found.new_contacts, found.new_contacts_confirmed) == (("contact.email",), confirmed)


def test_consent_counts_for_what_the_request_holds_now() -> None:
    route = replace(ROUTE, consent="terms")
    for digest, consented in ((DIGEST, True), (b"older", False)):
        found = standing.weigh(
            Asked(), route, (), challenges=(), consents=[Agreed("terms", digest)], decisions=(), at=NOW
        )  # fmt: skip
        assert found.consented is consented


@pytest.mark.parametrize(
    ("by", "minutes", "level"),
    [("s1", 0, 3), ("s1", 14, 3), ("s1", 15, 2), ("s1", -17, 2), ("s2", 0, 2), (None, None, 2)],
)
def test_a_proof_lapses_with_its_contact_point_unless_the_same_call_changed_it(
    by: str | None, minutes: int | None, level: int
) -> None:
    changed = standing.Overtaken(by, None if minutes is None else NOW + timedelta(minutes=minutes))
    code, same = Challenge(overtaken=(changed,)), replace(CALLER, overtaken=(changed,))
    assert weigh(code, CALLER).level == level
    assert weigh(Challenge(method=Method.CODE_SMS), same).level == level
    assert len(standing.counting(Asked(), ROUTE, [code, CALLER], at=NOW)) == level - 1
    assert weigh(code, CALLER, asked=Asked(state="applied")).level == 3  # it counted when it was decided


def test_a_change_of_the_same_call_excuses_none_of_another() -> None:
    same, other = standing.Overtaken("s1", NOW), standing.Overtaken("s2", NOW)
    assert weigh(Challenge(overtaken=(same, other)), CALLER).level == 2
    assert weigh(Challenge(overtaken=(same,))).level == 0
    assert weigh(Challenge(overtaken=(same,)), CALLER, asked=Asked(submitted_at=NOW + timedelta(minutes=15))).level < 3
