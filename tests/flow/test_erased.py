"""Of a customer whose key was destroyed nothing is read and nothing changes, whatever was under way."""

from collections.abc import Callable
from datetime import timedelta

import psycopg
import pytest
from tests.cast import Desk, soon
from tests.flow.walk import LATER, OTHER_POST, POST, ask, ready, record, request_of, wish
from tests.postgres import Database

from changedesk import flow
from changedesk.base.actor import Channel
from changedesk.base.ids import SubjectId
from changedesk.flow.asking import Gone
from changedesk.flow.revert import NotRevertible
from changedesk.store import keys

Forget = Callable[[SubjectId], None]
DAY = LATER + timedelta(days=1)


@pytest.fixture
def forget(database: Database) -> Forget:
    """Destroy a customer's key, as an erasure leaves things."""

    def run(subject: SubjectId) -> None:
        with psycopg.connect(database.admin_url) as admin:
            # Past the guards, which know no erasure here: each verb is asked how it meets a key that is gone.
            admin.execute("SET LOCAL session_replication_role = replica")
            admin.execute(
                "UPDATE desk.subject_key SET wrapped = NULL, shredded_at = now() WHERE subject_id = %s", [subject]
            )
        keys.forget()

    return run


def test_no_verb_touches_who_was_erased(d: Desk, dana: SubjectId, forget: Forget) -> None:
    asked = ready(d, dana, values=POST)
    started = flow.challenge(
        dana, purpose="caller", method="code_sms", path="contact.phone_mobile", actor=d.ben, at=soon(LATER, 5)
    )
    forget(dana)
    at = soon(LATER, 6)
    change = flow.FieldChange(path="contact.url", new="https://a.example/")
    agreed = flow.Agreement(
        ref=asked.ref, statement="change_of_record", version=1, language="en", way="read_aloud",
        evidence_text="recording 7",
    )  # fmt: skip
    verbs: list[Callable[[], object]] = [
        lambda: ask(d, dana, at=at),
        lambda: flow.preview(wish(dana), actor=d.ben, at=at),
        lambda: flow.offers(dana, actor=d.ben, at=at),
        lambda: flow.confirm(started.id, "123456", actor=d.ben, at=at),
        lambda: flow.revise(asked.ref, OTHER_POST, seen_version=None, actor=d.ben, at=at),
        lambda: flow.ask_information(asked.ref, seen_version=None, message="?", actor=d.omar, at=at),
        lambda: flow.record_consents([agreed], actor=d.ben, at=at).one(),
        lambda: flow.record_changes([flow.RecordedChange(subject=dana, changes=[change])], actor=d.crm, at=at).one(),
    ]  # fmt: skip
    for verb in verbs:
        with pytest.raises(Gone):
            verb()


def test_what_was_approved_is_not_applied_to_who_was_erased(d: Desk, dana: SubjectId, forget: Forget) -> None:
    asked = ready(d, dana, values=POST, effective_at=DAY)
    flow.approve({asked.ref: asked.digest}, actor=d.ines, at=soon(LATER, 4))
    forget(dana)
    flow.apply_due(d.client, at=DAY)
    assert request_of(d, asked.ref).state == "failed"


def test_a_value_to_come_does_not_come_to_who_was_erased(d: Desk, dana: SubjectId, forget: Forget) -> None:
    change = flow.FieldChange(path="contact.url", new="https://a.example/", valid_from=DAY)
    flow.record_changes([flow.RecordedChange(subject=dana, changes=[change])], actor=d.crm, at=LATER).one()
    forget(dana)
    assert flow.make_effective(d.client, at=DAY) == 0


def test_what_was_erased_is_not_brought_back_by_an_undo(d: Desk, dana: SubjectId, forget: Forget) -> None:
    made = record(d, dana, {"contact.url": "https://a.example/"}, at=LATER)
    assert made.change is not None
    forget(dana)
    with pytest.raises(NotRevertible) as refused:
        flow.revert(
            made.change,
            flow.How(reason="correction_of_error", channel=Channel.PHONE),
            choices={},
            actor=d.ines,
            at=soon(LATER),
        )
    assert refused.value.data == {"why": "erased"}
