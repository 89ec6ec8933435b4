"""Groups that commit rarely, over a cluster in memory: no standstill is told between two commits, and a true one is."""

from __future__ import annotations

import json
import math
import zlib

import pytest

from reliability.kernel.record import TopicPartition
from reliability.lag.domain.values import WINDOW, Word
from reliability.lag.models import Event
from reliability.lag.polling.windows import NO_PACE, PACE_MAX_S, PACE_OF, Pace, Window
from tests.integration.lag.world import HOT_S, World

pytestmark = pytest.mark.django_db(transaction=True)

MINUTE = int(60 / HOT_S)


def connect_sink(world: World, *, minutes: int, since: int = 0) -> list[str]:
    """A member that commits once a minute what came meanwhile; the words at each look."""
    words = []
    for look in range(since * MINUTE, (since + minutes) * MINUTE):
        world.end(100 + 10 * look)
        if look % MINUTE == 0:
            world.commit(100 + 10 * look - 5)
        world.polls()
        words.append(world.row().word)
    return words


def test_a_minute_between_commits_is_learned_after_the_first(world: World) -> None:
    world.group("billing", world.member("one", 0, 1))
    world.commit(100)
    words = connect_sink(world, minutes=6)
    assert set(words[2 * MINUTE :]) == {Word.OK}
    assert Event.objects.filter(kind="alert", status="crit").count() <= 1


def test_when_it_really_stands_still_that_is_told_after_one_and_a_half_minutes(world: World) -> None:
    world.group("billing", world.member("one", 0, 1))
    connect_sink(world, minutes=4)
    begun = world.time.now()
    while world.row().word != Word.STALL:
        world.end(world.play.ends[TopicPartition("orders", 0)] + 10)
        world.polls()
        assert (world.time.now() - begun).total_seconds() < 120


def test_the_next_poller_knows_the_pace(world: World) -> None:
    world.group("billing", world.member("one", 0, 1))
    connect_sink(world, minutes=4)
    world.poller.close()
    world.poller = world.another()
    assert set(connect_sink(world, minutes=2, since=4)) == {Word.OK}


class Looks:
    """A window, looked at every second."""

    place = TopicPartition("t", 0)

    def __init__(self) -> None:
        self.window, self.at_s = Window(), 1_000.0

    def look(self, committed: int, end: int, *, after_s: float = 1.0, owned: bool | None = None) -> Pace:
        self.at_s += after_s
        owners = None if owned is None else {self.place} if owned else set[TopicPartition]()
        self.window.add(self.at_s, {self.place: (committed, end)}, owned=owners)
        return self.window.pace(self.place)


def test_time_in_which_nothing_was_to_be_committed_is_no_pace() -> None:
    looks = Looks()
    for _ in range(500):
        assert looks.look(5, 5) == NO_PACE
    assert looks.look(5, 6).pace_s == 0
    looks.look(5, 6, after_s=7.0)
    assert looks.look(6, 6) == Pace(0.0, 7.0, 1, math.inf)
    assert looks.look(6, 6) == Pace(0.0, 7.0, 1, math.inf)


def test_a_standstill_that_is_over_is_forgotten_after_some_commits() -> None:
    looks = Looks()
    looks.look(5, 9)
    assert looks.look(5, 9, after_s=9_000.0) == Pace(9_000.0, 0.0, 0, 9_000.0)
    assert looks.look(6, 9) == Pace(0.0, PACE_MAX_S, 1, 0.0)
    for number in range(PACE_OF):
        pace = looks.look(7 + number, 99)
    assert pace.pace_s == 0.0


def test_short_waits_between_long_ones_leave_the_pace_as_it_is() -> None:
    """A commit each minute of what came by chance: the last record before it waited for seconds only."""
    looks = Looks()
    for number in range(1, 30):
        rest = 60.0 if number % 5 == 0 else 3.0
        looks.look(number, number + 1)
        looks.look(number, number + 1, after_s=rest)
    assert looks.window.pace(looks.place).pace_s == pytest.approx(60.0, abs=2.0)


def test_time_in_which_nobody_looked_is_no_pace() -> None:
    looks = Looks()
    looks.look(5, 9)
    looks.look(6, 9, after_s=3_600.0)
    assert looks.window.pace(looks.place).pace_s == 0.0


def test_a_partition_that_is_gone_takes_its_pace_with_it_and_bytes_bring_it_back() -> None:
    looks = Looks()
    looks.look(5, 9)
    looks.look(5, 9, after_s=30.0)
    looks.look(6, 9)
    again = Window.unpack(looks.window.pack())
    assert again.pace(looks.place) == looks.window.pace(looks.place) == Pace(0.0, 30.0, 1, 0.0)
    for _ in range(WINDOW + 1):
        looks.at_s += 1
        looks.window.add(looks.at_s, {})
    assert looks.window.pace(looks.place) == NO_PACE


def test_bytes_of_a_version_that_knew_no_owners_are_read() -> None:
    looks = Looks()
    looks.look(5, 9)
    looks.look(5, 9, after_s=30.0)
    times, marks, paces = json.loads(zlib.decompress(looks.window.pack()))
    before = Window.unpack(zlib.compress(json.dumps([times, marks, [each[:5] for each in paces]]).encode()))
    before.add(looks.at_s + 30.0, {looks.place: (5, 9)}, owned={looks.place})
    assert before.pace(looks.place).tried_s == looks.look(5, 9, after_s=30.0).tried_s == 60.0


def test_time_in_which_nobody_can_say_who_owns_it_counts_as_owned() -> None:
    looks = Looks()
    for owned in (True, True, None, None, None, True):
        pace = looks.look(5, 9, after_s=100.0, owned=owned)
    assert pace.tried_s == pace.waits_s == 500.0


def test_a_new_owner_has_its_own_time_after_nobody_had_it_for_a_while() -> None:
    looks = Looks()
    for owned in (True, True, False, True):
        short = looks.look(5, 9, after_s=5.0, owned=owned)
    assert short.tried_s == short.waits_s == 15.0
    for owned in (False, False, False, False, True, True):
        long = looks.look(5, 9, after_s=5.0, owned=owned)
    assert (long.tried_s, long.waits_s) == (5.0, 45.0)
    again = Window.unpack(looks.window.pack())
    again.add(looks.at_s + 5.0, {looks.place: (5, 9)}, owned={looks.place})
    assert again.pace(looks.place).tried_s == 10.0


def test_a_commit_that_moved_while_it_could_not_be_told_has_moved() -> None:
    looks = Looks()
    for _ in range(20):
        looks.look(5, 9, after_s=100.0)
    looks.at_s += 1.0
    looks.window.add(looks.at_s, {})
    pace = looks.look(500, 900, after_s=1.0)
    assert pace.waits_s == 0.0
