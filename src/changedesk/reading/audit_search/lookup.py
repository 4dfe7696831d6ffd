"""What the values of a search name: people, entries, fields, requests, customers. What names nothing is refused."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cached_property
from typing import Final
from uuid import UUID

from changedesk import kinds
from changedesk.base.actor import Actor, Channel, Role
from changedesk.base.ids import RequestId, SubjectId, parse_reference
from changedesk.base.refusal import Refusal
from changedesk.ledger.entry import EntryKind
from changedesk.ledger.value import decode_value
from changedesk.reading.audit_search.plan import NOTHING, At, During, Every, OneOf, Plan, Some, joined
from changedesk.reading.words import TITLES, in_language
from changedesk.rules.lifecycle import RequestState
from changedesk.rules.query import Expr, Levels, Named, Span, Words
from changedesk.rules.status import OVERLAYS, Status
from changedesk.rules.values import query_terms
from changedesk.rules.values.search import whole_terms
from changedesk.store import audit_search, past, requests, settings_read, subjects
from changedesk.store.settings_read import Configuration
from changedesk.store.tx import Look

HOLDERS_MOST: Final = 200
CHANGES_MOST: Final = 5_000
"""Changes that before: and after: open and compare; a value that more records share is refused."""
PLACES_MOST: Final = 200_000
_K = EntryKind
LED_TO: Final[Mapping[RequestState, tuple[EntryKind, ...]]] = {
    RequestState.SUBMITTED: (_K.REQUEST_SUBMITTED,),
    RequestState.AWAITING_INFORMATION: (_K.REQUEST_INFORMATION_ASKED,),
    RequestState.APPROVED: (_K.REQUEST_APPROVED,),
    RequestState.SCHEDULED: (_K.REQUEST_SCHEDULED,),
    RequestState.ON_HOLD: (_K.REQUEST_HELD,),
    RequestState.STALE: (_K.REQUEST_STALE,),
    RequestState.APPLIED: (
        _K.CHANGE_APPLIED, _K.CHANGE_REVERTED, _K.CHANGE_BACKDATED, _K.STATUS_CHANGED, _K.PLAN_CHANGED,
        _K.MERGE_APPLIED, _K.MERGE_UNDONE, _K.OWNERSHIP_TRANSFERRED, _K.ERASURE_REQUESTED,
    ),
    RequestState.REJECTED: (_K.REQUEST_REJECTED,),
    RequestState.WITHDRAWN: (_K.REQUEST_WITHDRAWN,),
    RequestState.CANCELLED: (_K.REQUEST_CANCELLED,),
    RequestState.EXPIRED: (_K.REQUEST_EXPIRED,),
}  # fmt: skip
"""The entries that say that a request came to a state. What it waits for next is said by no entry."""


class ValueUnknown(Refusal):
    """Nothing here is called that.

    ``data``: place, path (the key), nearest (what is written most like it, empty where nothing is).
    """

    code = "query-value-unknown"
    hint = "Take a value that completion offers, or what is named here as nearest."


class TextUnknown(Refusal):
    """No entry, field or reason is called that.

    ``data``: place.
    """

    code = "query-text-unknown"
    hint = "Free text finds what entries and fields are called, references and ids; before: and after: find values."


class ValueTooCommon(Refusal):
    """So many records have had this value that their changes cannot be compared one by one.

    ``data``: place, path (the key).
    """

    code = "query-value-too-common"
    hint = "Search by the customer, or by field and time, and look through what is found."


@dataclass(frozen=True)
class Lookup:
    """Looks up what one search names, for whoever searches."""

    seen: Look
    actor: Actor
    config: Configuration
    language: str

    def plan(self, asked: Expr) -> Plan:
        """Return a search with everything looked up. Raises ValueUnknown, TextUnknown, ValueTooCommon."""
        match asked:
            case Span(since, until):
                return During(since, until)
            case Levels(low, high):
                return OneOf(frozenset(f"v:{level}" for level in range(low, high + 1)))
            case Words():
                return self._words(asked)
            case Named():
                return _BY_KEY[asked.key](self, asked)
        parts = (asked.part,) if not hasattr(asked, "parts") else asked.parts
        return joined(asked, [self.plan(part) for part in parts])

    @cached_property
    def people(self) -> Mapping[str, tuple[str, ...]]:
        """What everybody who may act here is called, by actor id: names, addresses and keys' names, case folded."""
        found = {
            person.actor_id: (
                *person.display_name.casefold().split(), person.display_name.casefold(), person.email.casefold()
            )
            for person, _ in settings_read.members(self.actor.client)
        }  # fmt: skip
        return found | {f"k{key.id}": (key.name.casefold(),) for key in settings_read.credentials(self.actor.client)}

    def actors(self, term: Named) -> list[str]:
        """Return who is meant: an id, ``me``, or the beginning of a name."""
        value = term.value.casefold()
        if value == "me":
            return [self.actor.id]
        if value == "customer":
            return ["c"]
        if (value[:1] in "sk" and value[1:].isdigit()) or value[:2] == "a." or value in ("c", "representative"):
            return [value]
        found = [id_ for id_, names in self.people.items() if any(name.startswith(value) for name in names)]
        if not found:
            raise unknown(term, [name for names in self.people.values() for name in names])
        return found

    def actor_term(self, term: Named) -> Plan:
        return OneOf(frozenset(f"a:{one}" for one in self.actors(term)))

    def role(self, term: Named) -> Plan:
        # No entry says a role: these are the people who hold it today.
        wanted = self._one_of(term, [role.value for role in Role])
        held = settings_read.members(self.actor.client)
        return OneOf(
            frozenset(f"a:s{person.id}" for person, member in held if member.active and Role(wanted) in member.roles)
        )

    def approver(self, term: Named) -> Plan:
        who = self.actors(term)
        decided = Every((OneOf(frozenset({f"k:{_K.REQUEST_APPROVED}"})), OneOf(frozenset(f"a:{one}" for one in who))))
        return Some((OneOf(frozenset(f"p:{one}" for one in who)), decided))

    def action(self, term: Named) -> Plan:
        found = kinds_called(term.value)
        if not found:
            raise unknown(term, [kind.value for kind in EntryKind])
        return OneOf(frozenset(f"k:{kind}" for kind in found))

    def field(self, term: Named) -> Plan:
        value = term.value.casefold()
        found = [
            item.path
            for item in self.config.catalogue
            if value in {item.path, item.category, item.kind, *item.path.split("."), *item.tags}
            or value == item.label_in(self.language).casefold()
        ]
        if not found:
            raise unknown(term, [item.path for item in self.config.catalogue])
        return OneOf(frozenset(f"f:{path}" for path in found))

    def client(self, term: Named) -> Plan:
        own = self.config.settings
        if term.value.casefold() not in (own.slug, own.name.casefold()):
            raise unknown(term, [own.slug])
        return Every(())

    def channel(self, term: Named) -> Plan:
        return OneOf(frozenset({f"h:{self._one_of(term, [item.value for item in Channel])}"}))

    def change(self, term: Named) -> Plan:
        return OneOf(frozenset({f"g:{self._one_of(term, list(kinds.KINDS))}"}))

    def consent(self, term: Named) -> Plan:
        names = sorted({name for name, _ in self.config.statements})
        wanted = names if term.value.casefold() == "yes" else [self._one_of(term, names)]
        return OneOf(frozenset(f"c:{name}" for name in wanted))

    def policy(self, term: Named) -> Plan:
        if term.value.isdigit():
            return OneOf(frozenset({f"z:{int(term.value)}"}))
        value = term.value.casefold()
        known = [rule.id for rule in self.config.rules if rule.id.casefold().startswith(value)]
        # A rule may have been taken out since: then its whole name finds it.
        return OneOf(frozenset(f"y:{name}" for name in known or [term.value]))

    def reason(self, term: Named) -> Plan:
        return OneOf(frozenset({f"r:{self._one_of(term, list(self.config.reason_codes))}"}))

    def state(self, term: Named) -> Plan:
        states = [state.value for state in LED_TO]
        standing = [*(state.value for state in Status), *OVERLAYS]
        value = self._one_of(term, [*states, *standing])
        entries = {f"k:{kind}" for kind in LED_TO[RequestState(value)]} if value in states else set()
        return OneOf(frozenset(entries | ({f"n:{value}"} if value in standing else set())))

    def request(self, term: Named) -> Plan:
        found = self._request(term.value)
        if found is None:
            raise unknown(term, [])
        return At.places(audit_search.places_of_request(self.seen, found))

    def _request(self, text: str) -> RequestId | None:
        ref = parse_reference(text)
        if ref is not None:
            asked = requests.by_ref(self.seen, ref)
            return None if asked is None else asked.id
        id_ = as_id(text)
        return (
            None if id_ is None or RequestId(id_) not in requests.load(self.seen, [RequestId(id_)]) else RequestId(id_)
        )

    def customer(self, term: Named) -> Plan:
        id_ = as_id(term.value)
        if id_ is not None:
            return self._records([SubjectId(id_)])
        found: list[SubjectId] = []
        for terms in query_terms(term.value, region=self.config.settings.region):
            found += subjects.find(self.seen, [(one.index, one.term) for one in terms], limit=HOLDERS_MOST + 1)
        if len(found) > HOLDERS_MOST:
            raise ValueTooCommon(place=term.start, path=term.key)
        return self._records(list(dict.fromkeys(found)))

    def _records(self, found: Sequence[SubjectId]) -> Plan:
        return At.places(audit_search.places_of_subjects(self.seen, found, limit=PLACES_MOST)) if found else NOTHING

    def held(self, term: Named) -> Plan:
        """Return the changes that took a value (``after``) or left it (``before``). Whole values only, never parts."""
        code = term.value.casefold()
        if code in {*(state.value for state in Status), *OVERLAYS}:
            return OneOf(frozenset({f"{'n' if term.key == 'after' else 'b'}:{code}"}))
        places: set[int] = set()
        for one in query_terms(term.value, region=self.config.settings.region):
            wanted = frozenset((item.index, item.term) for item in one)
            places |= self._changed(term, wanted)
        return At.places(places)

    def _changed(self, term: Named, wanted: frozenset[tuple[str, str]]) -> set[int]:
        who = audit_search.holders(self.seen, sorted(wanted), limit=HOLDERS_MOST + 1)
        rows = audit_search.changes_of(self.seen, who, limit=CHANGES_MOST + 1) if who else []
        if len(who) > HOLDERS_MOST or len(rows) > CHANGES_MOST:
            raise ValueTooCommon(place=term.start, path=term.key)
        known = subjects.load(self.seen, who)
        found: set[int] = set()
        for row in rows:
            payload = past.payload_of(self.seen, row.subject_id, row, known[row.subject_id].key)
            for item in payload.assertions if payload is not None else ():
                text = item.new if term.key == "after" else item.old
                if text is None or item.path not in self.config.catalogue:
                    continue
                if wanted <= whole_terms(self.config.catalogue[item.path], decode_value(text)):
                    found.add(row.idx)
        return found

    def _words(self, term: Words) -> Plan:
        asked = self._request(term.text)
        if asked is not None:
            return At.places(audit_search.places_of_request(self.seen, asked))
        id_ = as_id(term.text)
        if id_ is not None:
            place = audit_search.place_of_change(self.seen, id_)
            return At.places([place]) if place is not None else self._records([SubjectId(id_)])
        named = [
            *((f"k:{kind}", in_language(texts, self.language)) for kind, texts in TITLES.items()),
            *((f"f:{item.path}", item.label_in(self.language)) for item in self.config.catalogue),
            *((f"r:{one.code}", in_language(one.label, self.language)) for one in self.config.reason_codes.values()),
            *((f"g:{kind.name}", in_language(kind.label, self.language)) for kind in kinds.all()),
        ]
        wanted = term.text.casefold()
        found = frozenset(code for code, label in named if wanted in label.casefold() or code[2:] == wanted)
        if not found:
            raise TextUnknown(place=term.start)
        return OneOf(found)

    def _one_of(self, term: Named, known: Iterable[str]) -> str:
        names = list(known)
        value = term.value.casefold()
        if value not in names:
            raise unknown(term, names)
        return value


_BY_KEY: Final[Mapping[str, Callable[[Lookup, Named], Plan]]] = {
    "action": Lookup.action,
    "actor": Lookup.actor_term,
    "after": Lookup.held,
    "approver": Lookup.approver,
    "before": Lookup.held,
    "change": Lookup.change,
    "channel": Lookup.channel,
    "client": Lookup.client,
    "consent": Lookup.consent,
    "customer": Lookup.customer,
    "field": Lookup.field,
    "policy": Lookup.policy,
    "reason": Lookup.reason,
    "request": Lookup.request,
    "role": Lookup.role,
    "state": Lookup.state,
}


def unknown(term: Named, known: Iterable[str]) -> ValueUnknown:
    nearest = get_close_matches(term.value.casefold(), list(known), n=1, cutoff=0.6)
    return ValueUnknown(place=term.start, path=term.key, nearest=nearest[0] if nearest else "")


def as_id(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def kinds_called(value: str) -> list[EntryKind]:
    """Return the entries that a word names: its name, its first part (``request``), or its deed (``apply``)."""
    word = value.casefold()
    return [
        kind
        for kind in EntryKind
        if word in (kind.value, *kind.value.split(".")) or _stem(word) == _stem(kind.value.partition(".")[2])
    ]


def _stem(deed: str) -> str:
    """Return a deed without what tells its time: apply and applied, submit and submitted are one."""
    for ending, becomes in (("ied", "y"), ("ed", ""), ("e", "")):
        if deed.endswith(ending):
            deed = deed.removesuffix(ending) + becomes
            break
    return deed[:-1] if len(deed) > 1 and deed[-1] == deed[-2] else deed
