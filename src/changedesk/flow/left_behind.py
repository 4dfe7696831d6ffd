"""What becomes of the accounts of somebody who is to be erased: nobody would be left to ask for what only they hold."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Final

from changedesk.base.ids import RequestId, SubjectId
from changedesk.base.refusal import Refusal
from changedesk.flow import family
from changedesk.flow.whose import holders
from changedesk.kinds.erasure import CLASSES, EVERYTHING, classes_of
from changedesk.ledger.value import Json
from changedesk.rules.forgetting import Decision, Verdict
from changedesk.store import forget, links, requests, subjects
from changedesk.store.requests import Request
from changedesk.store.settings_read import Configuration, configuration
from changedesk.store.subjects import Subject
from changedesk.store.tx import Look


class Becomes(StrEnum):
    """What becomes of an account when its holder is erased."""

    STAYS = "stays"
    """Somebody else holds it, too."""
    EMPTY = "empty"
    """It tells nothing of anybody: it was erased itself."""
    KEPT = "kept"
    """A law keeps all of it, until a day that is named; time takes it then."""
    ASKED = "asked"
    """Its own erasure is under way, which this one waits for."""
    HELD = "held"
    """A legal hold stands on it or on what was merged into it: whoever is erased could not be asked about it."""
    OPEN = "open"
    """It would go on telling of somebody who was erased: it is closed, given away or erased first."""


ERASURE: Final = "erasure"
STOPS: Final = frozenset({Becomes.OPEN, Becomes.HELD})
NEXT: Final[Mapping[Becomes, tuple[str, ...]]] = {
    Becomes.OPEN: ("close", "transfer", "erase"),
    Becomes.HELD: ("legal_release",),
}
"""What settles an account that stops an erasure, by the names of the operations; one of them is enough."""


class AccountsLeft(Refusal):
    """This person alone holds accounts that would go on telling of them.

    ``data``: accounts (account, becomes: open or held, next: the operations of which one settles it).
    """

    code = "accounts-left"
    hint = (
        "Settle each account named here, then ask again. One that is open: close it, transfer it to another holder, or "
        "ask for its own erasure. One that is held: have its legal hold lifted first."
    )
    status = "conflict"


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountLeft:
    """An account of a customer who is to be erased; ``rule`` and ``until`` say what keeps it."""

    account: SubjectId
    becomes: Becomes
    rule: str = ""
    until: date | None = None

    @property
    def stops(self) -> bool:
        """Say whether the erasure cannot be asked for as long as this account stands so."""
        return self.becomes in STOPS

    @property
    def next(self) -> tuple[str, ...]:
        """Return the operations of which one settles an account that stops the erasure."""
        return NEXT.get(self.becomes, ())

    def plain(self) -> dict[str, Json]:
        """Return this as a job and its certificate keep it."""
        return {
            "account": str(self.account),
            "becomes": self.becomes.value,
            "rule": self.rule,
            "until": None if self.until is None else self.until.isoformat(),
        }


def of(
    look: Look, config: Configuration, customer: Subject, classes: Sequence[str], *, at: datetime
) -> list[AccountLeft]:
    """Return what becomes of each account that a customer holds; none where they are not erased as a whole."""
    if customer.type != "customer" or EVERYTHING not in classes:
        return []
    ids = subjects.accounts_at(look, customer.id, at)
    held = subjects.load(look, ids)
    return [_left(look, config, held[id_], customer, at=at) for id_ in ids]


def require_none(look: Look, config: Configuration, customer: Subject, classes: Sequence[str], *, at: datetime) -> None:
    """Return if nothing is left behind by an erasure. Raises AccountsLeft."""
    left = [one for one in of(look, config, customer, classes, at=at) if one.stops]
    if left:
        told = [{"account": str(one.account), "becomes": one.becomes.value, "next": list(one.next)} for one in left]
        raise AccountsLeft(accounts=told)


def along(look: Look, asked: Iterable[Request], *, at: datetime) -> dict[RequestId, tuple[SubjectId, ...]]:
    """Return, for erasures, what to lock with them: merged records, and accounts where the customer goes as a whole.

    Two people who hold an account together are not both forgotten at once, each because of the other.
    """
    found: dict[RequestId, tuple[SubjectId, ...]] = {}
    for item in asked:
        if item.kind == ERASURE:
            accounts = subjects.accounts_at(look, item.subject_id, at) if EVERYTHING in _classes(item) else []
            found[item.id] = (*links.family(look, item.subject_id), *accounts)
    return {id_: beside for id_, beside in found.items() if beside}


def _classes(request: Request) -> tuple[str, ...]:
    proposal = request.proposal
    return () if proposal is None or request.kind != ERASURE else classes_of(proposal.values.get(CLASSES))


def busy(look: Look, due: Iterable[Request], *, at: datetime) -> set[RequestId]:
    """Return the erasures that must wait for that of an account; the clock tries again."""
    config, due = configuration(look.client), [item for item in due if item.kind == ERASURE]
    met = subjects.load(look, {item.subject_id for item in due})
    return {
        item.id
        for item in due
        if Becomes.ASKED in {one.becomes for one in of(look, config, met[item.subject_id], _classes(item), at=at)}
    }


def moved(look: Look, request: Request, subject: Subject, *, at: datetime) -> list[str]:
    """Return what of an erasure can no longer be as it was asked for: an account would be left behind."""
    left = of(look, configuration(look.client), subject, _classes(request), at=at)
    return [CLASSES] if {one.becomes for one in left} & {*STOPS, Becomes.ASKED} else []


def _left(look: Look, config: Configuration, account: Subject, customer: Subject, *, at: datetime) -> AccountLeft:
    others = set(holders(look, account.id, at=at)) - {customer.id}
    if any(one.key is not None for one in subjects.load(look, others).values()):
        return AccountLeft(account=account.id, becomes=Becomes.STAYS)
    weighed = [] if account.key is None else family.weigh(look, config, account, [EVERYTHING], at=at)
    told = [decision for one in weighed for decision in one.decisions]
    if not told:
        return AccountLeft(account=account.id, becomes=Becomes.EMPTY)
    stopped = family.held(look, config, [one.subject for one in weighed], at=at)
    if stopped is not None:
        return AccountLeft(account=account.id, becomes=Becomes.HELD, rule=str(stopped.data["blocked_by"]))
    if _asked(look, account.id):
        return AccountLeft(account=account.id, becomes=Becomes.ASKED)
    return _kept(account.id, told)


def _asked(look: Look, account: SubjectId) -> bool:
    under_way = any(job.state != "done" for job in forget.of_subject(look, account))
    return under_way or bool(requests.holders_of_fields(look, [account], [CLASSES]))


def _kept(account: SubjectId, told: Sequence[Decision]) -> AccountLeft:
    """Say what keeps the last of it. Where no day can be named, it has to be closed for the time to run."""
    kept = [(one.until, one.rule) for one in told if one.verdict is Verdict.KEEP and one.until is not None]
    if len(kept) < len(told):
        return AccountLeft(account=account, becomes=Becomes.OPEN)
    until, rule = max(kept)
    return AccountLeft(account=account, becomes=Becomes.KEPT, rule=rule, until=until)
