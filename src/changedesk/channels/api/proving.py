"""Proving who is asking, agreeing to it, and binding an authenticator."""

from changedesk import flow
from changedesk.base.ids import ChallengeId, SubjectId
from changedesk.channels.api import asked, told
from changedesk.channels.api.calls import Call
from changedesk.channels.api.calls import told as tell
from changedesk.channels.api.documented import documented, nothing
from changedesk.channels.api.requests import receipt
from changedesk.channels.api.routes import Routes
from changedesk.channels.refusals import Answer

of_request = Routes(tags=["Verification and consent"])
of_customer = Routes(tags=["Verification and consent"])


def _challenged(made: flow.Challenged) -> Answer:
    answer = {name: getattr(made, name) for name in told.Challenged.model_fields}
    return tell(answer, status=201, replayed=made.replayed)


def _confirmed(found: flow.Confirmed) -> Answer:
    version = None if found.receipt is None else found.receipt.version
    return tell(found.reply(), version=version, replayed=found.replayed)


@of_request.post("/{ref}/verification", **documented(201, told.Challenged, key=True))
def verify(call: Call, ref: str, body: asked.Challenge) -> Answer:
    """Start a challenge that stands for exactly this request: a code, an authenticator, a call-back, a question.

    A new one ends the one before it; sends are limited.
    """
    wanted = flow.Wanted(whose=ref, purpose=body.purpose, method=body.method, path=body.path, once=call.once())
    return _challenged(flow.challenge_joined(wanted, actor=call.actor, at=call.at))


@of_request.post("/{ref}/verification/{challenge}/confirm", **documented(200, told.Confirmed, key=True))
def confirm(call: Call, ref: str, challenge: asked.Id, body: asked.Answered) -> Answer:
    """Answer a challenge. Each counts once; a wrong answer is counted against the customer's limit."""
    answer = flow.Answer(challenge=ChallengeId(challenge), said=body.answer, ref=ref, once=call.once())
    return _confirmed(flow.confirm_joined(answer, actor=call.actor, at=call.at))


@of_request.post("/{ref}/consent", **documented(200, told.Receipt, key=True, problems=[412]))
def consent(call: Call, ref: str, body: asked.Consent) -> Answer:
    """Record that the customer agreed to a wording, for exactly what the request holds now."""
    item = flow.Agreement(
        ref=ref,
        statement=body.statement,
        version=body.version,
        language=body.language,
        way=body.way,
        evidence_text=body.evidence,
        digest=body.digest,
        key=call.once(),
    )
    return receipt(flow.record_consent_joined(item, actor=call.actor, at=call.at))


@of_customer.post("/{id}/verification", **documented(201, told.Challenged, key=True))
def verify_caller(call: Call, id: asked.Id, body: asked.CallerChallenge) -> Answer:  # noqa: A002 - the path's word
    """Start proving who is on the line. What is proved counts for fifteen minutes, for this key alone."""
    wanted = flow.Wanted(whose=SubjectId(id), purpose="caller", method=body.method, path=body.path, once=call.once())
    return _challenged(flow.challenge_joined(wanted, actor=call.actor, at=call.at))


@of_customer.post("/{id}/verification/{challenge}/confirm", **documented(200, told.Confirmed, key=True))
def confirm_caller(call: Call, id: asked.Id, challenge: asked.Id, body: asked.Answered) -> Answer:  # noqa: A002 - the path's word
    """Answer a challenge that was started for a caller."""
    answer = flow.Answer(challenge=ChallengeId(challenge), said=body.answer, subject=SubjectId(id), once=call.once())
    return _confirmed(flow.confirm_joined(answer, actor=call.actor, at=call.at))


@of_customer.post("/{id}/factors", **documented(204, None, key=True))
def bind(call: Call, id: asked.Id, body: asked.Factor) -> Answer:  # noqa: A002 - the path's word
    """Bind an authenticator app to a customer. Its secret is sealed, and told to nobody again."""
    done = flow.bind_factor(SubjectId(id), body.secret, actor=call.actor, at=call.at, key=call.once())
    return nothing(replayed=done)
