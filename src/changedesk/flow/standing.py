"""What a request has in hand: the evidence that is bound to its present content, weighed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from changedesk.base.actor import Channel
from changedesk.base.ids import RequestId
from changedesk.base.json import Value
from changedesk.flow import parties
from changedesk.ledger.value import Json
from changedesk.rules import consent as consent_rules
from changedesk.rules import identity, policy
from changedesk.rules.fields import Catalogue
from changedesk.rules.route import Route
from changedesk.store import evidence
from changedesk.store.requests import Request
from changedesk.store.settings_read import configuration
from changedesk.store.tx import Look

CALLER_LOOKED_BACK: Final = timedelta(days=30)
"""How far back a caller's proof is looked for: it counts for good once a proof of the change followed it in time."""


@dataclass(frozen=True, slots=True)
class Standing:
    """What a request has in hand: its route, and the evidence bound to its present content."""

    request: Request
    route: Route
    proofs: tuple[identity.Proof, ...]
    level: int
    new_contacts: list[str]
    new_contacts_confirmed: bool
    consented: bool
    approvers: tuple[str, ...]
    others_confirmed: bool = True
    """Whoever else must confirm has: the new holder of an account."""

    def facts(self) -> dict[str, Json]:
        """Return the evidence in the words of the ledger: methods, levels and ids, never a value."""
        return {
            "verified": {
                "level": self.level,
                "methods": sorted({str(proof.method) for proof in self.proofs if proof.purpose != "new_contact"}),
            },
            "consent": self.route.consent,
            "approved_by": list(self.approvers),
        }


def standings(look: Look, wanted: Sequence[Request], *, at: datetime) -> dict[RequestId, Standing]:
    """Weigh the evidence of some requests."""
    if not wanted:
        return {}
    ids = [item.id for item in wanted]
    since = min(item.received_at for item in wanted) - CALLER_LOOKED_BACK
    challenges = evidence.challenges_of_requests(look, ids, [item.person_id for item in wanted], since=since)
    consents = evidence.consents_of(look, ids)
    decisions = evidence.decisions_of(look, ids)
    catalogue = configuration(look.client).catalogue
    found: dict[RequestId, Standing] = {}
    for item in wanted:
        route = policy.from_json(item.route)
        proofs = tuple(
            proof_of(challenge)
            for challenge in challenges
            if challenge.state == "confirmed"
            and challenge.subject_id == item.person_id
            and _counts_for(challenge, item)
        )
        values = {} if item.proposal is None else item.proposal.values
        new_contacts = new_contacts_of(catalogue, values)
        found[item.id] = Standing(
            request=item,
            route=route,
            proofs=proofs,
            # Whoever was proved when the content was entered stays proved for it, however long the house takes.
            level=max(_level(item, route, proofs, now=moment) for moment in {at, min(at, item.submitted_at)}),
            new_contacts=new_contacts,
            new_contacts_confirmed=identity.new_contacts_confirmed(proofs, new_contacts, digest=item.digest),
            consented=consent_rules.consented(
                route, [one for one in consents if one.request_id == item.id], digest=item.digest
            ),
            approvers=tuple(
                one.actor
                for one in decisions
                if one.request_id == item.id and one.verdict == "approve" and one.digest == item.digest
            ),
            others_confirmed=parties.confirmed(item, challenges),
        )
    return found


def _counts_for(challenge: evidence.Challenge, request: Request) -> bool:
    """Tell whether a proof is about this request: its own, or of the caller on the line of whoever entered it."""
    if challenge.request_id is not None:
        return challenge.request_id == request.id
    return challenge.started_by == request.entered_by


def _level(request: Request, route: Route, proofs: Sequence[identity.Proof], *, now: datetime) -> int:
    return identity.level(
        proofs,
        digest=request.digest,
        now=now,
        forbidden=route.methods_forbidden,
        in_session=request.entered_by.startswith("c") and request.channel in _OWN_SESSION,
    )


_OWN_SESSION: Final = frozenset({Channel.WEB_PORTAL.value, Channel.MOBILE_APP.value})


def new_contacts_of(catalogue: Catalogue, values: Mapping[str, Value]) -> list[str]:
    """Return the contact points that some values set: each of them can be asked to answer."""
    return sorted(path for path, value in values.items() if value is not None and catalogue[path].contact_point)


def proof_of(challenge: evidence.Challenge) -> identity.Proof:
    """Return a confirmed challenge in the words of ``rules.identity``."""
    return identity.Proof(
        method=challenge.method,
        purpose=challenge.purpose,
        contact_path=challenge.contact_path,
        bound_digest=challenge.digest,
        confirmed_at=challenge.decided_at or challenge.started_at,
    )
