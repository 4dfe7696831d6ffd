"""Authenticators of a customer."""

from datetime import datetime
from typing import Final
from uuid import uuid4

import pyotp

from changedesk.base.actor import Actor
from changedesk.base.ids import SubjectId
from changedesk.base.refusal import Refusal
from changedesk.flow import named, ways
from changedesk.flow.indexing import terms_for
from changedesk.ledger.entry import EntryKind
from changedesk.rules import access
from changedesk.rules.identity import Method
from changedesk.store import evidence, history, once, subjects
from changedesk.store.begin import begin

_SECRET_MIN: Final = 16


class NotAnAuthenticator(Refusal):
    """This is no secret of an authenticator: 16 or more base-32 characters are wanted (RFC 4648)."""

    code = "not-an-authenticator"
    hint = "Scan the code again, or type the secret as the app shows it."


def bind_factor(subject: SubjectId, secret: str, *, actor: Actor, at: datetime, key: once.Once | None = None) -> bool:
    """Bind an authenticator app to a customer. Its secret is sealed, and shown to nobody again.

    Return whether the first call with this key had done it already.

    Customers and trusted systems may. An agent may not: whoever could bind one could verify with it at once.
    """
    access.require(actor, access.Verb.FACTOR_BIND, subject=subject)
    word = "".join(secret.split()).upper().rstrip("=")
    try:
        known = len(pyotp.TOTP(word).byte_secret())
    except ValueError:
        known = 0
    if len(word) < _SECRET_MIN or not known:
        raise NotAnAuthenticator
    with begin(actor) as tx:
        if named.done_before(tx, key, actor, at=at):
            return True
        about = ways.about(subjects.load(tx, [subject]).get(subject), None)
        evidence.bind_factor(tx, uuid4(), about.subject, Method.TOTP, word, at=at)
        draft = history.Draft(
            subject=about.subject,
            kind=EntryKind.FACTOR_BOUND,
            actor=actor,
            at=at,
            facts={"method": Method.TOTP},
        )
        history.append(tx, [draft], terms=terms_for(tx.client))
    return False
