"""beat says that it lives only while it sends, or while there is nobody to send to."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from celery import signals

from reliability.live import operations, workers


class Clock:
    """A clock that a test moves."""

    now_s = 100.0

    def monotonic(self) -> float:
        return self.now_s


@pytest.fixture
def turns(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Callable[[], bool], Clock]]:
    """What beat's heartbeat asks before it beats, and the clock that it goes by."""
    asked: list[Callable[[], bool]] = []
    clock = Clock()
    before = list(signals.before_task_publish.receivers)

    def begin(name: str, *, turns: Callable[[], bool]) -> Callable[[], None]:
        asked.append(turns)
        return lambda: None

    monkeypatch.setattr(operations, "beat_in_background", begin)
    monkeypatch.setattr(workers.clock, "SYSTEM", clock)
    monkeypatch.setattr(workers, "_redis_is_away", lambda: False)
    monkeypatch.setattr(workers, "_ends", [])
    workers._beat_is_ready()
    yield asked[0], clock
    signals.before_task_publish.receivers = before
    signals.before_task_publish.sender_receivers_cache.clear()


def test_it_lives_while_it_sends(turns: tuple[Callable[[], bool], Clock]) -> None:
    turn, clock = turns
    for _ in range(5):
        clock.now_s += workers.SENDS_WITHIN_S - 1
        assert turn()
        signals.before_task_publish.send(sender="sagas.run")
    clock.now_s += workers.SENDS_WITHIN_S + 1
    assert not turn()
    signals.before_task_publish.send(sender="sagas.run")
    assert turn(), "it goes on"


def test_one_that_waits_for_redis_does_not_hang(
    turns: tuple[Callable[[], bool], Clock], monkeypatch: pytest.MonkeyPatch
) -> None:
    turn, clock = turns
    clock.now_s += workers.SENDS_WITHIN_S + 1
    monkeypatch.setattr(workers, "_redis_is_away", lambda: True)
    assert turn()
