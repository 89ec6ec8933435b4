"""A fallback cache: where an answer comes from, in which order, and what an invalidation stops."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from reliability.degradation.domain.fallback import NothingToServe, WrongFallback
from reliability.degradation.fallback import cache
from tests.support.fallbacks import Bench, Down


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    made = Bench(monkeypatch)
    yield made
    made.shared.is_away = False


@pytest.fixture(params=["sync", "async"])
def prices(request: pytest.FixtureRequest, bench: Bench) -> Callable[..., Callable[..., Any]]:
    """Makes the cached function of a test, sync or async; both are called alike."""

    def make(**options: Any) -> Callable[..., Any]:
        if request.param == "sync":
            return bench.cached(**options)
        function = bench.async_cached(**options)
        return lambda *args, **kwargs: asyncio.run(function(*args, **kwargs))

    return make


Make = Callable[..., Callable[..., Any]]


def test_memory_then_redis_then_the_dependency(bench: Bench, prices: Make) -> None:
    ask = prices()
    assert ask() == ask() == ask(article="shoes") == ["shoes", 1]
    assert bench.counts == {"asked": 1, "local": 2}
    asked = bench.shared.asked
    ask()
    assert bench.shared.asked == asked, "a copy of this process asks nobody"
    bench.another()
    other = prices()
    assert other() == other() == ["shoes", 1]
    assert bench.counts == {"shared": 1, "local": 1}
    bench.clock.advance(10)
    assert other() == ["shoes", 2]
    assert other("hats") == ["hats", 3]


def test_in_need_the_old_answer_then_the_default_then_the_error(bench: Bench, prices: Make) -> None:
    ask = prices(default=["none"], again_s=0)
    bench.shop.error = Down()
    assert ask() == ["none"]
    bench.shop.error = None
    assert ask() == ["shoes", 2]
    bench.shop.error = Down()
    bench.clock.advance(99)
    assert ask() == ["shoes", 2]
    said = bench.keeper.counts.caches["prices"]
    assert (said.stale_age_s, said.has_default) == (99, True)
    bench.clock.advance(1)
    assert ask() == ["none"]
    assert bench.counts == {"default": 2, "asked": 1, "stale": 1}
    bench.another()
    with pytest.raises(Down):
        prices(again_s=0)("hats")
    assert bench.counts == {"failed": 1}


def test_what_failed_a_moment_ago_is_not_asked(bench: Bench, prices: Make) -> None:
    ask = prices(again_s=5)
    bench.shop.error = Down()
    with pytest.raises(Down):
        ask()
    for _ in range(3):
        with pytest.raises(NothingToServe):
            ask()
    assert bench.shop.asked == 1
    with pytest.raises(Down):
        ask("hats")
    bench.clock.advance(5)
    bench.shop.error = None
    assert ask() == ["shoes", 3]


def test_in_need_the_old_answer_of_another_process_will_do(bench: Bench, prices: Make) -> None:
    prices()()
    bench.another()
    bench.clock.advance(50)
    bench.shop.error = Down()
    ask = prices(again_s=20)
    assert ask() == ["shoes", 1]
    asked = bench.shared.asked
    assert ask() == ["shoes", 1]
    assert (bench.shop.asked, bench.shared.asked) == (2, asked), "it was kept here as well"
    assert bench.counts == {"stale": 2}


def test_errors_that_are_not_named_are_the_callers(bench: Bench, prices: Make) -> None:
    ask = prices(on=(Down,), default=["none"])
    bench.shop.error = ValueError("a bug")
    for _ in range(2):
        with pytest.raises(ValueError, match="a bug"):
            ask()
    assert bench.shop.asked == 2


def test_without_redis_the_copies_of_this_process_do(bench: Bench, prices: Make) -> None:
    bench.shared.is_away = True
    ask = prices(again_s=0)
    assert ask() == ask() == ["shoes", 1]
    bench.clock.advance(20)
    bench.shop.error = Down()
    assert ask() == ["shoes", 1]
    asked = bench.shared.asked
    assert ask() == ["shoes", 1]
    assert bench.shared.asked == asked, "what did not answer is left alone for a second"


def test_an_invalidation_is_for_all_processes_and_for_old_answers_too(bench: Bench, prices: Make) -> None:
    here, mine = bench.keeper, prices(tags=["catalogue"])
    mine()
    there = bench.another()
    prices(tags=["catalogue"])()
    assert cache.invalidate("catalogue") is True
    bench.shop.error = Down()
    with pytest.raises(Down):
        prices(tags=["catalogue"])()
    assert len(there.local) == 0
    bench.use(here)
    assert len(here.local) == 1
    here.hear()
    assert len(here.local) == 0
    bench.clock.advance(1)
    with pytest.raises(Down):
        mine()


def test_a_value_from_before_an_invalidation_is_not_kept_after_it(bench: Bench, prices: Make) -> None:
    ask = prices(tags=lambda article: [f"article {article}"])
    bench.shop.meanwhile = lambda: cache.invalidate("article shoes")
    assert ask() == ["shoes", 1]
    bench.shop.meanwhile = lambda: cache.invalidate("article hats")
    assert ask() == ["shoes", 2], "the first was not kept"
    assert ask() == ["shoes", 2], "the tag of another article does nothing to it"


def test_an_invalidation_by_another_process_meanwhile_counts_as_well(bench: Bench, prices: Make) -> None:
    ask, here = prices(tags=["catalogue"]), bench.keeper
    other = bench.another()
    bench.use(here)
    bench.shop.meanwhile = lambda: other.invalidate(["catalogue"])
    assert ask() == ["shoes", 1]
    assert (len(here.local), len(bench.shared)) == (0, 0)


def test_an_invalidation_without_redis_reaches_it_before_anything_is_read(bench: Bench, prices: Make) -> None:
    ask, here = prices(tags=["catalogue"]), bench.keeper
    ask()
    bench.shared.is_away = True
    assert cache.invalidate("catalogue") is False
    assert len(here.local) == 0
    bench.shared.is_away = False
    bench.clock.advance(2)
    assert ask() == ["shoes", 2], "the copy in Redis is of before"
    bench.another()
    assert prices(tags=["catalogue"])() == ["shoes", 2]


def test_more_invalidations_than_can_be_remembered_make_all_copies_invalid(
    bench: Bench, prices: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("reliability.degradation.fallback.keeper.PENDING_MAX", 3)
    ask = prices()
    ask()
    bench.shared.is_away = True
    cache.invalidate("a", "b", "c", "d")
    bench.shared.is_away = False
    bench.clock.advance(2)
    bench.keeper.hear()
    assert ask() == ["shoes", 2]


def test_a_whole_cache_can_be_forgotten(bench: Bench, prices: Make) -> None:
    ask = prices()
    ask()
    assert cache.forget("prices") is True
    assert ask() == ["shoes", 2]
    with pytest.raises(WrongFallback, match="there are prices"):
        cache.forget("nothing")


def test_counts_are_told_and_kept_while_redis_is_away(bench: Bench, prices: Make) -> None:
    ask = prices()
    ask()
    ask()
    bench.shared.is_away = True
    bench.keeper.tell()
    bench.shared.is_away = False
    bench.clock.advance(2)
    bench.keeper.tell()
    bench.keeper.tell()
    [(counts, about)] = bench.shared.told
    assert counts == {"prices": {"asked": 1, "local": 1}}
    assert (about["prices"]["fresh_s"], about["prices"]["has_default"]) == (10, False)


def test_what_cannot_be_a_cache_is_refused(bench: Bench) -> None:
    async def later() -> None: ...

    for wrong in ({"default": {1}}, {"default": later}, {"wait_s": -1}, {"again_s": "1"}, {"tags": "shoes"}):
        with pytest.raises(WrongFallback):
            bench.cached(**wrong)
    ask = bench.cached(default=[])
    with pytest.raises(WrongFallback, match="give key="):
        ask(object())
    with pytest.raises(WrongFallback, match="name of two caches"):
        cache.fallback_cache("prices", fresh_s=1, stale_s=1)(lambda: 1)


def test_arguments_that_are_no_json_have_a_key_of_their_own(bench: Bench) -> None:
    bench.shop.meanwhile = lambda: None
    numbered = cache.fallback_cache("numbered", fresh_s=1, stale_s=1, key=lambda it: it.name)(lambda it: bench.shop())
    first, second = threading.Thread(name="a"), threading.Thread(name="b")
    assert [numbered(each)[1] for each in (first, second, first)] == [1, 2, 1]


def test_an_answer_that_is_too_large_is_not_kept(bench: Bench, prices: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("reliability.degradation.fallback.asking.VALUE_BYTES_MAX", 9)
    ask = prices()
    assert ask("abc") == ask("abc") == ["abc", 1]
    assert [ask("abcd")[1], ask("abcd")[1]] == [2, 3]
