"""Asks, rules and strategies that the tests of policy share."""

from dataclasses import replace
from datetime import UTC, date, datetime

from hypothesis import strategies as st

from changedesk.base.actor import ActorType, Channel
from changedesk.rules import obligations as duty
from changedesk.rules.policy import Ask, Rule, Scope, Status

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)

ASK = Ask(
    kind="contact_details",
    categories=frozenset({"contact.email"}),
    operation="update",
    channel=Channel.PHONE,
    actor=ActorType.STAFF,
    at=NOON,
    attended=True,
)


def rule(name: str, *obligations: duty.Obligation, scope: Scope | None = None, **given: object) -> Rule:
    made = Rule(name, 1, "test", "a test", scope or Scope(), obligations)
    return replace(made, **given)  # type: ignore[arg-type]  # the test says which attributes


_words = st.frozensets(st.sampled_from(["a", "b", "c"]), max_size=3)
_small = st.integers(0, 4)
_events = st.sampled_from(duty.EVENTS)

obligations = st.one_of(
    st.builds(duty.Verify, level=_small, forbid=_words, confirm_new=st.booleans()),
    st.builds(duty.Verify, most=_small),
    st.builds(duty.Consent, statement=st.sampled_from("xyz"), weight=_small),
    st.builds(duty.Approve, count=_small, separation=st.sampled_from([frozenset({"maker"}), frozenset({"team"})])),
    st.builds(
        duty.Hold,
        blocks=_words,
        seconds=_small,
        release=st.sampled_from("st"),
        trigger=st.sampled_from(duty.TRIGGERS),
    ),
    st.builds(duty.Notify, event=_events, to=st.just("prior_contacts"), channels=_words),
    st.builds(
        duty.Notify,
        event=_events,
        to=st.sampled_from(duty.AUDIENCES),
        security=st.just(value=False),
        channels=_words,
    ),
    st.builds(
        duty.Respond,
        duty=st.sampled_from(["answer", "acknowledge"]),
        amount=_small,
        unit=st.sampled_from(duty.UNITS),
        calendar=st.sampled_from(["weekdays", "us-federal"]),
    ),
    st.builds(duty.Retain, st.sampled_from("pq"), _small, st.none() | st.integers(1, 9)),
    st.builds(duty.Record, _words),
    st.builds(duty.Propagate, _words),
    st.builds(duty.Mask, st.sampled_from("ab"), st.sampled_from("cd")),
    st.builds(duty.Prohibit, st.sampled_from("no")),
    st.builds(duty.LockOption, st.sampled_from("lm")),
    st.builds(duty.HumanReview),
)

scopes = st.builds(
    Scope,
    categories=st.frozensets(st.sampled_from(["contact.email", "contact.*", "payment.bank", "*"]), max_size=2),
    channels=st.frozensets(st.sampled_from(["phone", "api"]), max_size=1),
    attended=st.sampled_from([None, True, False]),
    changed_within=st.sampled_from([{}, {"auth.sim": 86_400}]),
)

rules = st.builds(
    Rule,
    id=st.sampled_from([f"R{number}" for number in range(20)]),
    version=st.integers(1, 2),
    pack=st.just("test"),
    citation=st.just("a test"),
    scope=scopes,
    obligations=st.lists(obligations, max_size=3).map(tuple),
    status=st.sampled_from(Status),
    effective_from=st.none() | st.just(date(2026, 3, 3)) | st.just(date(2026, 1, 1)),
    default_on=st.booleans(),
)

asks = st.builds(
    Ask,
    kind=st.just("contact_details"),
    categories=st.frozensets(st.sampled_from(["contact.email", "payment.bank", "pref.marketing"]), min_size=1),
    operation=st.just("update"),
    channel=st.sampled_from([Channel.PHONE, Channel.API]),
    actor=st.sampled_from(ActorType),
    at=st.just(NOON),
    attended=st.booleans(),
    attributes=st.sampled_from([{}, {"last_changed.auth.sim": "2026-03-02T09:00:00+00:00"}]),
)
