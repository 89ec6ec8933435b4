"""Polling consumer groups beside a bare script that sends the same requests and drops the answers."""

from __future__ import annotations

import gc
import os
import time
import uuid
from collections.abc import Callable, Iterator
from itertools import islice

import pytest

from reliability.kafka import clusters, memory, ports
from reliability.kernel import process
from reliability.kernel.clock import ManualClock
from reliability.kernel.record import TopicPartition
from reliability.lag.domain import schedule
from reliability.lag.domain.values import WINDOW
from reliability.lag.models import Group
from reliability.lag.polling.poller import Poller
from tests.benchmarks import printing

pytestmark = [pytest.mark.benchmark, pytest.mark.django_db(transaction=True), pytest.mark.timeout(1800)]

GROUPS, PARTITIONS = 200, 50
SIMULATED_GROUPS = 1_000
ROUNDS = 7
MEMORY_POLLS = 10_000
CHUNK = 20  # groups whose commits are set before a pause


def bare_poll(admin: ports.GroupAdmin) -> None:
    """The least that tells every group's lag: who there is, members, commits, where the logs begin and end."""
    listed = admin.groups()
    commits = admin.commits([group.name for group in listed])
    admin.describe(listed)
    layout = admin.layout()
    places = {place for found in commits.values() if not isinstance(found, ports.Problem) for place in found}
    places &= layout.keys()
    admin.starts(places)
    admin.ends(places, stable=True)
    admin.ends(places, stable=False)


def timed(work: Callable[[], object]) -> tuple[float, float]:
    """Wall and processor seconds of this process."""
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - wall, time.process_time() - cpu


@pytest.fixture
def crowd() -> Iterator[str]:
    """Groups on the real broker that have committed in every partition of one topic, and have no members."""
    topic = f"bench-lag-{uuid.uuid4().hex[:8]}"
    admin = clusters.admin()
    admin.create_topics({topic: PARTITIONS})
    groups = clusters.group_admin(client_id="bench-lag-maker")
    names = iter([f"{topic}-{number}" for number in range(GROUPS)])
    while chunk := list(islice(names, CHUNK)):
        for name in chunk:
            groups.commit(name, {TopicPartition(topic, partition): 0 for partition in range(PARTITIONS)})
    groups.close()
    yield topic
    admin.delete_topic(topic)


def whole_polls(cluster: str, make_admin: Callable[[], ports.GroupAdmin]) -> tuple[Poller, Callable[[], None]]:
    """A poller whose every step looks at every group, and what makes it do one."""
    time_ = ManualClock()
    poller = Poller(cluster, make_admin=make_admin, intervals=schedule.Intervals(hot_s=5.0, quiet_s=5.0), time=time_)

    def step() -> None:
        time_.advance(5.0)
        assert poller.step()

    return poller, step


def test_a_full_poll_of_the_real_broker(crowd: str) -> None:
    process.keep_what_is_loaded()
    admin = clusters.group_admin(client_id="bench-lag-bare")
    poller, step = whole_polls("main", lambda: clusters.group_admin(client_id="bench-lag"))
    for _ in range(WINDOW + 1):
        step()  # until the windows are full, and groups that stand still count as quiet
    bare_poll(admin)
    printing.heading(f"Lag: one full poll of {GROUPS} groups x {PARTITIONS} partitions on the real broker, all at rest")
    walls, cpus = [], []
    for _ in range(ROUNDS):
        (bare_wall, bare_cpu), (wall, cpu) = timed(lambda: bare_poll(admin)), timed(step)
        walls.append(wall / bare_wall)
        cpus.append(cpu / bare_cpu)
        printing.figure(
            "bare script / ours", f"{bare_wall * 1e3:.0f} / {wall * 1e3:.0f}",
            f"ms; processor {bare_cpu * 1e3:.0f} / {cpu * 1e3:.0f} ms",
        )  # fmt: skip
    assert Group.objects.filter(name__startswith=crowd, partitions=PARTITIONS).count() == GROUPS
    printing.figure("wall time as a ratio (median)", f"{printing.percentile(walls, 0.5):.2f}", "at most 1.5 is asked")
    printing.figure("processor time as a ratio (median)", f"{printing.percentile(cpus, 0.5):.2f}")
    poller.close()
    admin.close()


def simulated(groups: int) -> memory.MemoryBroker:
    """A cluster in memory: every group reads a topic of its own with two members, and lags in one partition."""
    broker = memory.MemoryBroker()
    broker.admin().create_topics({f"topic-{number}": PARTITIONS for number in range(groups)})
    for number in range(groups):
        topic, name = f"topic-{number}", f"group-{number}"
        places = [TopicPartition(topic, partition) for partition in range(PARTITIONS)]
        broker.group(name).committed.update(dict.fromkeys(places, 100))
        broker.play.ends.update(dict.fromkeys(places, 100))
        broker.play.ends[places[0]] = 120
        halves = (frozenset(places[::2]), frozenset(places[1::2]))
        broker.play.groups[name] = ports.GroupDescription(
            name=name,
            state="stable",
            protocol="classic",
            assignor="range",
            coordinator=1,
            members=tuple(
                ports.GroupMember(id=f"{name}-{at}", client_id="c", host="/10.0.0.1", instance_id=None, owns=half)
                for at, half in enumerate(halves)
            ),
        )
    return broker


def test_a_full_poll_of_a_thousand_groups_in_memory() -> None:
    process.keep_what_is_loaded()
    broker = simulated(SIMULATED_GROUPS)
    poller, step = whole_polls("main", broker.group_admin)
    printing.heading(f"Lag: one full poll of {SIMULATED_GROUPS:,} groups x {PARTITIONS} partitions, simulated")
    admin = broker.group_admin()
    for number in range(4):
        (bare_wall, _), (wall, cpu) = timed(lambda: bare_poll(admin)), timed(step)
        printing.figure(
            f"look {number + 1}",
            f"{wall * 1e3:,.0f} ms",
            f"processor {cpu * 1e3:,.0f} ms; answers alone {bare_wall * 1e3:,.0f}",
        )
    assert Group.objects.filter(partitions=PARTITIONS).count() == SIMULATED_GROUPS
    poller.close()


def test_memory_stays_flat() -> None:
    broker = simulated(20)
    poller, step = whole_polls("main", broker.group_admin)
    printing.heading(f"Lag: memory over {MEMORY_POLLS:,} polls of 20 groups x {PARTITIONS} partitions")
    seen = []
    for number in range(MEMORY_POLLS + 1):
        place = TopicPartition(f"topic-{number % 20}", number % PARTITIONS)
        broker.play.ends[place] = broker.play.ends[place] + 3
        step()
        if number % (MEMORY_POLLS // 10) == 0:
            gc.collect()
            seen.append(printing.memory_mb(os.getpid()))
            printing.figure(f"after {number:,} polls", f"{seen[-1]:.1f} MB")
    poller.close()
    assert max(seen[2:]) - min(seen[2:]) < 10, "it grows"
