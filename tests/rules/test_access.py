from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from changedesk.base.actor import Actor, ActorType, Channel, Role, automation
from changedesk.base.ids import ClientId, SubjectId
from changedesk.base.refusal import Forbidden
from changedesk.rules import access
from changedesk.rules.access import Verb

CLIENT = ClientId(1)
DANA = SubjectId(UUID(int=1))
ERIK = SubjectId(UUID(int=2))

# Written out again, letter per role, so that a slip in the rule's own sets shows: A agent, S supervisor,
# C compliance, F fraud, P privacy, U auditor, D administrator.
LETTERS = dict(zip("ASCFPUD", Role, strict=True))
MATRIX = {
    "customer.create": "AS",
    "customer.search": "ASCFPU",
    "customer.read": "ASCFPU",
    "value.reveal": "ASCFP",
    "timeline.read": "ASCFPU",
    "request.preview": "ASP",
    "request.submit": "ASP",
    "request.revise": "AS",
    "request.read": "ASCFPU",
    "queue.read": "ASCFPU",
    "identity.challenge": "ASP",
    "identity.confirm": "ASP",
    "consent.record": "ASP",
    "request.approve": "SCF",
    "request.reject": "SCF",
    "request.ask_information": "SCF",
    "request.withdraw": "AS",
    "request.cancel": "ASF",
    "request.expire": "",
    "request.hold": "SCF",
    "request.release": "SCF",
    "request.apply": "",
    "request.apply_now": "S",
    "change.revert": "SF",
    "change.record": "",
    "feed.read": "PU",
    "evidence.build": "SCFPU",
    "audit.search": "SPU",
    "audit.export": "SPU",
    "privacy.receive": "ASP",
    "privacy.read": "SCPU",
    "privacy.handle": "P",
    "notice.read": "ASCFPU",
    "notice.resend": "AS",
    "outbox.read": "SUD",
    "import.run": "S",
    "dispute.open": "ASF",
    "dispute.resolve": "SF",
    "factor.bind": "",
    "access.read": "SPU",
    "access.review": "SP",
    "access.certify": "SPU",
    "access.break_glass": "SCFP",
    "configure.read": "CUD",
    "configure.new_client": "",
    "configure.sign_in": "",
    "configure.client": "D",
    "configure.people": "D",
    "configure.keys": "D",
    "configure.fields": "D",
    "configure.rules": "D",
    "configure.publish": "CD",
    "configure.templates": "D",
    "configure.hooks": "D",
}


def staff(*roles: Role) -> Actor:
    return Actor(CLIENT, ActorType.STAFF, "s1", Channel.PHONE, "console", roles=frozenset(roles))


def key(*scopes: str) -> Actor:
    return Actor(CLIENT, ActorType.INTEGRATION, "k1", Channel.API, "billing", scopes=frozenset(scopes))


def customer(subject: SubjectId | None = DANA, type_: ActorType = ActorType.CUSTOMER) -> Actor:
    return Actor(CLIENT, type_, "c", Channel.WEB_PORTAL, "portal", subject=subject)


def test_the_matrix_names_every_verb() -> None:
    assert set(MATRIX) == {str(verb) for verb in Verb}


@pytest.mark.parametrize("verb", list(Verb))
@pytest.mark.parametrize("role", list(Role))
def test_each_role_may_exactly_what_the_matrix_says(role: Role, verb: Verb) -> None:
    allowed = {LETTERS[letter] for letter in MATRIX[verb]}
    assert access.may(staff(role), verb, subject=DANA) == (role in allowed)


@given(roles=st.sets(st.sampled_from(Role)), verb=st.sampled_from(Verb))
def test_several_roles_give_their_union_and_nothing_beyond(roles: set[Role], verb: Verb) -> None:
    assert access.may(staff(*roles), verb) == any(verb in access.ROLES[role] for role in roles)


@given(scopes=st.sets(st.sampled_from(sorted(access.SCOPES)) | st.text(max_size=20)), verb=st.sampled_from(Verb))
def test_a_key_may_what_its_scopes_list_and_unknown_scopes_give_nothing(scopes: set[str], verb: Verb) -> None:
    assert access.may(key(*scopes), verb) == any(verb in access.SCOPES.get(scope, ()) for scope in scopes)


@given(verb=st.sampled_from(Verb))
def test_roles_on_a_key_and_scopes_on_a_person_give_nothing(verb: Verb) -> None:
    dressed_key = Actor(CLIENT, ActorType.INTEGRATION, "k1", Channel.API, "x", roles=frozenset(Role))
    dressed_person = Actor(
        CLIENT,
        ActorType.STAFF,
        "s1",
        Channel.API,
        "x",
        scopes=frozenset({*access.SCOPES, access.TERMINAL_SCOPE}),
    )
    assert not access.may(dressed_key, verb)
    assert not access.may(dressed_person, verb)


def test_the_auditor_reads_and_nothing_else() -> None:
    assert access.verbs_of(staff(Role.AUDITOR)) <= access.READS


def test_the_administrator_changes_no_customer_and_sees_none() -> None:
    beyond = {verb for verb in access.verbs_of(staff(Role.ADMINISTRATOR)) if not verb.startswith("configure.")}
    assert beyond == {Verb.OUTBOX_READ}


def test_no_scope_configures_or_applies() -> None:
    granted = access.verbs_of(key(*access.SCOPES, access.TERMINAL_SCOPE))
    assert not {verb for verb in granted if verb.startswith("configure.")}
    assert Verb.REQUEST_APPLY not in granted


@pytest.mark.parametrize("verb", list(Verb))
@pytest.mark.parametrize("type_", [ActorType.CUSTOMER, ActorType.REPRESENTATIVE])
def test_a_customer_acts_for_themselves_only(type_: ActorType, verb: Verb) -> None:
    dana = customer(DANA, type_)
    assert access.may(dana, verb, subject=DANA) == (verb in access.CUSTOMER)
    assert not access.may(dana, verb, subject=ERIK)
    assert not access.may(dana, verb)
    assert not access.may(customer(None, type_), verb)
    assert not access.may(customer(None, type_), verb, subject=DANA)


def test_a_customer_never_decides_reverts_or_searches() -> None:
    never = {
        Verb.REQUEST_APPROVE,
        Verb.CHANGE_REVERT,
        Verb.CHANGE_RECORD,
        Verb.CUSTOMER_SEARCH,
        Verb.FEED_READ,
        Verb.REQUEST_RELEASE,
        Verb.VALUE_REVEAL,
    }
    assert not never & access.CUSTOMER


def test_automation_applies_but_never_asks_or_reveals() -> None:
    clock = access.verbs_of(automation(CLIENT, "clock"))
    assert clock == access.AUTOMATION
    assert Verb.REQUEST_APPLY in clock
    assert not {Verb.REQUEST_SUBMIT, Verb.VALUE_REVEAL, Verb.CHANGE_REVERT, Verb.CONSENT_RECORD} & clock


def test_the_terminal_opens_clients_and_imports_but_decides_nothing() -> None:
    terminal = access.verbs_of(access.terminal(CLIENT))
    assert {Verb.CONFIGURE_NEW_CLIENT, Verb.IMPORT_RUN} <= terminal
    assert not {Verb.REQUEST_APPROVE, Verb.REQUEST_SUBMIT, Verb.VALUE_REVEAL, Verb.REQUEST_APPLY} & terminal


def test_a_refusal_names_the_verb() -> None:
    with pytest.raises(Forbidden) as refused:
        access.require(staff(Role.AGENT), Verb.REQUEST_APPROVE)
    assert refused.value.data == {"verb": "request.approve"}
    access.require(staff(Role.SUPERVISOR), Verb.REQUEST_APPROVE)
