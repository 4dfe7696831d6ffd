"""A file of requests: read, entered or previewed as a whole, with a report of every line."""

import hashlib
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Final
from uuid import UUID

from changedesk import flow
from changedesk.base import clock
from changedesk.base.actor import Actor
from changedesk.base.ids import SubjectId
from changedesk.base.refusal import Refusal
from changedesk.channels.bulk.customers import FieldNotInCatalogue
from changedesk.channels.bulk.report import Report, Sheet, open_sheet
from changedesk.channels.bulk.request_map import RequestMap
from changedesk.channels.bulk.rows import HeaderWrong, Row, open_rows
from changedesk.kinds.merge import MERGED_INTO, MERGED_INTO_TEXT
from changedesk.rules import access
from changedesk.rules.fields import Catalogue
from changedesk.rules.values import BadValue

TOGETHER: Final = 200
WAITS: Final = {
    "awaiting_approval": "to_approve",
    "awaiting_verification": "needs_customer",
    "awaiting_consent": "needs_customer",
}
"""What the report calls the states of requests that wait."""
Progress = Callable[["RequestReport", float], None]


@dataclass(slots=True)
class RequestReport(Report):
    """The totals of one file of requests: requests by what they wait for, or what became of them."""

    batch: UUID | None = None
    digest: str = ""
    """What an approval of the whole is bound to; empty in a dry run, and while the file has not come to its end."""
    outcomes: Counter[str] = field(default_factory=Counter)
    routes: Counter[tuple[int, str, int]] = field(default_factory=Counter)
    """In a dry run: requests by level, consent and approvals that policy asks for."""

    def totals(self) -> dict[str, int]:
        """Return the counts by name, in the order of display."""
        return {"rows": self.rows, **dict(sorted(self.outcomes.items())), "warned": self.warned}


def request_batch(
    file: Path,
    map: RequestMap,  # noqa: A002 - as in import_changes
    map_name: str,
    *,
    actor: Actor,
    catalogue: Catalogue,
    now: Callable[[], datetime] = clock.now,
    dry_run: bool = False,
    report_to: Path | None = None,
    progress: Progress | None = None,
    key: flow.Once | None = None,
    part_of: UUID | None = None,
) -> RequestReport:
    """Enter the requests of a file as one batch, or preview them all; the report's file speaks of each line.

    The same file again goes on where it was ended, and changes nothing where it was not. ``key`` refuses another file;
    ``part_of``: one that was started already, of whose file this is a part.
    Raises Forbidden, FieldNotInCatalogue; FileUnreadable and HeaderWrong before anything was entered.
    """
    access.require(actor, access.Verb.REQUEST_PREVIEW if dry_run else access.Verb.REQUEST_SUBMIT)
    unknown = sorted({path for path in map.fields.values() if path not in catalogue})
    if unknown:
        raise FieldNotInCatalogue(paths=unknown)
    report = RequestReport()
    with ExitStack() as stack:
        reader = stack.enter_context(open_rows(file, map.dialect))
        if map.key not in reader.columns:
            raise HeaderWrong(reason="missing", columns=[map.key])
        used = map.reads() | map.ignore
        report.left_out = tuple(name for name in reader.columns if name not in used)
        sheet = stack.enter_context(open_sheet(report, file, report_to))
        run = _Run(map, catalogue, actor, now, sheet, report)
        report.batch = part_of
        if part_of is None and not dry_run:
            with file.open("rb") as content:
                mark = hashlib.file_digest(content, "sha256").digest()
            report.batch = flow.start_batch(map_name, mark, actor=actor, at=now(), key=key).id
        lines = sheet.counting(reader)
        while part := list(islice(lines, TOGETHER)):
            run.send(part)
            if progress:
                progress(report, reader.share)
        # A file that ended early has not been read whole: its batch stays open until a whole one is entered.
        if part_of is None and report.batch is not None and not report.stopped:
            finished = flow.finish_batch(report.batch, actor=actor, at=now())
            report.digest = (finished.digest or b"").hex()
    return report


class _Run:
    def __init__(
        self,
        map_: RequestMap,
        catalogue: Catalogue,
        actor: Actor,
        now: Callable[[], datetime],
        sheet: Sheet,
        report: RequestReport,
    ) -> None:
        self.map, self.catalogue, self.actor, self.now = map_, catalogue, actor, now
        self.sheet, self.report = sheet, report
        self.taken: dict[tuple[SubjectId, str], int] = {}
        acknowledged = sorted(map_.acknowledged)
        self.terms = flow.Terms(reason=map_.reason, initiated_by=map_.initiated_by, acknowledged=acknowledged)

    def send(self, rows: Sequence[Row]) -> None:
        """Enter or preview some lines, and say of each what became of it."""
        asked = self._asked(rows)
        if self.report.batch is None:
            became = flow.preview_rows(asked, self.terms, taken=self.taken, actor=self.actor, at=self.now())
        else:
            became = flow.enter_rows(self.report.batch, asked, self.terms, actor=self.actor, at=self.now())
        for one in became:
            self._tell(one)

    def _asked(self, rows: Sequence[Row]) -> list[flow.Asked]:
        names: dict[int, str] = {}
        problems: dict[int, Refusal] = {row.number: row.problem for row in rows if row.problem is not None}
        for row in rows:
            if row.number not in problems:
                try:
                    names[row.number] = self.map.name_of(row)
                except Refusal as refusal:
                    problems[row.number] = refusal
        known = flow.find_customers(self.map.source, list(names.values()), actor=self.actor)
        found: list[flow.Asked] = []
        for row in rows:
            try:
                if row.number in problems:
                    raise problems[row.number]
                found += self.map.asked(row, self.catalogue, known.get(names[row.number]))
            except Refusal as refusal:
                found.append(flow.Asked(number=row.number, problem=refusal))
        return found

    def _tell(self, one: flow.Became) -> None:
        row = one.row
        if row.outcome == "refused":
            self.report.outcomes["refused"] += 1
            if one.refusal is not None:
                self.sheet.refused([row.number], one.refusal)
            else:
                self._say(row.number, "refused", row.reasons, "")
            return
        outcome = row.outcome if row.outcome == "unchanged" else WAITS.get(row.state, row.state or "checked")
        self.report.outcomes[outcome] += 1
        if one.route is not None:
            level, consent, approvals = one.route
            self.report.routes[level, consent or "", approvals] += 1
        self.sheet.line(row.number, outcome, "", "", "", row.ref)
        if row.reasons:
            self.report.warned += 1
            self._say(row.number, "warning", row.reasons, row.ref)

    def _say(self, number: int, outcome: str, reasons: Sequence[tuple[str, str]], ref: str) -> None:
        for code, path in reasons:
            self.report.codes[code, path] += 1
            sentence = MERGED_INTO_TEXT if code == MERGED_INTO else BadValue.reasons.get(code, "")
            self.sheet.line(number, outcome, code, path, sentence, ref)


def approval_report(states: flow.Approved, path: Path) -> Path:
    """Write what came of approving a batch, a line for each request that did not go ahead; return the file."""
    report = RequestReport()
    report.outcomes = Counter(states.states)
    with open_sheet(report, path, path) as sheet:
        for ref in states.edited:
            sheet.line(0, "edited", "different-content", "", _EDITED, ref)
        for ref, refusal in states.refused.items():
            sheet.line(0, "refused", refusal.code, "", f"{refusal.sentence} {refusal.hint}", ref)
    return path


_EDITED: Final = "It was revised after the batch came in: open it, and decide on it by itself."
