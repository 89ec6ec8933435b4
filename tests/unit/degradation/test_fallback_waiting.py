"""Who waits while another one asks, and for how long; and nobody reads what was invalidated."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from reliability.degradation.fallback import cache
from tests.support.fallbacks import Bench

WAIT_S = 10.0


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    made = Bench(monkeypatch)
    yield made
    made.shared.is_away = False


def test_many_threads_ask_once(bench: Bench) -> None:
    ask, is_asked, go_on = bench.cached(wait_s=WAIT_S), threading.Event(), threading.Event()

    def meanwhile() -> None:
        is_asked.set()
        assert go_on.wait(WAIT_S)

    bench.shop.meanwhile = meanwhile
    with ThreadPoolExecutor(20) as threads:
        first = threads.submit(ask)
        assert is_asked.wait(WAIT_S)
        others = [threads.submit(ask) for _ in range(19)]
        go_on.set()
        assert {tuple(each.result(WAIT_S)) for each in (first, *others)} == {("shoes", 1)}
    assert bench.counts == {"asked": 1, "local": 19}


def test_who_waits_for_too_long_takes_what_there_is(bench: Bench) -> None:
    ask, is_asked, go_on = bench.cached(wait_s=0.05, default=["none"]), threading.Event(), threading.Event()
    bench.shop.meanwhile = lambda: (is_asked.set(), go_on.wait(WAIT_S))
    with ThreadPoolExecutor(1) as threads:
        first = threads.submit(ask)
        assert is_asked.wait(WAIT_S)
        assert ask() == ["none"]
        assert bench.shop.asked == 1
        go_on.set()
        assert first.result(WAIT_S) == ["shoes", 1]


def test_who_comes_after_an_invalidation_does_not_wait_for_what_was_asked_before(bench: Bench) -> None:
    ask, is_asked, go_on = bench.cached(tags=["catalogue"], wait_s=WAIT_S), threading.Event(), threading.Event()
    bench.shop.meanwhile = lambda: (is_asked.set(), go_on.wait(WAIT_S))
    with ThreadPoolExecutor(1) as threads:
        first = threads.submit(ask)
        assert is_asked.wait(WAIT_S)
        bench.shop.meanwhile = lambda: None
        cache.invalidate("catalogue")
        assert ask() == ["shoes", 2]
        go_on.set()
        assert first.result(WAIT_S) == ["shoes", 1]
    assert ask() == ["shoes", 2]


def test_when_who_asks_is_cancelled_another_one_asks(bench: Bench) -> None:
    hangs = True

    async def prices() -> Any:
        answer = bench.shop()
        if hangs:
            await asyncio.sleep(WAIT_S)
        return answer

    ask = cache.fallback_cache("prices", fresh_s=10, stale_s=100, wait_s=WAIT_S)(prices)

    async def scenario() -> list[Any]:
        nonlocal hangs
        first = asyncio.create_task(ask())
        while bench.shop.asked == 0:
            await asyncio.sleep(0.001)
        others = [asyncio.create_task(ask()) for _ in range(5)]
        await asyncio.sleep(0.01)
        hangs = False
        first.cancel()
        others.pop().cancel()
        return await asyncio.gather(*others)

    assert asyncio.run(scenario()) == [["shoes", 2]] * 4


def test_after_an_invalidation_nobody_reads_what_was_before(bench: Bench) -> None:
    """Readers, and two who change a version each, invalidate, and then have to read it or a later one."""
    versions, is_over = {"a": 0, "b": 0}, threading.Event()

    def look(which: str) -> Any:
        return versions[which]

    options: Any = {"fresh_s": 60, "stale_s": 60, "tags": lambda which: [which, "both"], "wait_s": WAIT_S}
    here = cache.fallback_cache("versions", **options)(look)
    mine = bench.keeper
    other = bench.another()
    there = cache.fallback_cache("versions", **options)(look)
    bench.use(mine)

    def read() -> None:
        while not is_over.is_set():
            for each in ("a", "b"):
                here(each)
                there(each)
            other.hear()
            mine.hear()

    def change(which: str) -> list[tuple[int, int]]:
        late = []
        for version in range(1, 150):
            versions[which] = version
            mine.invalidate([which])
            found = here(which)
            if found < version:
                late.append((found, version))
        return late

    with ThreadPoolExecutor(5) as threads:
        readers = [threads.submit(read) for _ in range(3)]
        changers = [threads.submit(change, each) for each in ("a", "b")]
        late = [found for each in changers for found in each.result(60)]
        is_over.set()
        for reader in readers:
            reader.result(WAIT_S)
    assert late == []
    other.hear()
    assert [here("a"), here("b"), there("a"), there("b")] == [149] * 4
