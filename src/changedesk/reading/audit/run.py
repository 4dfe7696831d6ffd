"""What the parts of one audit share."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from changedesk.ledger.audit import Fault, Finding, Findings
from changedesk.ledger.cosignature import AnyVerifier
from changedesk.store.terms import Terms
from changedesk.store.tile_files import Folder
from changedesk.store.tx import Look

Tell = Callable[[float, str], None]
"""Hears how far the audit is: a share of the whole, and what it is at."""


@dataclass(slots=True)
class Run:
    """One audit: where it reads, whom it believes, what it has found."""

    seen: Look
    installation: Look
    folder: Folder
    terms: Terms
    tell: Tell
    origin: str = ""
    verifiers: Sequence[AnyVerifier] = ()
    witnesses: Sequence[AnyVerifier] = ()
    kept: dict[int, bytes] = field(default_factory=dict)
    """Roots by size that somebody else kept: of files, of earlier audits, of whoever handed one in."""
    published: int = 0
    """The size that the published checkpoint says."""
    found: Findings = field(default_factory=Findings)

    def bad(self, fault: Fault, index: int | None, change: UUID | None = None, about: str = "") -> None:
        """Take a finding in."""
        self.found.add(Finding(fault, index, change, about))
