"""What a process goes by: what it heard last, its own clock, and at the very first the code."""

from __future__ import annotations

import asyncio
import inspect
import os
import threading
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from typing import Any

import pytest

from reliability.degradation.domain.flags import Declaration, WrongFlag, declared
from reliability.degradation.domain.precedence import Entry, Source
from reliability.degradation.domain.snapshot import Held, Snapshot, packed, unpacked
from reliability.degradation.local import agent as agents
from reliability.degradation.local.agent import Agent
from reliability.degradation.local.around import degraded_to
from reliability.degradation.local.flag import Flag
from reliability.degradation.stores.shared import Unreachable
from reliability.kernel.clock import SYSTEM

LEVELS = {"popular": "Everybody sees what is popular.", "off": "No recommendations are shown."}
RECOMMENDATIONS = declared("recommendations", title="Recommendations", levels=LEVELS)


class Redis:
    """A store in memory that can go away."""

    def __init__(self) -> None:
        self.kept: Snapshot | None = None
        self.is_away = False
        self.beats: list[tuple[str, Mapping[str, Any], Mapping[str, str]]] = []
        self.heard: Callable[[str], None] | None = None

    def newer(self, than: int) -> str | None:
        if self.is_away:
            raise Unreachable("away")
        return packed(self.kept) if self.kept is not None and self.kept.revision > than else None

    def beat(self, process: str, said: Mapping[str, Any], declared: Mapping[str, str]) -> None:
        self.beats.append((process, said, declared))

    def listen(self, heard: Callable[[str], None], is_over: Callable[[], bool]) -> None:
        self.heard = heard


class Database:
    """A database that can go away."""

    def __init__(self) -> None:
        self.kept = Snapshot(revision=0, at=SYSTEM.now())
        self.is_away = False
        self.asked = 0

    def __call__(self, revision: int) -> Snapshot | None:
        self.asked += 1
        if self.is_away:
            raise OSError("no route to the database")
        return self.kept if self.kept.revision != revision else None


def snapshot(
    revision: int, level: int = 0, *, lasts_s: float = 600, declaration: Declaration = RECOMMENDATIONS
) -> Snapshot:
    now = SYSTEM.now()
    word = Entry(
        source=Source.OPERATOR,
        level=level,
        actor="ana",
        reason="because",
        since=now - timedelta(seconds=1),
        until=now + timedelta(seconds=lasts_s),
    )
    held = Held(declaration=declaration, entries=(word,), version=revision)
    return Snapshot(revision=revision, at=now, flags={declaration.name: held})


class Process:
    """An agent with a flag."""

    def __init__(self, declaration: Declaration = RECOMMENDATIONS) -> None:
        self.redis, self.database = Redis(), Database()
        self.agent = Agent(self.redis, self.database, host="h", service="shop", dice=lambda: 0.5)
        self.flag = Flag(declaration, self.agent.begin)
        self.agent.flags[self.flag.name] = self.flag


@pytest.fixture
def process() -> Iterator[Process]:
    made = Process()
    yield made
    made.agent.stop()


def test_the_first_read_finds_out_what_holds_from_the_database(process: Process) -> None:
    process.database.kept = snapshot(4, 2)
    assert not process.flag.has_begun
    assert (process.flag.level, process.flag.level_name) == (2, "off")
    assert process.flag.loses == "No recommendations are shown."
    assert process.flag.why == "ana set it by hand: because."
    assert process.flag.until is not None
    assert (process.agent.revision, process.flag.version) == (4, 4)


def test_where_nothing_can_be_found_out_it_is_the_default_of_the_code() -> None:
    process = Process(declared("recommendations", title="x", levels=LEVELS, default=1))
    process.redis.is_away = process.database.is_away = True
    assert process.flag.level == 1
    assert process.flag.why == "Nobody has said anything: it is the default of the code."
    process.agent.stop()


def test_a_read_waits_a_second_at_most_and_only_once(process: Process, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(agents, "BEGIN_WITHIN_S", 0.05)
    hangs = threading.Event()
    process.agent._truth = lambda revision: (hangs.wait(10), None)[1]
    begun_s = SYSTEM.monotonic()
    assert [process.flag.level for _ in range(100)] == [0] * 100
    assert SYSTEM.monotonic() - begun_s < 0.5
    hangs.set()


def test_news_are_gone_by_at_once_and_old_ones_never(process: Process) -> None:
    process.flag.level  # noqa: B018 - read for the first time
    process.agent.heard(packed(snapshot(7, 2)))
    assert process.flag.level == 2
    for old in (6, 7):
        process.agent.heard(packed(snapshot(old, 1)))
        assert process.flag.level == 2
    process.agent.heard("nonsense")
    process.agent.heard(packed(snapshot(8, 1)))
    assert process.flag.level == 1


def test_whatever_is_lost_the_last_level_stays(process: Process) -> None:
    process.database.kept = snapshot(3, 2)
    assert process.flag.level == 2
    process.redis.is_away = process.database.is_away = True
    for _ in range(5):
        process.agent._truth_at_s = 0.0
        process.agent.look()
        assert process.flag.level == 2
    process.database.is_away, process.database.kept = False, snapshot(4, 1)
    process.agent._truth_at_s = 0.0
    process.agent.look()
    assert process.flag.level == 1, "found without Redis"


def test_a_database_that_was_restored_is_the_truth(process: Process) -> None:
    process.database.kept = snapshot(9, 2)
    assert process.flag.level == 2
    process.database.kept = snapshot(5, 1)
    process.agent._truth_at_s = 0.0
    process.agent.look()
    assert (process.agent.revision, process.flag.level) == (5, 1)


def test_what_is_heard_while_the_database_is_read_is_newer_than_that(process: Process) -> None:
    process.database.kept = snapshot(1, 1)
    assert process.flag.level == 1

    def slow(revision: int) -> Snapshot:
        process.agent.heard(packed(snapshot(3, 0)))
        return snapshot(2, 2)

    process.agent._truth, process.agent._truth_at_s = slow, 0.0
    process.agent.look()
    assert (process.agent.revision, process.flag.level) == (3, 0)


def test_a_level_ends_by_this_process_s_clock_though_nobody_can_be_asked(process: Process) -> None:
    process.database.kept = snapshot(3, 2, lasts_s=0.3)
    assert process.flag.level == 2
    process.redis.is_away = process.database.is_away = True
    ends = SYSTEM.monotonic() + 3
    while process.flag.level and SYSTEM.monotonic() < ends:
        SYSTEM.sleep(0.01)
    assert process.flag.level == 0
    assert SYSTEM.monotonic() < ends - 2.2, "at its end, not at the next look"


def test_a_level_that_this_code_does_not_know_is_its_worst(process: Process) -> None:
    more = declared("recommendations", title="x", levels={**LEVELS, "gone": "All is gone."})
    process.database.kept = snapshot(1, 3, declaration=more)
    assert process.flag.level == 2


def test_who_reads_and_how_often_is_said(process: Process) -> None:
    @degraded_to(process.flag, from_level=1, otherwise=lambda: "popular")
    def chosen() -> str:
        return "yours"

    assert chosen() == "yours"
    process.agent._beat_at_s = 0.0
    process.agent._told = (SYSTEM.monotonic() - 2, {"recommendations": 0})
    before = process.flag.reads
    for _ in range(199):
        chosen()
    process.agent._beat_at_s = 0.0
    process.agent.look()
    name, said, told = process.redis.beats[-1]
    assert name.startswith(f"h:{os.getpid()}:")
    assert (said["service"], said["revision"]) == ("shop", 0)
    assert process.flag.reads - before == 199
    assert 80 < said["reads"]["recommendations"] < 120, "about 200 in two seconds"
    assert said["readers"]["recommendations"] == [f"{__name__}.{chosen.__qualname__}"]
    assert unpacked(told["recommendations"]).flags["recommendations"].declaration == RECOMMENDATIONS


def test_a_child_that_is_forked_goes_on_from_what_was_known_with_a_thread_of_its_own(process: Process) -> None:
    process.database.kept = snapshot(3, 2)
    assert process.flag.level == 2
    process.database.is_away = True
    before = process.agent.process
    process.agent.renew()
    assert process.flag.reads == 0
    assert process.flag.level == 2
    assert process.agent.process != before
    assert process.agent._thread is not None


def test_listeners_hear_of_levels_that_changed_and_cannot_break_the_looking(process: Process) -> None:
    heard: list[list[str]] = []

    def broken(changed: Mapping[str, Flag]) -> None:
        heard.append(sorted(changed))
        raise RuntimeError("of somebody else")

    process.agent.listeners.append(broken)
    process.flag.level  # noqa: B018 - read for the first time
    process.agent.heard(packed(snapshot(7, 2)))
    process.agent.heard(packed(snapshot(8, 2)))
    assert heard == [["recommendations"]]


def test_what_is_done_otherwise_is_done_from_its_level_on(process: Process) -> None:
    @degraded_to(process.flag, from_level=2, otherwise=lambda user: ["nothing"])
    def chosen(user: str) -> list[str]:
        """Choose."""
        return [user]

    found = []
    for revision, level in enumerate((0, 1, 2), start=1):
        process.agent.take(snapshot(revision, level))
        found.append(chosen("ana"))
    assert found == [["ana"], ["ana"], ["nothing"]]
    assert (chosen.__name__, chosen.__doc__) == ("chosen", "Choose.")


def test_async_functions_stay_async(process: Process) -> None:
    async def popular() -> str:
        return "popular"

    @degraded_to(process.flag, from_level=1, otherwise=popular)
    async def chosen() -> str:
        return "yours"

    assert inspect.iscoroutinefunction(chosen)
    assert asyncio.run(chosen()) == "yours"
    process.agent.take(snapshot(5, 1))
    assert asyncio.run(chosen()) == "popular"
    with pytest.raises(WrongFlag, match="both async, or neither"):
        degraded_to(process.flag, from_level=1, otherwise=lambda: "x")(popular)  # type: ignore[arg-type]


@pytest.mark.parametrize(("level", "otherwise"), [(0, print), (3, print), (True, print), ("1", print), (1, None)])
def test_what_cannot_be_done_otherwise_is_told(process: Process, level: Any, otherwise: Any) -> None:
    with pytest.raises(WrongFlag, match=r"from_level is|otherwise is"):
        degraded_to(process.flag, from_level=level, otherwise=otherwise)


def test_many_threads_read_while_it_changes(process: Process) -> None:
    process.flag.level  # noqa: B018 - read for the first time
    seen: set[int] = set()
    stop = threading.Event()

    def reads() -> None:
        while not stop.is_set():
            seen.add(process.flag.level)

    threads = [threading.Thread(target=reads) for _ in range(4)]
    for thread in threads:
        thread.start()
    for revision in range(1, 300):
        process.agent.heard(packed(snapshot(revision, revision % 3)))
    stop.set()
    for thread in threads:
        thread.join()
    assert seen <= {0, 1, 2}
    assert process.flag.level == 299 % 3
