"""Which tasks a worker sends itself while no beat ticks."""

from __future__ import annotations

from reliability.live.domain import ticks

SCHEDULE = [
    {"task": "dlq.feed", "schedule": 2.0, "options": {"expires": 2}},
    {"task": "dlq.sweep", "schedule": 300.0},
    {"task": "outbox.upkeep", "schedule": 30.0},
]
ROUTES = {"dlq.feed": {"queue": "critical"}, "dlq.sweep": {"queue": "bulk"}}


def own(*queues: str) -> list[str]:
    return [tick.task for tick in ticks.of_queues(SCHEDULE, routes=ROUTES, queues=queues, other="standard")]


def test_a_worker_sends_only_what_its_own_queues_carry() -> None:
    assert own("bulk") == ["dlq.sweep"]
    assert own("critical", "standard") == ["dlq.feed", "outbox.upkeep"], (
        "a task without a route is of the default queue"
    )
    assert own("relay") == []


def test_a_task_is_due_at_first_and_then_after_its_time() -> None:
    feed = ticks.Tick(task="dlq.feed", every_s=2, options={})
    upkeep = ticks.Tick(task="outbox.upkeep", every_s=30, options={})
    assert ticks.due([feed, upkeep], {}, now_s=100) == [feed, upkeep]
    sent = {"dlq.feed": 100.0, "outbox.upkeep": 100.0}
    assert ticks.due([feed, upkeep], sent, now_s=101.9) == []
    assert ticks.due([feed, upkeep], sent, now_s=102) == [feed]
