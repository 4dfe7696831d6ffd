"""Accounts that change hands: proposed, confirmed by both parties, or declined."""

from typing import Annotated, Literal

from pydantic import Field

from changedesk import flow
from changedesk.base.ids import SubjectId
from changedesk.channels.api import asked, told
from changedesk.channels.api.calls import Call
from changedesk.channels.api.calls import told as tell
from changedesk.channels.api.documented import documented
from changedesk.channels.api.requests import receipt
from changedesk.channels.api.routes import Routes
from changedesk.channels.refusals import Answer
from changedesk.reading import transfer
from changedesk.reading.transfer import TransferPanel

router = Routes(tags=["Transfers"])


class Transfer(asked.How):
    """Which account goes to which customer. ``keep``: what goes along; plan and devices when not given."""

    account: asked.Id
    to: asked.Id
    keep: Annotated[list[Literal["plan", "devices", "loyalty", "members"]], Field(max_length=4)] | None = None
    reason: asked.Word = "customer_request"
    effective_at: asked.Time | None = None


@router.post("", **documented(201, told.Receipt, key=True, problems=[412]))
def propose(call: Call, body: Transfer) -> Answer:
    """Ask for an account to be given to another customer. Its holder is verified as for any request.

    Then the new holder confirms at a contact point of their own; until they do nothing changes, and silence ends it.
    """
    made = flow.propose_transfer(
        SubjectId(body.account),
        SubjectId(body.to),
        body.how(call.once(), effective_at=body.effective_at),
        keep=body.keep,
        actor=call.actor,
        at=call.at,
    )
    return receipt(made, status=201, location=f"/api/v1/transfers/{made.ref}")


@router.get("/{ref}", **documented(200, TransferPanel, body=False))
def read(call: Call, ref: str) -> Answer:
    """Read who has confirmed, and until when the other may."""
    found = transfer.transfer(ref, actor=call.actor, at=call.at)
    return tell(found, version=found.version)


@router.post("/{ref}/verification", **documented(201, told.Challenged, key=True))
def verify(call: Call, ref: str, body: asked.CallerChallenge) -> Answer:
    """Start the new holder's own challenge, at a contact point of theirs, for exactly this transfer."""
    made = flow.challenge_new_holder(
        ref, method=body.method, path=body.path, actor=call.actor, at=call.at, key=call.once()
    )
    answer = {name: getattr(made, name) for name in told.Challenged.model_fields}
    return tell(answer, status=201, replayed=made.replayed)


@router.post("/{ref}/verification/{challenge}/confirm", **documented(200, told.Confirmed, key=True))
def confirm(call: Call, ref: str, challenge: asked.Id, body: asked.Answered) -> Answer:
    """Answer the new holder's challenge: with it they take the account over, once it is approved."""
    found = flow.confirm(challenge, body.answer, ref=ref, actor=call.actor, at=call.at, key=call.once())
    version = None if found.receipt is None else found.receipt.version
    return tell(found.reply(), version=version, replayed=found.replayed)


@router.post("/{ref}/decline", **documented(200, told.Receipt, key=True))
def decline(call: Call, ref: str, body: asked.Nothing) -> Answer:  # noqa: ARG001 - its form is checked
    """End a transfer at the wish of the new holder. Both parties are told; nothing changes."""
    return receipt(flow.decline_transfer(ref, actor=call.actor, at=call.at, key=call.once()))
