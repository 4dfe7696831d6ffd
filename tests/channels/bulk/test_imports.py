"""Imports: every refused row says why, what was known stays, and a run that was ended goes on where it was."""

import csv
import hashlib
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest
from tests.postgres import Database

from changedesk import flow
from changedesk.base import clock
from changedesk.base.actor import Actor, ActorType, Channel
from changedesk.base.ids import ClientId, SubjectId
from changedesk.base.refusal import Forbidden, NotFound
from changedesk.channels.bulk import (
    ChangeMap,
    CustomerMap,
    Report,
    crew,
    customers,
    groups,
    import_changes,
    import_customers,
)
from changedesk.channels.bulk.customers import FieldNotInCatalogue, JoinTooLarge
from changedesk.channels.bulk.mapping import parse_map
from changedesk.channels.bulk.report import ReportUnwritable
from changedesk.channels.bulk.rows import HeaderWrong
from changedesk.channels.terminal import installed
from changedesk.flow import configure
from changedesk.reading.asof import as_of
from changedesk.reading.customer import customer
from changedesk.reading.imports import run, runs
from changedesk.reading.timeline import BadCursor
from changedesk.rules import access
from changedesk.store import past, settings_read, subjects
from changedesk.store.tx import look

MAP = """
rows = "customers"
source = "crm"
key = "id"
[fields]
"personal.name" = { columns = ["name"], required = true }
"contact.email" = "mail"
"contact.phone_mobile" = "phone"
"payment.card" = { columns = ["card"], using = "card_number" }
"""
HEAD = "id,name,mail,phone,card\n"
LOG = """
rows = "changes"
source = "crm"
log = "log"
customer = "id"
record = "id"
subject = "customer"
group = "set"
field = "field"
old = "old"
new = "new"
valid_from = "at"
note = "note"
references = { ticket = '#([0-9]+)' }
evidence = { requested_by = "who" }
fields = { web = "contact.url" }
"""
LOG_HEAD = "id,set,field,old,new,at,who,note\n"


@pytest.fixture
def here(database: Database) -> installed.Installed:
    settings_read.forget()
    new = configure.NewClient("harbour", "Harbour", "harbour.example/log")
    configure.create_client(new, actor=access.terminal(ClientId(0)), at=clock.now())
    return installed.client("harbour")


def take(
    here: installed.Installed, folder: Path, body: str, map_text: str = MAP
) -> tuple[Report, list[dict[str, str]]]:
    file = folder / "base.csv"
    file.write_text(body, encoding="utf-8")
    chosen = parse_map(map_text, "m")
    if isinstance(chosen, CustomerMap):
        report = import_customers(file, chosen, actor=here.actor, catalogue=here.catalogue, region="US", zone="UTC")
    else:
        report = import_changes(file, chosen, actor=here.actor, catalogue=here.catalogue)
    assert report.path == folder / "base.csv.report.csv"
    with report.path.open(encoding="utf-8") as lines:
        return report, list(csv.DictReader(lines))


def test_a_field_that_cannot_be_taken_is_left_out_and_told(here: installed.Installed, tmp_path: Path) -> None:
    body = HEAD + "1,Ann Lee,not-an-address,212 555 0101,4111111111111111\n2,Bo Li,bo@example.com,,\n"
    report, lines = take(here, tmp_path, body)
    assert (report.rows, report.taken, report.warned, report.refused) == (2, 2, 1, 0)
    told = {
        (line["row"], line["outcome"], line["code"], line["field"]) for line in lines if line["code"] and line["row"]
    }
    assert told == {("2", "warning", "card_number", "payment.card"), ("2", "warning", "email_at", "contact.email")}
    assert all(line["what_to_do"] for line in lines if line["outcome"] == "warning")
    ann = next(SubjectId(UUID(line["record"])) for line in lines if line["row"] == "2" and line["outcome"] == "taken")
    panel = customer(ann, actor=here.actor, at=clock.now(), language="en")
    filled = {field.path for group in panel.groups for field in group.fields if not field.empty}
    assert filled == {"personal.name", "contact.phone_mobile"}


def test_a_row_without_what_it_needs_is_refused_with_a_reason(here: installed.Installed, tmp_path: Path) -> None:
    body = HEAD + "1,,a@example.com,,\n,Ann,,,\n3,<b>x</b>,,,\n4,Too,few\n"
    report, lines = take(here, tmp_path, body)
    assert (report.rows, report.taken, report.refused) == (4, 0, 4)
    told = {line["row"]: (line["code"], line["field"]) for line in lines if line["outcome"] == "refused"}
    assert told == {
        "2": ("field-empty", "personal.name"),
        "3": ("key-empty", "id"),
        "4": ("markup", "personal.name"),
        "5": ("row-misshapen", ""),
    }


def test_no_value_stands_in_the_report(here: installed.Installed, tmp_path: Path) -> None:
    take(here, tmp_path, HEAD + "1,Zebedee Quux,zebedee(at)canary,99,4111111111111111\n2,,canary@example.com,,\n")
    text = (tmp_path / "base.csv.report.csv").read_text(encoding="utf-8").lower()
    assert not [word for word in ("zebedee", "quux", "canary", "4111") if word in text]


def test_a_known_row_stays_and_a_changed_one_is_refused(here: installed.Installed, tmp_path: Path) -> None:
    take(here, tmp_path, HEAD + "1,Ann,,,\n2,Bo,,,\n")
    report, lines = take(here, tmp_path, HEAD + "1,Ann,,,\n2,Bob,,,\n3,Cy,,,\n")
    assert (report.unchanged, report.refused, report.taken) == (1, 1, 1)
    assert [line["code"] for line in lines if line["outcome"] == "refused"] == ["row-changed"]


def test_the_same_row_twice_in_one_file_goes_in_once(here: installed.Installed, tmp_path: Path) -> None:
    report, _ = take(here, tmp_path, HEAD + "1,Ann,,,\n1,Ann,,,\n1,Another,,,\n")
    assert (report.taken, report.unchanged, report.refused) == (1, 1, 1)


def test_a_run_that_was_ended_goes_on_where_it_was(here: installed.Installed, tmp_path: Path) -> None:
    lines = [f"{number},Ann,,,\n" for number in range(30)]
    damaged, _ = take(here, tmp_path, HEAD + "".join(lines[:20]) + "\0\n" + "".join(lines[20:]))
    assert (damaged.taken, bool(damaged.stopped)) == (20, True)
    whole, _ = take(here, tmp_path, HEAD + "".join(lines))
    assert (whole.unchanged, whole.taken, whole.refused, whole.stopped) == (20, 10, 0, "")


def test_each_run_is_remembered_with_its_counts_and_a_file_is_known_again(
    here: installed.Installed, tmp_path: Path
) -> None:
    whole = HEAD + "1,Ann,,,\n2,,,,\n"
    for body in (whole, whole + "3,Cy,,,\n\0\n", whole):
        take(here, tmp_path, body)
    take(here, tmp_path, LOG_HEAD, LOG)
    found = runs(actor=here.actor).items
    log, again, damaged, first = found
    assert [item.map for item in found] == ["crm-log", "crm", "crm", "crm"]
    assert again.file == first.file != damaged.file
    assert (first.counts["taken"], first.counts["refused"], "ended_early" in first.counts) == (1, 1, False)
    assert (again.counts["unchanged"], damaged.counts["ended_early"]) == (1, 1)
    assert all(item.finished_at and item.finished_at >= item.started_at for item in found)
    assert {item.started_by.id for item in found} == {here.actor.id}
    page = runs(actor=here.actor, limit=1)
    assert page.items == (log,)
    rest = runs(actor=here.actor, before=page.next)
    assert (rest.items, rest.next) == ((again, damaged, first), None)


def test_the_mark_of_a_file_cannot_be_made_from_its_content(here: installed.Installed, tmp_path: Path) -> None:
    take(here, tmp_path, HEAD + "1,Ann,,,\n")
    (run,) = runs(actor=here.actor).items
    content = (tmp_path / "base.csv").read_bytes()
    plain = {hashlib.new(name, content).hexdigest()[: len(run.file)] for name in ("md5", "sha1", "sha256", "sha512")}
    assert run.file not in plain


class Killed(BaseException):
    """The process ends here."""


def test_a_run_that_was_killed_shows_as_unfinished(
    here: installed.Installed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(crew, "TOGETHER", 5)

    def die(_report: Report, _share: float) -> None:
        raise Killed

    file = tmp_path / "base.csv"
    file.write_text(HEAD + "".join(f"{number},Ann,,,\n" for number in range(12)), encoding="utf-8")
    chosen = parse_map(MAP, "m")
    assert isinstance(chosen, CustomerMap)
    with pytest.raises(Killed):
        import_customers(
            file, chosen, actor=here.actor, catalogue=here.catalogue, region="US", zone="UTC", progress=die
        )
    (run,) = runs(actor=here.actor).items
    assert (run.finished_at, dict(run.counts)) == (None, {})
    done = import_customers(file, chosen, actor=here.actor, catalogue=here.catalogue, region="US", zone="UTC")
    assert (done.unchanged, done.taken) == (5, 7)
    assert [bool(item.finished_at) for item in runs(actor=here.actor).items] == [True, False]


def test_a_dry_run_and_a_file_that_cannot_go_in_are_no_runs(here: installed.Installed, tmp_path: Path) -> None:
    file = tmp_path / "base.csv"
    file.write_text(HEAD + "1,Ann,,,\n", encoding="utf-8")
    chosen = parse_map(MAP, "m")
    assert isinstance(chosen, CustomerMap)
    import_customers(file, chosen, actor=here.actor, catalogue=here.catalogue, region="US", zone="UTC", dry_run=True)
    with pytest.raises(HeaderWrong):
        take(here, tmp_path, "id\n1\n")
    assert runs(actor=here.actor).items == ()


def test_a_run_ends_once_and_only_its_own_client_knows_of_it(here: installed.Installed) -> None:
    run = flow.note_import("crm", bytes(32), actor=here.actor, at=clock.now())
    flow.finish_import(run, {"rows": 1}, actor=here.actor, at=clock.now())
    with pytest.raises(NotFound):
        flow.finish_import(run, {"rows": 2}, actor=here.actor, at=clock.now())
    new = configure.NewClient("aurora", "Aurora", "aurora.example/log")
    configure.create_client(new, actor=access.terminal(ClientId(0)), at=clock.now())
    assert runs(actor=installed.client("aurora").actor).items == ()
    assert [dict(item.counts) for item in runs(actor=here.actor).items] == [{"rows": 1}]
    agent = Actor(here.actor.client, ActorType.STAFF, "s1", Channel.PHONE, "test")
    with pytest.raises(Forbidden):
        runs(actor=agent)
    with pytest.raises(Forbidden):
        flow.note_import("crm", bytes(32), actor=agent, at=clock.now())


def test_columns_that_the_map_does_not_name_are_told(here: installed.Installed, tmp_path: Path) -> None:
    report, lines = take(here, tmp_path, "id,name,mail,phone,card,shoe\n1,Ann,,,,43\n")
    assert report.left_out == ("shoe",)
    assert [line["field"] for line in lines if line["outcome"] == "left_out"] == ["shoe"]


def test_nothing_goes_in_when_columns_or_fields_are_missing(here: installed.Installed, tmp_path: Path) -> None:
    with pytest.raises(HeaderWrong) as refused:
        take(here, tmp_path, "id,name\n1,Ann\n")
    assert refused.value.data["columns"] == ["card", "mail", "phone"]
    with pytest.raises(FieldNotInCatalogue):
        take(here, tmp_path, HEAD, MAP + '"service.shoe" = "mail"\n')


def test_whoever_may_not_import_does_not(here: installed.Installed, tmp_path: Path) -> None:
    agent = Actor(here.actor.client, ActorType.STAFF, "s1", Channel.SYSTEM, "import")
    chosen, log = parse_map(MAP, "m"), parse_map(LOG, "m")
    assert isinstance(chosen, CustomerMap)
    assert isinstance(log, ChangeMap)
    with pytest.raises(Forbidden):
        import_customers(tmp_path / "no", chosen, actor=agent, catalogue=here.catalogue, region="US", zone="UTC")
    with pytest.raises(Forbidden):
        import_changes(tmp_path / "no", log, actor=agent, catalogue=here.catalogue)


def test_a_report_that_cannot_be_written_stops_the_import(here: installed.Installed, tmp_path: Path) -> None:
    (tmp_path / "base.csv").write_text(HEAD + "1,Ann,,,\n", encoding="utf-8")
    chosen = parse_map(MAP, "m")
    assert isinstance(chosen, CustomerMap)
    nowhere = tmp_path / "missing" / "report.csv"
    with pytest.raises(ReportUnwritable):
        import_customers(
            tmp_path / "base.csv",
            chosen,
            actor=here.actor,
            catalogue=here.catalogue,
            region="US",
            zone="UTC",
            report_to=nowhere,
        )
    report, _ = take(here, tmp_path, HEAD + "1,Ann,,,\n")
    assert report.taken == 1


def test_changes_keep_their_own_time_and_evidence(here: installed.Installed, tmp_path: Path) -> None:
    body = LOG_HEAD + (
        "A,c1,web,,https://one.example,2020-01-01T09:00:00+02:00,agent-1,see #12\n"
        "A,c2,web,https://one.example,https://two.example,2021-01-01T09:00:00-05:00,agent-2,\n"
    )
    report, lines = take(here, tmp_path, body, LOG)
    assert (report.taken, report.changes, report.refused) == (2, 2, 0)
    known = clock.now()
    at = {
        year: as_of(
            SubjectId(UUID(lines[0]["record"])), known_at=known, valid_at=datetime(year, 6, 1, tzinfo=UTC),
            actor=here.actor, at=known,
        ).values.get("contact.url")
        for year in (2019, 2020, 2021)
    }  # fmt: skip
    assert [item and item.value for item in at.values()] == [None, "https://one.example", "https://two.example"]
    again, _ = take(here, tmp_path, body, LOG)
    assert (again.unchanged, again.changes, again.refused) == (2, 0, 0)


def test_nobodys_name_is_kept_where_an_erasure_would_leave_it(here: installed.Installed, tmp_path: Path) -> None:
    body = LOG_HEAD + (
        "A,c1,web,,https://one.example,2020-01-01T09:00:00Z,agent-1,see #12\n"
        "A,c2,web,https://one.example,https://two.example,2020-01-01T09:00:00Z,Maria Novak,\n"
        "A,c2,web,https://one.example,https://two.example,2020-01-01T09:00:00Z,maria@shop.example,\n"
        "A,c3,web,https://one.example,https://six.example,2021-01-01T09:00:00+02:00,,#13 for Maria Novak\n"
    )
    report, lines = take(here, tmp_path, body, LOG)
    assert (report.taken, report.refused) == (2, 2)
    assert {(line["row"], line["code"], line["field"]) for line in lines if line["outcome"] == "refused"} == {
        ("3", "evidence-unfit", "who"), ("4", "evidence-unfit", "who"),
    }  # fmt: skip
    with look(here.actor.client) as seen:
        subject = subjects.load(seen, [SubjectId(UUID(lines[0]["record"]))])
        told = [dict(one.facts) for record in subject.values() for one in past.timeline(seen, record)]
    assert [one.get("ticket") for one in told] == ["13", "12", None]
    assert "Maria" not in str(told)
    # Nor by a map that takes more of the note than a number.
    report, lines = take(here, tmp_path, body.replace("A,c", "B,c"), LOG.replace("#([0-9]+)", "(.+)"))
    assert {line["row"] for line in lines if (line["code"], line["field"]) == ("evidence-unfit", "note")} == {"2", "5"}


def test_a_change_that_does_not_fit_the_record_is_refused(here: installed.Installed, tmp_path: Path) -> None:
    body = LOG_HEAD + (
        "A,c1,web,,https://one.example,2020-01-01T09:00:00Z,x,\n"
        "A,c2,web,https://other.example,https://two.example,2021-01-01T09:00:00Z,x,\n"
        "A,c3,shoe,,43,2021-01-01T09:00:00Z,x,\n"
        "A,c4,web,,x,yesterday,x,\n"
        "A,c5,web,,x,2021-01-01T09:00:00,x,\n"
        ",c6,web,,x,2021-01-01T09:00:00Z,x,\n"
    )
    report, lines = take(here, tmp_path, body, LOG)
    assert (report.taken, report.refused) == (1, 5)
    told = {line["row"]: line["code"] for line in lines if line["outcome"] == "refused"}
    assert told == {
        "3": "old-differs",
        "4": "field-not-in-map",
        "5": "time-unclear",
        "6": "time-unclear",
        "7": "key-empty",
    }


def test_a_joined_file_that_is_no_small_one_is_refused(
    here: installed.Installed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(customers, "JOINED_ROWS_MAX", 1)
    (tmp_path / "more.csv").write_text("k,fax\n1,x\n2,y\n", encoding="utf-8")
    with pytest.raises(JoinTooLarge):
        take(
            here,
            tmp_path,
            HEAD + "1,Ann,,,\n",
            MAP + '[[joins]]\nname = "j"\nfile = "more.csv"\nkey = "k"\non = "id"\n',
        )


def test_a_change_is_not_longer_than_a_record(
    here: installed.Installed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(groups, "GROUP_ROWS_MAX", 1)
    two = LOG.replace("fields = {", 'fields = { fax = "contact.fax",')
    body = "A,c1,web,,https://one.example,2020-01-01T09:00:00Z,x,\nA,c1,fax,,1,2020-01-01T09:00:00Z,x,\n"
    report, lines = take(here, tmp_path, LOG_HEAD + body, two)
    assert report.taken == 1
    assert [line["code"] for line in lines if line["outcome"] == "refused"] == ["group-too-large"]


def test_an_account_that_comes_up_while_its_log_is_read_waits_for_the_next_run(
    here: installed.Installed, tmp_path: Path
) -> None:
    file = tmp_path / "base.csv"
    first = "A,A-1,c1,web,,https://one.example,2020-01-01T09:00:00Z,x,\n"
    file.write_text(LOG_HEAD.replace("id,", "id,account,", 1) + first, encoding="utf-8")
    log = parse_map(
        LOG.replace('"customer"\ngroup', '"account"\ngroup').replace('record = "id"', 'record = "account"'), "m"
    )
    assert isinstance(log, ChangeMap)
    grown: list[int] = []

    def now() -> datetime:
        if not grown:  # the records were counted, and the rows are not read yet
            grown.append(file.write_text(file.read_text("utf-8") + first.replace("A-1", "A-2"), encoding="utf-8"))
        return clock.now()

    report = import_changes(file, log, actor=here.actor, catalogue=here.catalogue, now=now)
    assert report.path is not None
    codes = [line["code"] for line in csv.DictReader(report.path.read_text("utf-8").splitlines())]
    assert (report.taken, report.refused, codes.count("account-not-open")) == (1, 1, 1)
    again = import_changes(file, log, actor=here.actor, catalogue=here.catalogue)
    assert (again.unchanged, again.taken, again.refused) == (1, 1, 0)


def test_a_run_says_why_its_rows_were_refused_and_nothing_that_they_held(
    here: installed.Installed, tmp_path: Path
) -> None:
    take(here, tmp_path, HEAD + "1,Ann,,,\n2,,,,\n3,,,,\n4,Bo,zyxanthia,,\n")
    (found,) = runs(actor=here.actor).items
    told = run(found.id, actor=here.actor)
    assert told == found
    assert [(item.code, item.field, item.count) for item in told.reasons] == [
        ("field-empty", "personal.name", 2),
        ("email_at", "contact.email", 1),
    ]
    assert all(item.text for item in told.reasons)
    assert "zyxanthia" not in str(told)
    assert not [name for name in told.counts if name.startswith("reason")]
    new = configure.NewClient("aurora", "Aurora", "aurora.example/log")
    configure.create_client(new, actor=access.terminal(ClientId(0)), at=clock.now())
    for who, refusal in (
        (installed.client("aurora").actor, NotFound),
        (Actor(here.actor.client, ActorType.STAFF, "s1", Channel.PHONE, "test"), Forbidden),
    ):
        with pytest.raises(refusal):
            run(found.id, actor=who)
    with pytest.raises(BadCursor):
        runs(actor=here.actor, before="nowhere")
