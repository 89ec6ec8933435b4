"""What every place for copies does: memory and Redis under one contract; and Redis that is away or hangs."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from uuid import uuid4

import pytest

from reliability.degradation import connection
from reliability.degradation.domain.fallback import Copy
from reliability.degradation.stores.copies import Copies, MemoryCopies
from reliability.degradation.stores.shared import Unreachable
from reliability.degradation.stores.shared_copies import CALLER_WAITS_S, SharedCopies
from tests.support.network import silent_port
from tests.support.waiting import wait_until

COPY = Copy(text='["shoes",1]', at_s=1_700_000_000.123456)
LONG_S = 60.0


@pytest.fixture(params=["memory", "redis"])
def copies(request: pytest.FixtureRequest) -> Copies:
    return MemoryCopies() if request.param == "memory" else SharedCopies()


@pytest.fixture
def key() -> Iterator[str]:
    """A key that nothing was ever kept under."""
    made = f"test:{uuid4().hex}"
    yield made
    connection.client().delete(connection.COPY + made)


@pytest.fixture
def tags() -> tuple[str, ...]:
    """Tags of which nobody has heard."""
    return tuple(sorted(f"{word} {uuid4().hex}" for word in ("catalogue", "größe")))


def test_what_is_kept_is_found_with_the_very_same_instant(copies: Copies, key: str, tags: tuple[str, ...]) -> None:
    nothing, before = copies.find(key, tags)
    assert (nothing, before) == (None, ("", ""))
    assert copies.keep(key, COPY, tags, before, for_s=LONG_S)
    assert copies.find(key, tags) == (COPY, before)
    newer = Copy(text="2", at_s=COPY.at_s + 1)
    assert copies.keep(key, newer, tags, before, for_s=LONG_S)
    assert copies.find(key, tags) == (newer, before)


def test_without_tags_it_is_kept_all_the_same(copies: Copies, key: str) -> None:
    assert copies.keep(key, COPY, (), (), for_s=LONG_S)
    assert copies.find(key, ()) == (COPY, ())
    assert copies.generations(()) == ()


def test_an_invalidated_copy_is_not_there(copies: Copies, key: str, tags: tuple[str, ...]) -> None:
    copies.keep(key, COPY, tags, ("", ""), for_s=LONG_S)
    copies.invalidate(tags[1:], "g1")
    assert copies.find(key, tags) == (None, ("", "g1"))
    assert copies.generations(tags) == ("", "g1")
    assert copies.keep(key, COPY, tags, ("", "g1"), for_s=LONG_S)
    assert copies.find(key, tags)[0] == COPY
    copies.invalidate(tags, "g2")
    assert copies.find(key, tags) == (None, ("g2", "g2"))


def test_what_was_asked_for_before_an_invalidation_is_not_kept(copies: Copies, key: str, tags: tuple[str, ...]) -> None:
    _, before = copies.find(key, tags)
    copies.invalidate(tags[:1], "g1")
    assert copies.keep(key, COPY, tags, before, for_s=LONG_S) is False
    assert copies.find(key, tags)[0] is None


def test_a_copy_with_other_tags_is_another_one(copies: Copies, key: str, tags: tuple[str, ...]) -> None:
    copies.keep(key, COPY, tags[:1], ("",), for_s=LONG_S)
    assert copies.find(key, tags[:1])[0] == COPY
    assert copies.find(key, tags)[0] is None


def test_a_copy_is_gone_after_its_time(copies: Copies, key: str, tags: tuple[str, ...]) -> None:
    copies.keep(key, COPY, tags, ("", ""), for_s=0.05)
    assert copies.find(key, tags)[0] == COPY
    wait_until(lambda: copies.find(key, tags)[0] is None, within_s=5, what="it is still there", every_s=0.02)


def test_both_places_answer_alike_whatever_comes(tags: tuple[str, ...]) -> None:
    memory, shared, dice = MemoryCopies(), SharedCopies(), random.Random(7)
    keys = [f"test:{uuid4().hex}" for _ in range(3)]
    known: list[tuple[str, ...]] = [("", "")]
    for step in range(300):
        key, copy = dice.choice(keys), Copy(text=str(step), at_s=float(step))
        match dice.randrange(3):
            case 0:
                generations = dice.choice(known[-2:])
                answers = [it.keep(key, copy, tags, generations, for_s=LONG_S) for it in (memory, shared)]
                assert answers[0] is answers[1]
            case 1:
                chosen = dice.sample(tags, dice.randint(1, 2))
                for it in (memory, shared):
                    it.invalidate(chosen, f"g{step}")
            case _:
                assert memory.find(key, tags) == shared.find(key, tags)
        known.append(memory.generations(tags))
    connection.client().delete(*(connection.COPY + key for key in keys))


def test_memory_is_bounded_and_keeps_what_is_used() -> None:
    few = MemoryCopies(copies_max=3)
    for number in range(3):
        few.keep(str(number), COPY, (), (), for_s=LONG_S)
    few.find("0", ())
    few.keep("3", COPY, (), (), for_s=LONG_S)
    assert [few.find(key, ())[0] is not None for key in "0123"] == [True, False, True, True]
    small = MemoryCopies(bytes_max=25)
    for number in range(5):
        small.keep(str(number % 3), COPY, (), (), for_s=LONG_S)
    assert len(small) == 2
    small.keep("large", Copy(text="x" * 26, at_s=0), (), (), for_s=LONG_S)
    assert len(small) == 0


def test_what_redis_tells_late_does_not_undo_an_invalidation_here(tags: tuple[str, ...]) -> None:
    memory = MemoryCopies()
    mark = memory.mark
    memory.invalidate(tags[:1], "mine")
    memory.learn(dict.fromkeys(tags, "told"), mark=mark)
    assert memory.generations(tags) == ("mine", "told")
    memory.learn(dict.fromkeys(tags, "told"), mark=memory.mark)
    assert memory.generations(tags) == ("told", "told")


def test_a_redis_that_is_away_or_hangs_is_said_shortly(key: str) -> None:
    with silent_port() as port:
        for address in (f"redis://127.0.0.1:{port}/0", "redis://127.0.0.1:1/0"):
            copies = SharedCopies(connection.client(address, CALLER_WAITS_S))
            began_s = time.monotonic()
            for ask in (
                lambda copies=copies: copies.find(key, ()),
                lambda copies=copies: copies.invalidate(["x"], "g"),
                lambda copies=copies: copies.tell({"a": {"local": 1}}, {}),
            ):
                with pytest.raises(Unreachable):
                    ask()
            assert time.monotonic() - began_s < 3 * 3 * CALLER_WAITS_S
