"""Which records are worth comparing: those that share a block key.

Keys are exact terms, so that they can stand in a blind index (keyed digests) as well as in a dictionary. Each one
joins two hints, that a block of a common name or a big town stays small; what identifies by itself stands alone.
"""

from collections.abc import Iterable, Iterator
from itertools import combinations, product
from typing import Final

from changedesk.base.json import State, Value
from changedesk.rules.fields import Catalogue, Field
from changedesk.rules.matching.likeness import sounds
from changedesk.rules.matching.record import Prepared, Record, emails_of, phones_of, prepared, record_of, roles_of

BLOCK: Final = "block"
"""The name of the blind index that block keys stand in."""
_LOOKED_UP: Final = frozenset({"email", "bank"})
"""Keys that are a whole value: it stands in an index of its own, where people look it up."""
_WORDS: Final = 3
_PHONE: Final = 7
_LOCAL_LEAST: Final = 5


def block_keys(record: Record) -> frozenset[str]:
    """Return the terms that this record shares with records worth comparing to it."""
    return keys_of(prepared(record))


def keys_of(item: Prepared) -> frozenset[str]:
    """Return the block keys of a prepared record."""
    return frozenset(f"{sort}:{'|'.join(parts)}" for sort, parts in _keys(item))


def block_terms(catalogue: Catalogue, state: State) -> set[tuple[str, str]]:
    """Return a customer's block keys as (index, term) pairs, but for those that are looked up as values anyway."""
    return _terms(_keys(prepared(record_of(catalogue, state))))


def contact_terms(field: Field, value: Value) -> set[tuple[str, str]]:
    """Return those of a customer's block keys that one contact point makes by itself: all that it is in."""
    record = roles_of(field, value)
    return _terms(_of_contacts(emails_of(record), phones_of(record)))


def _terms(keys: Iterable[tuple[str, tuple[str, ...]]]) -> set[tuple[str, str]]:
    return {(BLOCK, f"{sort}:{'|'.join(parts)}") for sort, parts in keys if sort not in _LOOKED_UP}


def _keys(item: Prepared) -> Iterator[tuple[str, tuple[str, ...]]]:
    # The longest words of a name are the most telling, whatever their order.
    words = sorted({sounds(word) for word in sorted(item.name, key=len, reverse=True)[:_WORDS]})
    firms = sorted({sounds(word) for word in sorted(item.organisation, key=len, reverse=True)[:_WORDS]})
    places = sorted({sounds(word) for word in sorted(item.street, key=len, reverse=True)[:1]})
    yield from _of_contacts(item.emails, item.phones)
    yield from (("bank", (account,)) for account in item.bank_accounts)
    if item.national_id:
        yield "id", (item.national_id,)
    yield from (("names", pair) for pair in combinations(words, 2))
    yield from (("firm", pair) for pair in combinations(firms, 2))
    if item.birth_date:
        yield from (("born", (item.birth_date, initial)) for initial in {word[0] for word in item.name} or {""})
        yield from (("year", (item.birth_date[:4], word)) for word in words)
        yield from (("day", (item.birth_date[4:], word)) for word in words)
    if item.postal_code:
        yield from (("post", (item.postal_code, word)) for word in (*words, *firms[:1], *places))
    yield from (("house", pair) for pair in product(sorted(item.numbers), places))


def _of_contacts(emails: Iterable[str], phones: Iterable[str]) -> Iterator[tuple[str, tuple[str, ...]]]:
    for address in emails:
        yield "email", (address,)
        local = address.rpartition("@")[0]
        if len(local) >= _LOCAL_LEAST:
            yield "mailbox", (local,)
    for number in phones:
        yield "phone", (number[-_PHONE:],)
