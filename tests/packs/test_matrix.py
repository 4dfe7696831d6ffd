"""No combination of kind, deed, channel, actor and packs asks for less than the floor, and the floor is what it says.

A scope says what changes, and who changes it how; both must hold. So what the rules make of every deed at every kind,
and of every way to ask for it, is worked out once each; a combination is where they meet, and a set of packs sees of it
what its own rules do. Combinations that the same rules meet are one.
"""

import itertools
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import TypeVar

import pytest
from tests.packs.asking import NOON, ask, route, told

from changedesk import kinds, packs
from changedesk.base.actor import ActorType, Channel
from changedesk.rules import obligations as duty
from changedesk.rules.combine import combine
from changedesk.rules.policy import Ask, Rule, Scope, as_strict_as

SETS = [(), *itertools.combinations(packs.available(), 1), tuple(packs.available())]
RULES = list({rule.id: rule for names in SETS for rule in packs.load(names).rules}.values())
PLACES = frozenset().union(*(rule.scope.jurisdictions for rule in RULES))
TRADES = frozenset().union(*(packs.load(names).industries for names in SETS))
DEEDS: Mapping[str, str] = {
    "account_status": "activate suspend reinstate deactivate reactivate close reopen lock unlock"
    " hold release legal_hold legal_release restrict unrestrict",
    "plan": "upgrade downgrade change_cycle change_addons",
    "security_settings": "start_reset set remove",
    "access_grant": "grant change revoke",
    "device": "register replace remove",
    "loyalty": "enrol change leave",
    "merge": "merge unmerge",
}
W = TypeVar("W")
UNNAMED = ("create", "update", "remove", "revert")
"""What the flow calls a deed where the kind has no word for it."""


def fields() -> dict[str, set[str]]:
    """Kind to the categories of its fields, in all packs together."""
    found: dict[str, set[str]] = {}
    for field in itertools.chain.from_iterable(packs.load(names).catalogue for names in SETS):
        found.setdefault(field.kind, set()).add(field.category)
    return found


def deeds(kind: str) -> list[str]:
    known = kinds.find(kind).operations if kind in kinds.KINDS else ()
    return sorted({*DEEDS.get(kind, "").split(), *known, *UNNAMED})


def of_what(scope: Scope) -> Scope:
    return Scope(
        kinds=scope.kinds,
        categories=scope.categories,
        except_categories=scope.except_categories,
        operations=scope.operations,
    )


def of_whom(scope: Scope) -> Scope:
    nothing: frozenset[str] = frozenset()
    return replace(scope, kinds=nothing, categories=nothing, except_categories=nothing, operations=nothing)


def met(scopes: Iterable[Scope], asks: Iterable[Ask]) -> set[int]:
    """What the rules make of some asks: for each a number whose bits are the rules that meet it."""
    listed = list(scopes)
    return {sum(1 << bit for bit, scope in enumerate(listed) if scope.matches(asked)) for asked in asks}


def whats() -> Iterable[Ask]:
    for kind, categories in sorted(fields().items()):
        asked = [{category} for category in sorted(categories)] + [categories]
        for together, deed in itertools.product(asked, deeds(kind)):
            yield ask((), *together, kind=kind, operation=deed).named()


def told_apart(key: str, words: Iterable[W]) -> list[W]:
    """One of each group of channels or actors that no rule tells apart."""
    scopes = [getattr(rule.scope, key) for rule in RULES]
    return list({tuple(not scope or word in scope for scope in scopes): word for word in words}.values())


def ways() -> Iterable[Ask]:
    yesterday = (NOON - timedelta(hours=12)).isoformat()
    asked = {pair for rule in RULES for pair in rule.scope.attributes.items()}
    lately = {f"last_changed.{category}": yesterday for rule in RULES for category in rule.scope.changed_within}
    every_flag: list[Mapping[str, str]] = [{}, lately, dict(asked), *({name: value} for name, value in sorted(asked))]
    channels, actors = told_apart("channels", Channel), told_apart("actors", ActorType)
    for channel, actor, attended in itertools.product(channels, actors, (False, True)):
        for whose, flags in itertools.product(("customer", "business", "system"), every_flag):
            told_of = {**flags, "initiated_by": whose, "safe_contact": "false"}
            yield ask((), channel=channel, actor=actor, attended=attended, attributes=told_of,
                      jurisdictions=PLACES, industry=TRADES)  # fmt: skip


def test_no_combination_asks_for_less_than_the_floor() -> None:
    """Silence for the customer's safety is the one thing that takes away; it has a test of its own."""
    here = {names: {rule.id for rule in packs.load(names).rules} for names in SETS}
    seen_by = [sum(1 << bit for bit, rule in enumerate(RULES) if rule.id in ids) for ids in here.values()]
    floor = sum(1 << bit for bit, rule in enumerate(RULES) if rule.pack == "floor")
    met_by_what = met((of_what(rule.scope) for rule in RULES), whats())
    met_by_whom = met((of_whom(rule.scope) for rule in RULES), ways())
    both = {what & whom for what, whom in itertools.product(met_by_what, met_by_whom)}
    combined = {each & mine for each, mine in itertools.product(both, seen_by)}
    least = {each: combine(rules_of(each), ANY, policy_version=1) for each in {found & floor for found in combined}}
    for each in combined:
        mine = rules_of(each)
        assert as_strict_as(combine(mine, ANY, policy_version=1), least[each & floor]), [rule.id for rule in mine]
    assert len(combined) > 1000


ANY = ask((), attributes={f"last_changed.{c}": NOON.isoformat() for r in RULES for c in r.scope.changed_within})


def rules_of(bits: int) -> list[Rule]:
    """The rules of these bits, without what they keep silent about."""
    return [rule for bit, rule in enumerate(SPOKEN) if bits >> bit & 1]


def spoken(rule: Rule) -> Rule:
    return replace(rule, obligations=tuple(item for item in rule.obligations if not isinstance(item, duty.Suppress)))


SPOKEN = [spoken(rule) for rule in RULES]


@pytest.mark.parametrize("rule", [rule for rule in RULES if spoken(rule) != rule], ids=lambda rule: rule.id)
def test_silence_is_for_safety_and_a_second_look(rule: Rule) -> None:
    asked = rule.scope.attributes.get("safe_contact") == "true"
    looked_at = combine([rule], ANY, policy_version=1)
    assert asked or looked_at.approvals >= 2
    assert looked_at.human_review or looked_at.approvals >= 2
    assert "suppression_reason" in looked_at.evidence


PRIOR = {("requested", "prior_contacts", True), ("applied", "prior_contacts", True)}
DONE = {("applied", "prior_contacts", True)}
LIGHT = {("applied", "all_contacts", False)}
DAY = 86_400
Row = tuple[str, str, str, int, int, set[tuple[str, str, bool]], int]
TABLE: tuple[Row, ...] = (
    # kind, category, deed: verify, approve, told, wait
    *(("security_settings", f"auth.{what}", deed, 3, 0, PRIOR, 0)
      for what in ("username", "password", "mfa", "backup_answer", "recovery") for deed in ("set", "remove")),
    ("security_settings", "auth.password", "start_reset", 3, 0, PRIOR, 0),
    *(("device", category, deed, 3, 0, PRIOR, 0)
      for category in ("auth.device", "auth.sim") for deed in ("register", "replace", "remove")),
    *(("service_preferences", f"service.{what}", "update", 1, 0, LIGHT, 0)
      for what in ("language", "time_zone", "accessibility", "paperless")),
    ("communication_preferences", "pref.notify", "update", 1, 0, LIGHT, 0),
    ("communication_preferences", "pref.security_alerts", "update", 3, 1, PRIOR | LIGHT, 0),
    *(("plan", "service.plan", deed, 1, 0, LIGHT, 0)
      for deed in ("upgrade", "downgrade", "change_cycle", "change_addons", "update")),
    *(("access_grant", "access.authorised_rep", deed, 3, 1, PRIOR, 0) for deed in ("grant", "change", "update")),
    *(("access_grant", "access.authorised_rep", deed, 2, 0, PRIOR, 0) for deed in ("revoke", "remove")),
    ("role_standing", "access.role", "update", 3, 1, PRIOR, 0),
    *(("loyalty", f"loyalty.{what}", "change", 1, 0, LIGHT, 0) for what in ("enrolment", "number", "tier", "reward")),
    ("role_standing", "status.at_risk", "update", 3, 2, PRIOR, 0),
    ("role_standing", "status.at_risk", "remove", 3, 2, PRIOR, 0),
    ("restriction", "privacy.restrict", "update", 1, 0, LIGHT | {("requested", "all_contacts", False)}, 0),
    ("inactivation", "status.inactivate", "update", 2, 1, PRIOR, 0),
    ("account_status", "status.state", "activate", 1, 0, DONE, 0),
    ("account_status", "status.state", "suspend", 1, 1, DONE, 0),
    ("account_status", "status.state", "reinstate", 2, 1, DONE, 0),
    ("account_status", "status.state", "deactivate", 2, 1, PRIOR, 0),
    ("account_status", "status.state", "reactivate", 4, 2, PRIOR, DAY),
    ("account_status", "status.state", "reopen", 4, 2, PRIOR, DAY),
    ("account_status", "status.state", "close", 2, 1, PRIOR, 7 * DAY),
    ("account_status", "status.locks", "lock", 1, 0, DONE, 0),
    ("account_status", "status.locks", "unlock", 3, 1, PRIOR, 0),
    ("account_status", "status.on_hold", "release", 2, 1, DONE, 0),
    ("account_status", "status.legal_hold", "legal_release", 1, 2, set(), 0),
    # Whoever writes a status without saying what is done gets the gravest road.
    ("account_status", "status.state", "update", 3, 2, PRIOR, 0),
    ("merge", "status.merge", "merge", 4, 2, PRIOR, DAY),
    ("unmerge", "status.merge", "unmerge", 4, 2, PRIOR, DAY),
    ("ownership_transfer", "access.owner_transfer", "update", 4, 2, PRIOR, DAY),
)  # fmt: skip


@pytest.mark.parametrize("row", TABLE, ids=lambda row: f"{row[1]}-{row[2]}")
def test_the_floor_of_the_kinds(row: Row) -> None:
    kind, category, deed, level, approvals, notices, wait = row
    found = route((), category, kind=kind, operation=deed)
    assert (found.level, found.approvals, found.wait_seconds) == (level, approvals, wait)
    assert told(found) == notices
    if level == 4:
        assert found.separation == ("maker", "team")


def test_every_kind_has_its_rows_in_the_table() -> None:
    older = {"personal_details", "contact_details", "billing_payment", "marketing_preferences", "account_reference"}
    shown = {row[0] for row in TABLE} | older | {"directory_entry", "reversal", "erasure"}
    assert {*kinds.KINDS, *fields()} <= shown


def test_what_the_business_decides_needs_no_proof_but_another_person_and_a_notice() -> None:
    for deed in ("suspend", "reinstate", "deactivate", "lock", "hold"):
        found = route((), "status.state", kind="account_status", operation=deed, attributes=BUSINESS)
        assert (found.level, found.approvals >= 1) == (0, True), deed
        assert ("applied", "prior_contacts", True) in told(found)
        assert "reason" in found.evidence
    closed = route((), "status.state", kind="account_status", operation="close", attributes=BUSINESS)
    assert (closed.level, closed.approvals, closed.separation) == (0, 2, ("maker", "team"))
    assert closed.wait_seconds == 7 * DAY
    lifted = route((), "privacy.restrict", kind="restriction", operation="lift", attributes=BUSINESS)
    assert (lifted.level, lifted.approvals, lifted.wait_seconds) == (0, 1, DAY)
    downgraded = route((), "service.plan", kind="plan", operation="downgrade", attributes=BUSINESS)
    assert (downgraded.level, downgraded.approvals) == (0, 1)


BUSINESS = {"initiated_by": "business"}


GRAVE = [
    ("merge", "status.merge", "merge"), ("unmerge", "status.merge", "unmerge"),
    ("account_status", "status.state", "reactivate"), ("account_status", "status.state", "reopen"),
]  # fmt: skip
OWN_ERROR = ("correction_of_error", "duplicate_account")


@pytest.mark.parametrize(("kind", "category", "deed"), GRAVE)
def test_what_the_business_found_takes_two_approvers_and_notices_instead_of_the_customers_proof(
    kind: str, category: str, deed: str
) -> None:
    reasons = packs.load(()).reason_codes
    assert set(OWN_ERROR) < set(reasons)
    for names, reason in itertools.product(SETS, reasons):
        found = route(names, category, kind=kind, operation=deed, attributes=BUSINESS, reason=reason)
        # Two people of other teams, a day's wait and a notice before it, whatever the reason.
        assert (found.approvals, found.separation, found.wait_seconds >= DAY) == (2, ("maker", "team"), True)
        assert told(found) >= PRIOR
        assert found.level == (0 if reason in OWN_ERROR else 4), (names, reason)


@pytest.mark.parametrize(("kind", "category", "deed"), [*GRAVE, ("ownership_transfer", "access.owner_transfer", "")])
def test_no_channel_actor_or_reason_lowers_what_a_customer_asks_for_themselves(
    kind: str, category: str, deed: str
) -> None:
    """Nobody who asks is spared the proof by how, by whom or why it is entered; saying nothing is the customer."""
    asking = {"kind": kind, "operation": deed, "jurisdictions": PLACES, "industry": TRADES}
    for channel, actor, reason in itertools.product(Channel, ActorType, packs.load(()).reason_codes):
        for whose, attended in itertools.product(({}, {"initiated_by": "customer"}), (False, True)):
            how = {"channel": channel, "actor": actor, "reason": reason, "attended": attended}
            found = route((), category, **asking, **how, attributes=whose)
            assert (found.level, found.approvals) == (4, 2), how


def test_an_owner_is_asked_whoever_brings_a_transfer_up() -> None:
    for whose, reason in itertools.product(("customer", "business", "system"), OWN_ERROR):
        found = route((), "access.owner_transfer", kind="ownership_transfer", reason=reason,
                      attributes={"initiated_by": whose})  # fmt: skip
        assert (found.level, found.approvals) == (4, 2)


@pytest.mark.parametrize("category", sorted({word for words in fields().values() for word in words}))
def test_the_business_changes_nothing_else_of_a_customer_without_proof(category: str) -> None:
    free = ("status.", "service.plan", "loyalty.", "privacy.restrict", "directory.")
    for deed in ("update", "remove"):
        if not category.startswith(free):
            assert route((), category, operation=deed, attributes=BUSINESS).level >= 1


def test_new_authenticators_cannot_move_money_or_the_account_for_twelve_hours() -> None:
    for category in ("auth.mfa", "auth.recovery", "auth.device", "auth.sim", "auth.username"):
        assert [(set(hold.blocks) >= {"payee", "payout", "transfer"}, hold.seconds >= 43_200)
                for hold in route((), category).holds] == [(True, True)]  # fmt: skip
