"""Pause and resume."""

from __future__ import annotations

import pytest

import outbox
from outbox import operations, queries
from outbox.operations.pausing import NoSuchShard
from reliability.access import Denied, Role
from reliability.kernel import clock
from tests.support.actors import actor
from tests.support.outbox import append, drain, make_relay, values

NOW = clock.SYSTEM.now


def test_a_paused_outbox_sends_nothing_and_goes_on_when_resumed(broker):
    relay = make_relay(broker)
    relay.step()
    assert operations.pause(actor=actor(), reason="broker upgrade", now=NOW()) == list(range(16))
    append(outbox.Event(topic="orders", key=b"k", value=b"1"))
    drain(relay)
    assert values(broker, "orders") == []
    assert operations.pause(actor=actor(), reason="again", now=NOW()) == []
    row = next(row for row in queries.shards(NOW()) if row.backlog)
    assert (row.state, row.paused_by, row.pause_reason) == ("paused", "ana", "broker upgrade")
    assert operations.resume(actor=actor()) == list(range(16))
    relay.close()
    drain(make_relay(broker))
    assert values(broker, "orders") == [b"1"]


def test_one_shard_can_be_paused_alone(broker):
    operations.pause(shards=[3], actor=actor(), reason="look at it", now=NOW())
    append(*[outbox.Event(topic="orders", key=str(n).encode(), value=b"v") for n in range(64)])
    drain(make_relay(broker))
    waiting = [row for row in queries.shards(NOW()) if row.backlog]
    assert [row.id for row in waiting] == [3]
    assert len(values(broker, "orders")) == 64 - waiting[0].backlog


def test_a_viewer_may_not_and_a_shard_must_exist():
    with pytest.raises(Denied):
        operations.pause(actor=actor(Role.VIEWER), reason="no", now=NOW())
    with pytest.raises(NoSuchShard):
        operations.pause(shards=[16], actor=actor(), reason="no", now=NOW())
