"""What replays tell the overview."""

from __future__ import annotations

from datetime import timedelta

from dlq.models import Replay
from dlq.queries import board
from reliability.access.domain.roles import Role
from tests.support.actors import actor
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
    assert row.text == f"Replay #{run.pk} finished: 1 confirmed, 2 passed without proof, 1 failed again, 1 unknown"
    assert board.timeline(world.now, 10) == []


def test_runs_are_counted_by_state(world: World) -> None:
    world.approve(*world.letters(1))
    (figure,) = board.figures()
    assert (figure.value, figure.labels) == (1, {"state": "running"})


def test_the_tile_counts_the_runs_that_are_not_over_as_the_reader_may_see_them(world: World) -> None:
    everybody, stranger = actor(Role.VIEWER), actor(Role.VIEWER, topics=("secret",))
    tile = board.tile(actor=everybody, now=world.now)
    assert (tile.value, tile.unit, tile.status, tile.word) == ("0", "under way", "ok", "None")
    world.approve(*world.letters(2))
    tile = board.tile(actor=everybody, now=world.now)
    assert (tile.value, tile.unit, tile.word) == ("1", "under way, 2 letters to send", "Running")
    assert board.tile(actor=stranger, now=world.now).value == "0"
    Replay.objects.update(state="stopped")
    assert board.tile(actor=everybody, now=world.now).status == "crit"
    Replay.objects.update(state="finished")
    assert board.tile(actor=everybody, now=world.now).value == "0"
