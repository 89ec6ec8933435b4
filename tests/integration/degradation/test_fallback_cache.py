"""Fallback caches on a real Redis: several processes, invalidation heard within a second, counts told, a Redis lost."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from reliability import degradation
from reliability.degradation import connection
from reliability.degradation.domain.fallback import Outcome
from reliability.degradation.fallback import cache, keeper
from reliability.degradation.fallback.keeper import Keeper
from reliability.degradation.queries.fallbacks import Fallback, fallbacks
from reliability.degradation.stores.shared_copies import SharedCopies
from reliability.kernel.clock import SYSTEM
from tests.support.fallbacks import Shop
from tests.support.network import silent_port
from tests.support.waiting import wait_until

WITHIN_S = 10.0


class Processes:
    """Several keepers, each as of a process of its own, with one shop."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.patch, self.shop = monkeypatch, Shop()
        self.keepers: list[Keeper] = []

    def begin(self, shared: SharedCopies | None = None, **options: Any) -> Callable[..., Any]:
        """Begin a process; return its cached function."""
        made = Keeper(shared or SharedCopies())
        self.keepers.append(made)
        self.patch.setattr(cache, "_keeper", made)
        self.patch.setattr(cache, "_askings", {})

        def prices(article: str = "shoes") -> Any:
            return self.shop(article)

        ask = cache.fallback_cache("prices", **{"fresh_s": 60, "stale_s": 600, "tags": ["catalogue"], **options})(
            prices
        )
        made.begin()
        return ask


@pytest.fixture
def processes(monkeypatch: pytest.MonkeyPatch) -> Iterator[Processes]:
    """Processes, with nothing kept from before."""
    monkeypatch.setattr(keeper, "LOOK_EVERY_S", 0.05)
    monkeypatch.setattr(keeper, "TELL_EVERY_S", 0.1)
    _clean()
    made = Processes(monkeypatch)
    yield made
    for each in made.keepers:
        each.stop()
    _clean()


def _clean() -> None:
    client = connection.client()
    for prefix in (connection.COPY, connection.COPY_TAG, connection.COPIES_COUNTED, connection.COPIES_ABOUT):
        for key in client.scan_iter(prefix.replace("[", "\\[") + "*"):
            client.delete(key)


def test_processes_share_answers_and_hear_of_invalidations(processes: Processes) -> None:
    first, second = processes.begin(), processes.begin()
    assert first() == second() == first() == ["shoes", 1]
    assert degradation.invalidate("catalogue") is True  # in the second process
    wait_until(lambda: first() == ["shoes", 2], within_s=WITHIN_S, what="not heard", every_s=0.02)
    assert second() == ["shoes", 2]


def test_counts_of_all_processes_are_shown(processes: Processes) -> None:
    began = SYSTEM.now()
    first, second = processes.begin(fresh_s=0.001, again_s=0), processes.begin(fresh_s=0.001, again_s=0)
    first()
    SYSTEM.sleep(0.01)
    processes.shop.error = OSError("down")
    for _ in range(3):
        assert second() == ["shoes", 1]

    def shown() -> Fallback | None:
        found = fallbacks()
        assert found.is_known
        return next((each for each in found.caches if each.answers == 4), None)

    wait_until(shown, within_s=WITHIN_S, what="not shown")
    row = shown()
    assert row is not None
    assert (row.name, row.fresh_s, row.stale_s, row.has_default) == ("prices", 0.001, 600, False)
    assert row.where.endswith("prices")
    assert (row.counts[Outcome.ASKED], row.counts[Outcome.STALE], row.stale_share, row.worse_share) == (1, 3, 0.75, 0)
    assert row.stale_at is not None
    assert row.stale_at >= began
    assert 0 < (row.stale_age_s or 0) < WITHIN_S
    assert fallbacks(minutes=0).caches[0].answers == 0


def test_while_redis_hangs_a_call_waits_a_moment_once(processes: Processes) -> None:
    with silent_port() as port:
        from reliability.degradation.stores import shared_copies

        hanging = SharedCopies(connection.client(f"redis://127.0.0.1:{port}/0", shared_copies.CALLER_WAITS_S))
        ask = processes.begin(hanging, fresh_s=0.001, again_s=0)
        began_s = SYSTEM.monotonic()
        assert [ask()[0] for _ in range(50)] == ["shoes"] * 50
        assert SYSTEM.monotonic() - began_s < 50 * shared_copies.CALLER_WAITS_S / 4
        assert fallbacks(store=hanging).is_known is False


def test_async_functions_do_not_hold_up_the_loop_while_redis_hangs(processes: Processes) -> None:
    with silent_port() as port:
        processes.begin(SharedCopies(connection.client(f"redis://127.0.0.1:{port}/0", 0.5)))

        async def prices() -> Any:
            return processes.shop()

        ask = cache.fallback_cache("slow", fresh_s=60, stale_s=60)(prices)

        async def scenario() -> tuple[Any, float]:
            asked, longest_s = asyncio.create_task(ask()), 0.0
            while not asked.done():
                before_s = SYSTEM.monotonic()
                await asyncio.sleep(0.001)
                longest_s = max(longest_s, SYSTEM.monotonic() - before_s)
            return await asked, longest_s

        answer, longest_s = asyncio.run(scenario())
        assert answer == ["shoes", 1]
        assert longest_s < 0.4


def test_a_forked_process_begins_anew(processes: Processes) -> None:
    ask = processes.begin()
    ask()
    before = processes.keepers[0]._thread
    pid = os.fork()
    if pid == 0:
        try:
            cache._renew()
            is_well = len(processes.keepers[0].local) == 0 and ask() == ["shoes", 1]
            os._exit(0 if is_well and processes.keepers[0]._thread is not before else 1)
        finally:
            os._exit(2)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
