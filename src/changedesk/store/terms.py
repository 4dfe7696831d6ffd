"""Under which terms a record is found: what stands in the blind index, as keyed digests."""

from collections.abc import Collection, Mapping, Sequence
from typing import Final, TypeAlias

from changedesk.base.ids import SubjectId
from changedesk.ledger import seal
from changedesk.ledger.value import decode_value
from changedesk.rules import matching
from changedesk.rules.fields import Catalogue, Field
from changedesk.rules.values import search_terms
from changedesk.store import keys
from changedesk.store.subjects import Held
from changedesk.store.tx import Look

Term: TypeAlias = tuple[str, str]
"""The name of an index, and a normalised term in it."""
_NO_FIELDS: Final = Catalogue({})


class Terms:
    """The terms of one client's catalogue: those of single fields, and the block keys that join several."""

    def __init__(self, catalogue: Catalogue = _NO_FIELDS) -> None:
        self.catalogue = catalogue
        groups = {field.path: matching.group_of(field) for field in catalogue}
        self._contacts = {path for path, group in groups.items() if group in matching.CONTACTS}
        # Fields that are found by what they hold alone, and fields whose keys join several.
        self._alone: Mapping[str, Field] = {
            field.path: field for field in catalogue if field.searchable or field.path in self._contacts
        }
        self._joined = {path: group for path, group in groups.items() if group and path not in self._contacts}

    def of(self, state: Mapping[str, bytes]) -> set[Term]:
        """Return every term that a record is found under, given its canonical texts by path."""
        found = {term for path, text in state.items() for term in self._of_field(path, text)}
        return found | self._blocks({path: text for path, text in state.items() if path in self._joined})

    def moved(self, before: Mapping[str, Held], after: Mapping[str, Held]) -> tuple[set[Term], set[Term]]:
        """Return the terms that a record is found under no more, and those that it is found under only now."""
        paths = {path for path, held in after.items() if before.get(path) != held} | (before.keys() - after.keys())
        old = {term for path in paths if path in before for term in self._of_field(path, before[path].text)}
        new = {term for path in paths if path in after for term in self._of_field(path, after[path].text)}
        lost = self._of_no_other(old - new, paths, after)
        # Keys join fields of a group, and no others: what an address was changed in costs no look at the name.
        groups = {self._joined[path] for path in paths if path in self._joined}
        if not groups:
            return lost, new - old
        was, now = (
            self._blocks({path: held.text for path, held in state.items() if self._joined.get(path) in groups})
            for state in (before, after)
        )
        return lost | (was - now), (new - old) | (now - was)

    def _of_field(self, path: str, text: bytes) -> Sequence[Term]:
        field = self._alone.get(path)
        if field is None:
            return ()
        value = decode_value(text)
        found = search_terms(field, value)
        return [*found, *matching.contact_terms(field, value)] if path in self._contacts else found

    def _of_no_other(self, lost: set[Term], moved: Collection[str], after: Mapping[str, Held]) -> set[Term]:
        """Return those of some terms that no other field holds: one index serves all phones, one all names."""
        types = {self._alone[path].type for path in moved if path in self._alone}
        for path, held in after.items() if lost else ():
            if path not in moved and path in self._alone and self._alone[path].type in types:
                lost = lost - set(self._of_field(path, held.text))
        return lost

    def _blocks(self, state: Mapping[str, bytes]) -> set[Term]:
        values = {path: decode_value(text) for path, text in state.items()}
        return matching.block_terms(self.catalogue, values) if values else set()


def sharing(look: Look, terms: Collection[Term], *, most: int) -> set[SubjectId]:
    """Return the records that share a term, but for terms that more than ``most`` share: those tell nothing."""
    blind = keys.of_client(look)
    tags = [(index, seal.blind_tag(blind.blind, index, term)) for index, term in sorted(terms)]
    rows = look.rows(
        "blocks.sharing",
        field=[index for index, _ in tags],
        tag=[tag for _, tag in tags],
        epoch=blind.blind_epoch,
        most=most,
    )
    return {row.subject_id for row in rows}
