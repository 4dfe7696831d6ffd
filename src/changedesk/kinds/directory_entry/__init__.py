"""What a public directory prints of a person, an office or an organisation. Its editors decide as a business."""

import re
from typing import Final

from changedesk.kinds.kind import Checked, Kind, Proposal
from changedesk.rules.values import Concern

_WITH_LANGUAGE: Final = re.compile(r".+\*[a-z]{2,3}(-[A-Za-z0-9]{2,8})*")
"""A name and its language after a star (BCP 47), as the schema of the Research Organization Registry writes them."""
_ACRONYM: Final = re.compile(r"[A-Z0-9 ]+(\*[a-z]{2,3}(-[A-Za-z0-9]{2,8})*)?")


def check(proposal: Proposal) -> Checked:
    """Warn of names without their language, of acronyms that hold other signs, of addresses with a stray slash."""
    found: list[Concern] = []
    for path, value in proposal.after.items():
        tags = proposal.catalogue[path].tags
        # Only what is new is looked at: whoever adds a name does not answer for those that stood there.
        old = set(str(proposal.before.get(path) or "").splitlines())
        new = [line for line in str(value or "").splitlines() if line not in old]
        if tags & {"language_tag", "acronym"} and not all(map(_WITH_LANGUAGE.fullmatch, new)):
            found.append(Concern(path, "language_missing"))
        if "acronym" in tags and not all(map(_ACRONYM.fullmatch, new)):
            found.append(Concern(path, "acronym_signs"))
        if "url" in tags and any(line.endswith("/") for line in new):
            found.append(Concern(path, "trailing_slash"))
    return Checked(concerns=tuple(found))


KIND = Kind(
    name="directory_entry",
    label={"en": "Directory entry", "de": "Verzeichniseintrag", "ar": "قيد الدليل"},
    icon="file-text",
    notice_subject={"en": "your directory entry", "de": "Ihr Verzeichniseintrag", "ar": "قيدك في الدليل"},
    notice_words={},
    form_order=("org.display_name", "org.labels", "org.aliases", "org.acronyms", "org.types", "org.status"),
    check=check,
    subjects=frozenset({"customer", "account"}),
    initiators=frozenset({"customer", "business"}),
)
