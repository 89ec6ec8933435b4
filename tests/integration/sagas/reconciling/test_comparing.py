"""Whole comparisons and looks at keys, against the real database."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from threading import Thread

import pytest
from django.db import connection

from reliability.locks import operations as locks
from sagas.domain.reconciling.finding import Note, State
from sagas.domain.reconciling.outcome import Outcome
from sagas.models import Comparison, Finding, Touched
from sagas.operations.reconciling import observing, touching
from sagas.queries import findings
from sagas.reconciler import keys, listening, turns
from tests.support.reconciling import NAME, Books, books

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def ours() -> Iterator[Books]:
    with books() as made:
        yield made


def newest() -> Comparison:
    return Comparison.objects.latest("id")


def found(key: str) -> Finding:
    return Finding.objects.get(key=key)


def test_what_differs_is_found_and_closes_itself_when_both_sides_agree(ours: Books) -> None:
    for number in range(5):
        ours.order(f"o-{number}", "paid")
        ours.pay(f"o-{number}")
    ours.order("o-2")
    ours.payments.rows.pop("o-2")
    assert ours.compare()
    row = newest()
    assert (row.outcome, row.compared, row.differing, row.opened, row.closed) == (Outcome.COMPLETE, 5, 1, 1, 0)
    finding = found("o-2")
    assert (finding.state, finding.difference, finding.why) == (
        State.OPEN,
        "no_payment",
        "o-2 is pending, and there is no payment.",
    )
    assert findings.sides(finding) == ([{"state": "pending", "amount": 100}], [])
    ours.compare()
    assert found("o-2").version == finding.version  # a second look at the same thing is no news
    ours.pay("o-2")
    ours.order("o-2", "paid")
    ours.compare()
    assert (newest().closed, found("o-2").state) == (1, State.CLOSED)
    assert [line.note for line in findings.history(finding.id)] == [Note.CLOSED, Note.OPENED, Note.SEEN]


def test_a_key_that_is_gone_from_both_sides_closes(ours: Books) -> None:
    ours.order("o-1")
    ours.compare()
    ours.orders.rows.clear()
    ours.compare()
    assert found("o-1").state == State.CLOSED


def test_a_suspect_that_agrees_at_a_second_look_is_none(ours: Books) -> None:
    ours.order("o-1")
    stream = ours.payments.stream

    def late() -> Iterator[object]:
        yield from stream()
        ours.pay("o-1")
        ours.order("o-1", "paid")

    ours.payments.stream = late  # type: ignore[assignment,method-assign]
    ours.compare()
    assert not Finding.objects.exists()
    assert ours.payments.lookups == [["o-1"]]


def test_a_side_that_is_down_concludes_nothing(ours: Books) -> None:
    ours.order("o-1")
    ours.compare()
    ours.payments.down = "is down"
    ours.pay("o-1")
    ours.order("o-9")
    ours.compare()
    row = newest()
    assert (row.outcome, row.error) == (Outcome.FAILED, "payments is down")
    assert found("o-1").state == State.OPEN
    assert not Finding.objects.filter(key="o-9").exists()


def test_a_side_that_breaks_off_tells_of_what_was_read(ours: Books) -> None:
    for number in range(6):
        ours.order(f"o-{number}", "paid")
        ours.pay(f"o-{number}")
    ours.order("o-1")
    ours.payments.rows.pop("o-1")
    ours.order("o-5")
    ours.payments.rows.pop("o-5")
    ours.payments.breaks_after = 3
    ours.compare()
    assert (newest().outcome, newest().error) == (Outcome.PARTIAL, "payments broke off")
    assert found("o-1").state == State.OPEN
    assert not Finding.objects.filter(key="o-5").exists()


def test_keys_that_one_side_does_not_answer_are_counted_and_concluded_nothing_of() -> None:
    with books() as made:
        made.payments.streams = False
        for key in ("o-1", "o-2", "o-3"):
            made.order(key)
        made.payments.silent = {"o-2": "payments answered 500"}
        made.compare()
        row = newest()
        assert (row.outcome, row.compared, row.unread, row.error) == (Outcome.PARTIAL, 3, 1, "payments answered 500")
        assert sorted(Finding.objects.values_list("key", flat=True)) == ["o-1", "o-3"]


def test_a_definition_that_fails_on_one_key_is_told_and_goes_on(ours: Books) -> None:
    ours.orders.rows["o-1"] = [{"other": 1}]
    ours.order("o-2")
    ours.compare()
    row = newest()
    assert (row.outcome, row.unjudged, row.error) == (Outcome.PARTIAL, 1, "o-1: KeyError: 'state'")
    assert found("o-2").state == State.OPEN


def test_a_side_whose_code_breaks_is_a_side_that_was_not_read(ours: Books) -> None:
    ours.payments.stream = lambda: 1 / 0  # type: ignore[assignment,method-assign]
    ours.compare()
    assert newest().outcome == Outcome.FAILED
    assert "ZeroDivisionError" in newest().error


def test_sides_without_lookups_close_only_what_a_whole_comparison_did_not_see() -> None:
    from tests.unit.sagas.reconciling.test_definition import named

    with books(differences=[named("odd")]) as made:
        made.orders.looks_up = made.payments.looks_up = False
        made.order("o-1")
        made.compare()
        assert found("o-1").state == State.OPEN
        made.orders.rows.clear()
        made.orders.down = "is down"
        made.compare()
        assert found("o-1").state == State.OPEN
        made.orders.down = ""
        made.compare()
        assert found("o-1").state == State.CLOSED


def test_only_one_process_compares_at_a_time(ours: Books) -> None:
    with locks.lease(name=f"reconcile:{NAME}", ttl_s=30):
        assert not turns.compare(ours.defined, stop=lambda: False)
    assert turns.compare(ours.defined, stop=lambda: False)
    assert not turns.compare(ours.defined, stop=lambda: False)  # it has just been its turn


def test_what_a_killed_process_left_is_abandoned_and_begun_anew(ours: Books) -> None:
    ours.order("o-1")
    Comparison.objects.create(
        reconciliation=NAME, outcome=Outcome.RUNNING, asked_at=_long_ago(), began_at=_long_ago(), fence=1
    )
    assert turns.compare(ours.defined, stop=lambda: False)
    assert list(Comparison.objects.order_by("id").values_list("outcome", flat=True)) == ["abandoned", "complete"]


def test_a_comparison_stops_when_its_process_does(ours: Books) -> None:
    ours.order("o-1")
    from sagas.reconciler import whole

    before = whole.NOTE_EVERY_S
    whole.NOTE_EVERY_S = -1.0  # type: ignore[misc]
    try:
        assert not turns.compare(ours.defined, stop=lambda: True)
    finally:
        whole.NOTE_EVERY_S = before  # type: ignore[misc]
    assert newest().outcome == Outcome.RUNNING


def test_a_late_look_changes_nothing(ours: Books) -> None:
    ours.order("o-1")
    ours.compare()
    from sagas.domain.reconciling.comparing import Judged
    from sagas.domain.reconciling.pair import Pair

    told = observing.observe(ours.defined, [Judged(pair=Pair(key="o-1"))], at=_long_ago())
    assert (told.closed, found("o-1").state) == (0, State.OPEN)


def test_two_looks_at_once_make_one_finding(ours: Books) -> None:
    for number in range(50):
        ours.order(f"o-{number:02}")
    wanted = sorted(ours.orders.rows)

    def look() -> None:
        keys.look(ours.defined, wanted)
        connection.close()

    threads = [Thread(target=look) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert Finding.objects.filter(state=State.OPEN, episode=1, version=2).count() == 50


def test_a_touched_key_is_looked_at_once_when_it_is_due(ours: Books) -> None:
    ours.order("o-1")
    touching.touch(NAME, ["o-1", "o-1", "", "x" * 300, "nul\x00"], after=timedelta(0))
    touching.touch(NAME, ["o-1"], after=timedelta(hours=1))
    assert keys.step() == 1
    assert found("o-1").state == State.OPEN
    assert keys.step() == 0


def test_a_grace_that_ends_is_looked_at_in_time(ours: Books) -> None:
    ours.order("o-1")
    ours.pay("o-1")
    keys.look(ours.defined, ["o-1"])
    assert found("o-1").state == State.WATCHED
    due = Touched.objects.get(key="o-1").due_at - found("o-1").opens_at  # type: ignore[operator]
    assert abs(due) < timedelta(seconds=1)


def test_ended_sagas_and_replayed_records_touch_their_keys() -> None:
    with books(sagas=["order"], topics=["orders.placed"]):
        listening.on_sagas(["order/o-1", "other/o-2"], "sagas")
        listening.on_records(["orders.placed/o-3", "orders.shipped/o-4"], "replay:1")
        assert sorted(Touched.objects.values_list("key", flat=True)) == ["o-1", "o-3"]


def test_more_suspects_than_one_transaction_takes_are_all_written(ours: Books) -> None:
    for number in range(observing.KEYS_MAX + 7):
        ours.order(f"o-{number:04}")
    ours.compare()
    assert Finding.objects.filter(state=State.OPEN).count() == observing.KEYS_MAX + 7
    ours.orders.rows.clear()
    ours.compare()
    assert newest().closed == observing.KEYS_MAX + 7


def _long_ago() -> object:
    from sagas.queries import histories

    return histories.database_now() - timedelta(days=1)
