"""``verify_audit`` finds what was done to the table by somebody who could."""

from __future__ import annotations

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from reliability import audit
from reliability.audit import queries
from reliability.audit.models import Entry
from tests.support.actors import actor

pytestmark = pytest.mark.usefixtures("audit_twin")

TABLE = "reliability_audit_entry"


@pytest.fixture(autouse=True)
def _five(audit_twin: None) -> None:
    for number in range(5):
        with audit.action("demo.switch", actor=actor(), target=f"part:{number}", facts={"number": number}):
            pass


def sql(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


def broken_at() -> int:
    found = queries.verify().broken
    assert found is not None
    return found.seq


def test_an_untouched_audit_is_intact(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("verify_audit")

    head = Entry.objects.get(seq=5).hash.hex()
    assert capsys.readouterr().out == f"intact: 5 entries, head 5:{head}\n"


@pytest.mark.parametrize(
    "change",
    [
        "at = at + interval '1 microsecond'",
        "actor_kind = 'system'",
        "actor_name = 'bo'",
        "actor_account = 'bo'",
        "act = 'letters.replay'",
        "target = 'part:9'",
        "topics = '{a}'",
        "reason = 'another'",
        "outcome = 'refused'",
        """facts_json = '{"number": 2}'""",
        "trace_id = '0'",
        "request_id = '0'",
        "prev_hash = hash",
        "hash = hash || '\\x00'",
    ],
)
def test_a_change_of_any_column_is_found(change: str) -> None:
    sql(f"update {TABLE} set {change} where seq = 3")

    assert broken_at() == 3


def test_a_dropped_row_is_named() -> None:
    sql(f"delete from {TABLE} where seq = 4")
    assert broken_at() == 4


def test_a_dropped_beginning_is_named() -> None:
    sql(f"delete from {TABLE} where seq <= 2")
    assert broken_at() == 1


def test_rows_that_changed_places_are_named() -> None:
    sql(f"update {TABLE} set seq = -2 where seq = 2")
    sql(f"update {TABLE} set seq = 2 where seq = 3")
    sql(f"update {TABLE} set seq = 3 where seq = -2")
    assert broken_at() == 2


def test_an_inserted_row_is_named() -> None:
    columns = ", ".join(field.column for field in Entry._meta.fields if field.column not in ("seq", "hash"))
    sql(f"insert into {TABLE} (seq, hash, {columns}) select 6, '\\x01', {columns} from {TABLE} where seq = 5")
    assert broken_at() == 6


def test_an_emptied_table_is_found_by_a_head_kept_elsewhere() -> None:
    known = f"5:{Entry.objects.get(seq=5).hash.hex()}"
    sql(f"truncate {TABLE}")

    assert queries.verify().broken is None
    with pytest.raises(SystemExit) as ended:
        call_command("verify_audit", "--expect", known)
    assert ended.value.code == 1


def test_the_command_says_which_entry_and_ends_with_1(capsys: pytest.CaptureFixture[str]) -> None:
    sql(f"update {TABLE} set reason = 'x' where seq = 3")

    with pytest.raises(SystemExit) as ended:
        call_command("verify_audit")

    assert ended.value.code == 1
    assert (
        "broken: entry 3: its content is not what was written. 2 entries before it are good." in capsys.readouterr().err
    )


@pytest.mark.parametrize("text", ["5", "x:00", "5:zz", "", "0:" + "0" * 64, "5:" + "0" * 63])
def test_a_head_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(CommandError, match="SEQ:HASH"):
        call_command("verify_audit", "--expect", text)
