"""A broker that is down for a minute, and members that come and go: nothing false is told of a group that reads on."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka.admin import AdminClient, NewTopic
from django.conf import settings

from reliability.kafka import group_admin
from reliability.lag.domain import schedule
from reliability.lag.domain.values import WINDOW, Word
from reliability.lag.models import Cluster, Event, Group
from reliability.lag.polling.poller import Poller
from tests.scenarios.lag.flow import HOT_S, QUIET, SLOW_S, Flow, polled
from tests.support import own_broker

pytestmark = [pytest.mark.scenario, pytest.mark.slow, pytest.mark.django_db(transaction=True), pytest.mark.timeout(400)]

BACKOFF_S = 3.0
LOOKS = WINDOW + 3
"""Until every sample of a window is new."""


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[own_broker.OwnBroker]:
    with own_broker.running(tmp_path / "own") as running:
        yield running


def poller_of(profile: Mapping[str, Any], cluster: str, *, hot_s: float) -> Poller:
    return Poller(
        cluster,
        make_admin=partial(group_admin.GroupAdmin, dict(profile), client_id="test-lag", answer_s=5.0),
        intervals=schedule.Intervals(hot_s=hot_s, quiet_s=3.0, backoff_max_s=BACKOFF_S),
    )


def flow_of(profile: Mapping[str, Any], *, partitions: int) -> Flow:
    name = f"flow-{uuid.uuid4().hex[:6]}"
    admin = AdminClient({**profile, **QUIET})
    for made in admin.create_topics([NewTopic(name, partitions, 1)]).values():
        made.result(20)
    return Flow(profile, topic=name, group=name)


def alarms(group: Group) -> list[str]:
    told = Event.objects.filter(group=group, kind__in=("verdict", "alert"), status__in=("warn", "crit"))
    return [event.text for event in told]


def test_a_broker_that_is_down_for_long_is_told_and_nothing_false_of_its_groups(
    broker: own_broker.OwnBroker, outage_s: float
) -> None:
    with (
        flow_of(broker.profile, partitions=3).running() as flow,
        closing(poller_of(broker.profile, "far", hot_s=SLOW_S)) as poller,
    ):
        flow.writer(every_s=0.1)
        flow.member()
        polled(poller, for_s=LOOKS * SLOW_S)
        before = Group.objects.get(name=flow.group)
        assert before.word == Word.OK
        broker.stop()
        polled(poller, for_s=2 * outage_s)
        cluster = Cluster.objects.get(name="far")
        assert cluster.error
        assert cluster.error_since is not None
        during = Group.objects.get(name=flow.group)
        assert during.word == Word.OK, "what was known stays, with its age"
        assert before.polled_at <= during.polled_at < cluster.error_since
        broker.start()
        polled(poller, for_s=BACKOFF_S + LOOKS * SLOW_S)
        after = Group.objects.get(name=flow.group)
        assert Cluster.objects.get(name="far").error == ""
        assert after.polled_at > during.polled_at
        assert after.word == Word.OK, after.reason
        assert alarms(after) == []


def test_members_that_come_and_go_without_end_are_rebalances_and_no_standstill(outage_s: float) -> None:
    profile = dict(settings.KAFKA_CLUSTERS["main"])
    with flow_of(profile, partitions=6).running() as flow, closing(poller_of(profile, "main", hot_s=HOT_S)) as poller:
        flow.writer(every_s=0.05)
        for _ in range(2):
            flow.member()
        polled(poller, for_s=LOOKS * HOT_S)
        until = time.monotonic() + 3 * outage_s
        while time.monotonic() < until:
            leave = threading.Event()
            flow.member(until=leave)
            polled(poller, for_s=1.5)
            leave.set()
            polled(poller, for_s=1.0)
            row = Group.objects.get(name=flow.group)
            assert row.word in (Word.OK, Word.UNKNOWN), (row.word, row.reason)
        polled(poller, for_s=LOOKS * HOT_S)
        row = Group.objects.get(name=flow.group)
        assert (row.word, row.state, len(row.members)) == (Word.OK, "stable", 2)
        assert alarms(row) == []
        told = Event.objects.filter(group=row, kind="rebalance")
        assert told.exists()
        assert all(event.text for event in told)
