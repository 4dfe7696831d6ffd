"""Changes of a log are recorded: their subjects come into being first, then what each went through, in its order."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final

import msgspec

from changedesk import flow
from changedesk.base.actor import Actor, Channel
from changedesk.base.ids import SubjectId
from changedesk.base.refusal import Refusal
from changedesk.channels.bulk.groups import Group
from changedesk.channels.bulk.mapping import ChangeMap
from changedesk.channels.bulk.report import REFUSED, TAKEN, UNCHANGED, Became, reasons

_OPENING: Final = b"opened by a change log"
_groups: Final = msgspec.msgpack.Decoder(list[Group])


class AccountNotOpen(Refusal):
    """The customer was taken in before without this account, so its changes have nowhere to go."""

    code = "account-not-open"
    hint = "Open the account for the customer first, then import the same file again: the rest stays as it is."


class Recorder:
    """Records changes, batch by batch, and knows the subjects that it met on the way."""

    def __init__(self, map_: ChangeMap, actor: Actor, now: Callable[[], datetime]) -> None:
        self.map, self.actor, self.now = map_, actor, now
        self._subjects: dict[str, SubjectId] = {}
        self._met: set[str] = set()
        self._led: set[str] = set()
        """Customers who were merged: their rows go to the survivor."""

    def record(self, packed: bytes) -> list[Became]:
        """Record a batch of groups, in their order; return what became of each, those that went in first."""
        groups = _groups.decode(packed)
        stopped = self._open_subjects(groups)
        ready = [group for group in groups if group.record in self._subjects]
        told = [
            _refused(group, stopped.get(group.customer, AccountNotOpen()))
            for group in groups
            if group.record not in self._subjects
        ]
        if not ready:
            return told
        outcome = flow.record_changes([self._item(group) for group in ready], actor=self.actor, at=self.now())
        done = iter(outcome.done)
        for place, group in enumerate(ready):
            refusal = outcome.refused.get(place)
            told.append(_refused(group, refusal) if refusal is not None else self._became(group, next(done)))
        return told

    def _became(self, group: Group, result: flow.Recorded) -> Became:
        led = result.merged_from is not None or group.record in self._led
        if result.unchanged:
            return Became(group.rows, UNCHANGED, str(result.subject), 0, led)
        return Became(group.rows, TAKEN, str(result.subject), len(group.fields), led)

    def _item(self, group: Group) -> flow.RecordedChange:
        midway, valid_from = self.map.starts_midway, group.valid_from
        return flow.RecordedChange(
            subject=self._subjects[group.record],
            changes=[
                flow.FieldChange(
                    path=path, new=new or None, old=flow.UNKNOWN if midway else old or None, valid_from=valid_from
                )
                for path, old, new, _ in group.fields
            ],
            evidence=group.evidence,
            verbatim=True,
            source=flow.SourceRow(self.map.source, f"{self.map.log}:{group.name}", msgspec.json.encode(group.fields)),
            channel=Channel.BATCH_IMPORT,
        )

    def _open_subjects(self, groups: Sequence[Group]) -> dict[str, Refusal]:
        """Let customers that were not met yet come into being, with their accounts; return what stood against it."""
        fresh: dict[str, Group] = {}
        for group in groups:
            if group.customer not in self._met:
                fresh.setdefault(group.customer, group)
        if not fresh:
            return {}
        self._met.update(fresh)
        outcome = flow.create_customers(
            [self._customer(group) for group in fresh.values()], actor=self.actor, at=self.now()
        )
        done = iter(outcome.done)
        stopped: dict[str, Refusal] = {}
        for place, (customer, group) in enumerate(fresh.items()):
            refusal = outcome.refused.get(place)
            if refusal is not None:
                stopped[customer] = refusal
                continue
            created = next(done)
            if self.map.subject == "customer":
                self._subjects[customer] = created.subject
                self._led.update([customer] if created.merged_from is not None else [])
            else:
                self._subjects.update(zip(group.accounts, created.accounts, strict=False))
        return stopped

    def _customer(self, group: Group) -> flow.NewCustomer:
        accounts = [flow.NewAccount(number, self.map.role) for number in group.accounts.values()]
        return flow.NewCustomer(
            values={"account.number": group.customer},
            accounts=accounts if self.map.subject == "account" else (),
            source=flow.SourceRow(self.map.source, f"customer:{group.customer}", _OPENING),
            channel=Channel.BATCH_IMPORT,
            valid_from=group.valid_from,
        )


def _refused(group: Group, refusal: Refusal) -> Became:
    return Became(group.rows, REFUSED, reasons=list(reasons(refusal)))
