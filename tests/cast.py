"""The people of the tests, and the client they work for. Everything is made through the real verbs."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pyotp

from changedesk import flow
from changedesk.base.actor import Actor, ActorType, Channel, Role
from changedesk.base.clock import now
from changedesk.base.ids import ClientId, SubjectId
from changedesk.flow import configure
from changedesk.rules.access import terminal

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"


def staff(client: ClientId, number: int, *roles: Role, team: str = "one", channel: Channel = Channel.PHONE) -> Actor:
    return Actor(client, ActorType.STAFF, f"s{number}", channel, "test", roles=frozenset(roles), team=team)


def key(client: ClientId, *scopes: str, number: int = 1) -> Actor:
    return Actor(client, ActorType.INTEGRATION, f"k{number}", Channel.API, "test", scopes=frozenset(scopes))


@dataclass
class Desk:
    """One client with its people. Ben and Sofia are agents, Ines and Omar supervisors, Otto audits."""

    client: ClientId
    ben: Actor = field(init=False)
    sofia: Actor = field(init=False)
    ines: Actor = field(init=False)
    omar: Actor = field(init=False)
    otto: Actor = field(init=False)
    crm: Actor = field(init=False)

    def __post_init__(self) -> None:
        self.ben = staff(self.client, 1, Role.AGENT)
        self.sofia = staff(self.client, 2, Role.AGENT, team="two")
        self.ines = staff(self.client, 3, Role.SUPERVISOR, team="two")
        self.omar = staff(self.client, 4, Role.SUPERVISOR, team="three")
        self.otto = staff(self.client, 5, Role.AUDITOR, team="audit")
        self.crm = key(
            self.client, "customers:read", "customers:reveal", "customers:write", "search", "requests:read",
            "requests:write", "changes:record", "feed:read", "imports:run", "factors:write",
        )  # fmt: skip

    def customer(self, *, at: datetime = START, **values: object) -> SubjectId:
        """A customer with an e-mail address, a mobile number and an authenticator, unless told otherwise."""
        given: dict[str, object] = {
            "personal.name": "Dana Novak",
            "contact.email": "dana@old.example",
            "contact.phone_mobile": "+1 202 555 0143",
        }
        given.update({name.replace("__", "."): value for name, value in values.items()})
        made = flow.create_customers([flow.NewCustomer(values=given)], actor=self.crm, at=at).one()
        flow.bind_factor(made.subject, SECRET, actor=self.crm, at=at)
        return made.subject


def desk(
    slug: str = "aurora",
    *,
    packs: tuple[str, ...] = ("telecom",),
    jurisdictions: tuple[str, ...] = ("US",),
    time_zone: str = "UTC",
) -> Desk:
    """A new client with its keys."""
    actor = terminal(ClientId(0))
    client = configure.create_client(
        configure.NewClient(
            slug=slug,
            name=slug.title(),
            packs=packs,
            jurisdictions=jurisdictions,
            industries=packs,
            languages=("en", "de", "ar"),
            time_zone=time_zone,
            region="US",
            origin=f"ledger.example/{slug}",
        ),
        actor=actor,
        at=START,
    )
    return Desk(client)


def totp(at: datetime) -> str:
    return pyotp.TOTP(SECRET).at(at)


def soon(at: datetime, minutes: float = 1) -> datetime:
    return at + timedelta(minutes=minutes)


__all__ = ["SECRET", "START", "Desk", "desk", "key", "now", "soon", "staff", "totp"]
