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


def test_every_stop_stays_on_the_timeline_after_it_was_resumed(world: World) -> None:
    run = world.approve(*world.letters(3))
    early, late = world.now - timedelta(minutes=9), world.now - timedelta(minutes=3)
    stops = [{"at": early.isoformat(), "why": "6 of 6"}, {"at": late.isoformat(), "why": "5 of 7"}]
    Replay.objects.update(stops=stops, stopped_at=late)
    rows = board.timeline(world.now - timedelta(minutes=10), 10)
    assert [(row.at, row.text) for row in rows] == [
        (late, f"Replay #{run.pk} stopped by itself: 5 of 7"),
        (early, f"Replay #{run.pk} stopped by itself: 6 of 6"),
    ]
    assert len(board.timeline(world.now - timedelta(minutes=5), 10)) == 1


def test_a_stopped_run_names_the_failure_that_it_met(world: World) -> None:
    run = world.approve(*world.letters(2))
    Replay.objects.update(state="stopped", stop_reason="6 of 6")
    run.items.filter(position=run.items.order_by("position").values("position")[:1]).update(state="failed_again")
    item = next(item for item in board.attention() if item.word == "Stopped")
    assert item.title.startswith(f"Replay #{run.pk} stopped by itself: PaymentTimeout")


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
    tile = board.tile(actor=everybody, now=world.now)
    assert (tile.value, tile.unit, tile.status) == ("1", "stopped, 2 letters to send", "crit")
    Replay.objects.filter(pk=world.approve(*world.letters(3, start=50)).pk).update(state="running")
    tile = board.tile(actor=everybody, now=world.now)
    assert (tile.value, tile.unit, tile.word) == ("1", "under way, 1 stopped, 5 letters to send", "Stopped")
    Replay.objects.update(state="finished")
    assert board.tile(actor=everybody, now=world.now).value == "0"
