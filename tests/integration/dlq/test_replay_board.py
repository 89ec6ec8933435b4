"""What replays tell the overview."""

from __future__ import annotations

from datetime import timedelta

from dlq.models import Replay
from dlq.queries import board
from tests.support.replays import World


def test_a_run_that_stopped_by_itself_needs_attention(world: World) -> None:
    run = world.approve(*world.letters(2))
    assert board.attention() == []
    Replay.objects.update(state="stopped", stop_reason="6 of 6 failed again")
    (item,) = board.attention()
    assert (item.status, item.url, item.count) == ("crit", f"/replays/{run.pk}/", 2)
    assert "6 of 6" in item.detail
    assert item.is_cause, "it stands before failures that are merely new"


def test_items_sent_to_nobody_known_need_attention(world: World) -> None:
    run = world.approve(*world.letters(1, group=""))
    world.send_all(run)
    (item,) = board.attention()
    assert (item.word, item.count) == ("Which group?", 1)


def test_a_run_that_ended_is_on_the_timeline_with_what_came_of_it(world: World) -> None:
    run = world.approve(*world.letters(3))
    assert board.timeline(world.now - timedelta(hours=1), 10) == []
    Replay.objects.update(
        state="finished", finished_at=world.now, counts={"confirmed": 1, "passed": 2, "failed_again": 1, "unknown": 1}
    )
    (row,) = board.timeline(world.now - timedelta(hours=1), 10)
    assert (row.status, row.url) == ("crit", f"/replays/{run.pk}/")
    assert row.text == f"Replay {run.pk} finished: 1 confirmed, 2 passed without proof, 1 failed again, 1 unknown"
    assert board.timeline(world.now, 10) == []


def test_runs_are_counted_by_state(world: World) -> None:
    world.approve(*world.letters(1))
    (figure,) = board.figures()
    assert (figure.value, figure.labels) == (1, {"state": "running"})
