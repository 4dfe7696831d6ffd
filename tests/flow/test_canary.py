"""No personal value leaves the sealed columns: not into logs, not into exceptions, not into a dump of the database."""

import base64
import logging
import traceback
from datetime import timedelta

import psycopg
import pytest
from tests.cast import Desk, soon
from tests.flow.walk import LATER, done, ready, record
from tests.postgres import Database

from changedesk import flow
from changedesk.base.actor import Channel
from changedesk.base.refusal import Refusal

WORDS = (
    "Canarybird",
    "canary.old",
    "canary.new",
    "canary.bad",
    "Canarystreet",
    "2025550143",
    "2025550188",
    "1977-11-23",
    "canarynote",
)


def _forms(word: str) -> set[bytes]:
    plain = word.encode()
    coded = {base64.b64encode(b"x" * pad + plain)[4 if pad else 0 : -4] for pad in range(3)}
    return {plain, plain.hex().encode(), plain.hex().upper().encode()} | {form for form in coded if len(form) > 6}


def _found_in(data: bytes) -> list[str]:
    return [word for word in WORDS if any(form in data for form in _forms(word))]


def _everything(database: Database) -> bytes:
    """The whole database as text: what pg_dump would write, without needing its program."""
    parts: list[bytes] = []
    with psycopg.connect(database.admin_url) as connection:
        tables = connection.execute(
            "SELECT format('%I.%I', n.nspname, c.relname) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
            " WHERE c.relkind IN ('r', 'p') AND n.nspname IN ('desk', 'public')"
        ).fetchall()
        for (name,) in tables:
            with connection.cursor().copy(f"COPY {name} TO STDOUT".encode()) as copy:
                parts += [bytes(part) for part in copy]
    return b"\n".join(parts)


def test_a_value_is_found_nowhere_but_where_it_is_sealed(
    d: Desk, database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    told: list[str] = []
    with caplog.at_level(logging.DEBUG):
        dana = d.customer(
            personal__name="Canarybird Novak",
            contact__email="dana@canary.old.example",
            personal__birth_date="1977-11-23",
        )
        done(d, dana, values={"contact.email": "dana@canary.new.example"}, note="canarynote")
        at = LATER + timedelta(days=2)
        record(d, dana, {"contact.phone_home": "+1 202 555 0188"}, at=at)
        post = {
            "country": "US",
            "lines": "1 Canarystreet",
            "city": "Springfield",
            "region": "IL",
            "postal_code": "62701",
        }
        asked = ready(d, dana, at, {"contact.postal_address": post}, note="canarynote")
        flow.reject(
            asked.ref, seen_version=None, reason="suspected_fraud", message="canarynote", actor=d.ines, at=soon(at, 9)
        )
        bad = {"contact.email": "dana@canary.bad@", "contact.phone_home": "2025550188000000"}
        for call in (
            lambda: flow.submit(
                [
                    flow.Wish(
                        subject=dana,
                        kind="contact_details",
                        values=bad,
                        reason="customer_request",
                        channel=Channel.PHONE,
                        note="canarynote",
                    )
                ],
                actor=d.ben,
                at=at,
            ).one(),
            lambda: record(d, dana, bad, at=at),
            lambda: flow.create_customers(
                [flow.NewCustomer(values={"contact.email": "x@canary.bad@"})], actor=d.crm, at=at
            ).one(),
        ):
            try:
                call()
            except Refusal as refusal:
                # Without the lines of this file, which hold the words themselves.
                chain = traceback.TracebackException.from_exception(refusal, lookup_lines=False)
                told.append("".join(chain.format_exception_only()) + repr(refusal) + repr(refusal.data))
                told += [repr(one) for one in (refusal.__cause__, refusal.__context__)]
    for given in (flow.FieldChange(path="contact.url", new="canary.new", old="canary.old"), asked, dana):
        told.append(repr(given))
    assert len(told) == 12
    assert _found_in("\n".join(told).encode()) == []
    assert _found_in(caplog.text.encode()) == []
    data = _everything(database)
    assert len(data) > 10_000
    assert _found_in(data) == []
    assert _found_in(base64.b64encode(b"Canarybird")) == ["Canarybird"]  # the search itself can see
