"""Who may do what. Verbs and reads stand in one list; roles and scopes are given some of it, nothing else.

The tables below are all there is: an actor without a line here may do nothing. What a verb may touch beyond
its name (the value approved, the person who entered it) is ``rules.approval``'s business.
"""

from collections.abc import Mapping
from enum import StrEnum
from functools import cache, lru_cache
from typing import Final

from changedesk.base.actor import Actor, ActorType, Channel, Role
from changedesk.base.ids import ClientId, SubjectId
from changedesk.base.refusal import Forbidden


class Verb(StrEnum):
    """Everything that an actor can ask for, changes and reads alike."""

    CUSTOMER_CREATE = "customer.create"
    CUSTOMER_SEARCH = "customer.search"
    CUSTOMER_READ = "customer.read"
    VALUE_REVEAL = "value.reveal"
    TIMELINE_READ = "timeline.read"
    REQUEST_PREVIEW = "request.preview"
    REQUEST_SUBMIT = "request.submit"
    REQUEST_REVISE = "request.revise"
    REQUEST_READ = "request.read"
    QUEUE_READ = "queue.read"
    IDENTITY_CHALLENGE = "identity.challenge"
    IDENTITY_CONFIRM = "identity.confirm"
    CONSENT_RECORD = "consent.record"
    REQUEST_APPROVE = "request.approve"
    REQUEST_REJECT = "request.reject"
    REQUEST_ASK_INFORMATION = "request.ask_information"
    REQUEST_WITHDRAW = "request.withdraw"
    REQUEST_CANCEL = "request.cancel"
    REQUEST_EXPIRE = "request.expire"
    REQUEST_HOLD = "request.hold"
    REQUEST_RELEASE = "request.release"
    REQUEST_APPLY = "request.apply"
    """Apply what is approved and due, which the clock does."""
    REQUEST_APPLY_NOW = "request.apply_now"
    """Apply before the day it was scheduled for."""
    CHANGE_REVERT = "change.revert"
    CHANGE_RECORD = "change.record"
    FEED_READ = "feed.read"
    EVIDENCE_BUILD = "evidence.build"
    """Take evidence out of the house. Values in clear need VALUE_REVEAL too."""
    AUDIT_SEARCH = "audit.search"
    """Search everything that was recorded at the client, whoever it is about."""
    AUDIT_EXPORT = "audit.export"
    """Take what a search found out of the house, as a masked file."""
    PRIVACY_RECEIVE = "privacy.receive"
    """Write down what a person asks about their own data."""
    PRIVACY_READ = "privacy.read"
    PRIVACY_HANDLE = "privacy.handle"
    """Decide on it, and hand copies over."""
    NOTICE_READ = "notice.read"
    NOTICE_RESEND = "notice.resend"
    OUTBOX_READ = "outbox.read"
    IMPORT_RUN = "import.run"
    DISPUTE_OPEN = "dispute.open"
    DISPUTE_RESOLVE = "dispute.resolve"
    FACTOR_BIND = "factor.bind"
    ACCESS_READ = "access.read"
    """Read who looked at whom."""
    ACCESS_REVIEW = "access.review"
    """Say whether somebody else's broken glass was justified."""
    ACCESS_CERTIFY = "access.certify"
    """Put on record that readers' access was reviewed. It moves nothing: what follows is done by others."""
    ACCESS_BREAK_GLASS = "access.break_glass"
    CONFIGURE_READ = "configure.read"
    CONFIGURE_NEW_CLIENT = "configure.new_client"
    """Open a client; only whoever runs the installation may, since it stands outside every client."""
    CONFIGURE_SIGN_IN = "configure.sign_in"
    """Hand out a ready-made password and second factor; administrators may start a sign-in, not choose it."""
    CONFIGURE_CLIENT = "configure.client"
    CONFIGURE_PEOPLE = "configure.people"
    CONFIGURE_KEYS = "configure.keys"
    CONFIGURE_FIELDS = "configure.fields"
    CONFIGURE_RULES = "configure.rules"
    CONFIGURE_PUBLISH = "configure.publish"
    """Put in force a policy that somebody else wrote."""
    CONFIGURE_TEMPLATES = "configure.templates"
    CONFIGURE_HOOKS = "configure.hooks"
    """Say where the client's own systems are told of what happens."""


V = Verb
_LOOK: Final = frozenset(
    {V.CUSTOMER_SEARCH, V.CUSTOMER_READ, V.TIMELINE_READ, V.REQUEST_READ, V.QUEUE_READ, V.NOTICE_READ}
)
_SERVE: Final = _LOOK | {
    V.CUSTOMER_CREATE,
    V.VALUE_REVEAL,
    V.REQUEST_PREVIEW,
    V.REQUEST_SUBMIT,
    V.REQUEST_REVISE,
    V.IDENTITY_CHALLENGE,
    V.IDENTITY_CONFIRM,
    V.CONSENT_RECORD,
    V.REQUEST_WITHDRAW,
    V.REQUEST_CANCEL,
    V.NOTICE_RESEND,
    V.DISPUTE_OPEN,
    V.PRIVACY_RECEIVE,
}
_DECIDE: Final = frozenset({V.REQUEST_APPROVE, V.REQUEST_REJECT, V.REQUEST_ASK_INFORMATION})
_FREEZE: Final = frozenset({V.REQUEST_HOLD, V.REQUEST_RELEASE})

ROLES: Final[Mapping[Role, frozenset[Verb]]] = {
    Role.AGENT: _SERVE,
    Role.SUPERVISOR: _SERVE
    | _DECIDE
    | _FREEZE
    | {V.REQUEST_APPLY_NOW, V.CHANGE_REVERT, V.OUTBOX_READ, V.IMPORT_RUN, V.DISPUTE_RESOLVE, V.EVIDENCE_BUILD}
    | {V.ACCESS_READ, V.ACCESS_REVIEW, V.ACCESS_BREAK_GLASS, V.PRIVACY_READ, V.AUDIT_SEARCH, V.AUDIT_EXPORT}
    | {V.ACCESS_CERTIFY},
    Role.COMPLIANCE: _LOOK
    | _DECIDE
    | _FREEZE
    | {V.VALUE_REVEAL, V.CONFIGURE_READ, V.CONFIGURE_PUBLISH, V.EVIDENCE_BUILD, V.ACCESS_BREAK_GLASS}
    | {V.PRIVACY_READ},
    Role.FRAUD: _LOOK
    | _DECIDE
    | _FREEZE
    | {V.VALUE_REVEAL, V.REQUEST_CANCEL, V.CHANGE_REVERT, V.DISPUTE_OPEN, V.DISPUTE_RESOLVE, V.EVIDENCE_BUILD}
    | {V.ACCESS_BREAK_GLASS},
    Role.PRIVACY: _LOOK
    | {V.VALUE_REVEAL, V.REQUEST_PREVIEW, V.REQUEST_SUBMIT, V.CONSENT_RECORD, V.FEED_READ, V.EVIDENCE_BUILD}
    | {V.AUDIT_SEARCH, V.AUDIT_EXPORT, V.ACCESS_READ, V.ACCESS_REVIEW, V.ACCESS_CERTIFY, V.ACCESS_BREAK_GLASS}
    | {V.IDENTITY_CHALLENGE, V.IDENTITY_CONFIRM, V.PRIVACY_RECEIVE, V.PRIVACY_READ, V.PRIVACY_HANDLE},
    Role.AUDITOR: _LOOK
    | {V.FEED_READ, V.EVIDENCE_BUILD, V.OUTBOX_READ, V.CONFIGURE_READ, V.AUDIT_SEARCH, V.ACCESS_READ}
    | {V.PRIVACY_READ, V.AUDIT_EXPORT, V.ACCESS_CERTIFY},
    Role.ADMINISTRATOR: frozenset(
        {
            V.CONFIGURE_READ,
            V.CONFIGURE_CLIENT,
            V.CONFIGURE_PEOPLE,
            V.CONFIGURE_KEYS,
            V.CONFIGURE_FIELDS,
            V.CONFIGURE_RULES,
            V.CONFIGURE_PUBLISH,
            V.CONFIGURE_TEMPLATES,
            V.CONFIGURE_HOOKS,
            V.OUTBOX_READ,
        }
    ),
}
"""A person may hold several roles; what they may do is the union. Nobody approves what they entered, whatever
their roles: ``rules.approval`` sees to that."""

SCOPES: Final[Mapping[str, frozenset[Verb]]] = {
    "customers:read": frozenset({V.CUSTOMER_READ, V.TIMELINE_READ}),
    "customers:reveal": frozenset({V.VALUE_REVEAL}),
    "customers:write": frozenset({V.CUSTOMER_CREATE}),
    "search": frozenset({V.CUSTOMER_SEARCH}),
    "requests:read": frozenset({V.REQUEST_READ, V.QUEUE_READ, V.NOTICE_READ}),
    "requests:write": frozenset(
        {
            V.REQUEST_PREVIEW,
            V.REQUEST_SUBMIT,
            V.REQUEST_REVISE,
            V.REQUEST_WITHDRAW,
            V.REQUEST_CANCEL,
            V.CONSENT_RECORD,
            V.IDENTITY_CHALLENGE,
            V.IDENTITY_CONFIRM,
        }
    ),
    "requests:decide": _DECIDE,
    "requests:hold": _FREEZE | {V.REQUEST_APPLY_NOW},
    "changes:record": frozenset({V.CHANGE_RECORD}),
    "changes:revert": frozenset({V.CHANGE_REVERT}),
    "feed:read": frozenset({V.FEED_READ}),
    "evidence:build": frozenset({V.EVIDENCE_BUILD}),
    "audit:search": frozenset({V.AUDIT_SEARCH}),
    "audit:export": frozenset({V.AUDIT_SEARCH, V.AUDIT_EXPORT}),
    "access:read": frozenset({V.ACCESS_READ}),
    "privacy:read": frozenset({V.PRIVACY_READ}),
    "privacy:write": frozenset({V.PRIVACY_RECEIVE, V.PRIVACY_HANDLE}),
    "notices:write": frozenset({V.NOTICE_RESEND}),
    "imports:run": frozenset({V.IMPORT_RUN, V.CUSTOMER_CREATE, V.CHANGE_RECORD}),
    "disputes:write": frozenset({V.DISPUTE_OPEN}),
    "factors:write": frozenset({V.FACTOR_BIND}),
}
"""What an API key may hold. No scope configures: settings are changed by people who signed in."""

CUSTOMER: Final = frozenset(
    {
        V.CUSTOMER_READ,
        V.TIMELINE_READ,
        V.REQUEST_PREVIEW,
        V.REQUEST_SUBMIT,
        V.REQUEST_REVISE,
        V.REQUEST_READ,
        V.IDENTITY_CHALLENGE,
        V.IDENTITY_CONFIRM,
        V.CONSENT_RECORD,
        V.REQUEST_WITHDRAW,
        V.NOTICE_READ,
        V.DISPUTE_OPEN,
        V.FACTOR_BIND,
        V.PRIVACY_RECEIVE,
    }
)
"""What customers and their representatives may do, about themselves only."""

AUTOMATION: Final = frozenset(
    {
        V.REQUEST_APPROVE,
        V.REQUEST_APPLY,
        V.REQUEST_EXPIRE,
        V.REQUEST_HOLD,
        V.REQUEST_RELEASE,
        V.FEED_READ,
        V.NOTICE_READ,
    }
)
"""What duties without a human may do. They approve only where the route asks for no approval."""

TERMINAL_SCOPE: Final = "terminal"
TERMINAL: Final = frozenset(
    {verb for verb in Verb if verb.startswith("configure.")}
    | {V.CUSTOMER_CREATE, V.CUSTOMER_SEARCH, V.CUSTOMER_READ, V.TIMELINE_READ, V.REQUEST_READ}
    | {V.CHANGE_RECORD, V.IMPORT_RUN, V.FEED_READ, V.NOTICE_READ, V.OUTBOX_READ, V.EVIDENCE_BUILD}
    | {V.AUDIT_SEARCH, V.AUDIT_EXPORT, V.ACCESS_READ, V.PRIVACY_READ}
)
"""What whoever runs the installation may do at its terminal. They decide nothing and reveal nothing."""

READS: Final = frozenset(
    {
        V.CUSTOMER_SEARCH,
        V.CUSTOMER_READ,
        V.TIMELINE_READ,
        V.REQUEST_READ,
        V.QUEUE_READ,
        V.FEED_READ,
        V.NOTICE_READ,
        V.OUTBOX_READ,
        V.CONFIGURE_READ,
        V.EVIDENCE_BUILD,
        V.AUDIT_SEARCH,
        V.AUDIT_EXPORT,
        V.ACCESS_READ,
        V.ACCESS_CERTIFY,
        V.PRIVACY_READ,
    }
)
"""The verbs that leave everything as it was: some put on record that somebody looked, or reviewed who did."""


def terminal(client: ClientId) -> Actor:
    """Return the actor who stands behind the command line: whoever holds the installation's own files."""
    return Actor(
        client,
        ActorType.AUTOMATION,
        "a.terminal",
        Channel.SYSTEM,
        "terminal",
        scopes=frozenset({TERMINAL_SCOPE}),
    )


def verbs_of(actor: Actor) -> frozenset[Verb]:
    """Return all that this actor may ask for: the union over roles or scopes; unknown scopes give nothing."""
    match actor.type:
        case ActorType.STAFF:
            return _of_roles(actor.roles)
        case ActorType.INTEGRATION:
            return _of_scopes(actor.scopes)
        case ActorType.CUSTOMER | ActorType.REPRESENTATIVE:
            return CUSTOMER if actor.subject is not None else frozenset()
        case ActorType.AUTOMATION:  # pragma: no branch - there is no other type
            return TERMINAL if TERMINAL_SCOPE in actor.scopes else AUTOMATION


@cache
def _of_roles(roles: frozenset[Role]) -> frozenset[Verb]:
    return frozenset().union(*(ROLES[role] for role in roles))


@lru_cache(maxsize=1_000)
def _of_scopes(scopes: frozenset[str]) -> frozenset[Verb]:
    return frozenset().union(*(SCOPES.get(scope, frozenset()) for scope in scopes))


def may(actor: Actor, verb: Verb, *, subject: SubjectId | None = None) -> bool:
    """Say whether the actor may ask for this verb, about this customer when there is one.

    Customers must name a customer, and it must be themselves; for an account, name the customer who owns it.
    """
    if actor.type in (ActorType.CUSTOMER, ActorType.REPRESENTATIVE) and subject != actor.subject:
        return False
    return verb in verbs_of(actor)


def require(actor: Actor, verb: Verb, *, subject: SubjectId | None = None) -> None:
    """Let the actor pass, or raise Forbidden naming the verb."""
    if not may(actor, verb, subject=subject):
        raise Forbidden(verb=str(verb))
