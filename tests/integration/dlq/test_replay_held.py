"""A replay into a consumer that waits for a breaker would only pile up: it stops, and says for what."""

from __future__ import annotations

import pytest

from dlq.operations import replays
from reliability.live.operations import DatabaseHeartbeat
from tests.support.replays import World

pytestmark = pytest.mark.django_db(transaction=True)


def test_it_stops_while_the_consumer_is_held_back_by_an_open_breaker_and_goes_on_when_resumed(world: World) -> None:
    beats = DatabaseHeartbeat()
    run = world.approve(*world.letters(3))
    held = {"gate": "breaker payments: open", "gate_since": "2026-11-22T03:00:00+00:00"}
    beats.beat("consume:billing", state="running", facts=held)
    world.advance(1)
    assert world.feed(run) == 0
    run.refresh_from_db()
    assert (run.state, run.stop_reason) == (
        "stopped",
        "the consumer billing takes nothing now, held back by breaker payments: open",
    )
    beats.beat("consume:billing", state="running", facts={"gate": "ramp at 25%"})
    replays.resume(replay_id=run.pk, actor=world.operator, now=world.now)
    world.advance(1)
    assert world.feed(run) == 1
