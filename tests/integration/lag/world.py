"""A cluster in memory whose every detail a test sets, a clock, and pollers over it."""

from __future__ import annotations

from reliability.kafka import memory, ports
from reliability.kernel.clock import ManualClock
from reliability.kernel.record import TopicPartition
from reliability.lag.domain import schedule
from reliability.lag.domain.summary import PartitionRow
from reliability.lag.models import Group
from reliability.lag.polling.poller import Poller

PLACE = TopicPartition("orders", 0)
HOT_S = 5.0


class World:
    """A cluster with one topic of two partitions, a clock, and pollers."""

    def __init__(self, broker: memory.MemoryBroker | None = None) -> None:
        self.broker = broker or memory.MemoryBroker()
        self.play = self.broker.play
        self.time = ManualClock()
        self.broker.admin().create_topics({"orders": 2})
        self.pollers: list[Poller] = []
        self.poller = self.another()

    def another(self) -> Poller:
        made = Poller(
            "main",
            make_admin=self.broker.group_admin,
            intervals=schedule.Intervals(hot_s=HOT_S, quiet_s=60.0),
            time=self.time,
        )
        self.pollers.append(made)
        return made

    def member(self, name: str, *partitions: int) -> ports.GroupMember:
        return ports.GroupMember(
            id=f"{name}-id",
            client_id=name,
            host="/127.0.0.1",
            instance_id=None,
            owns=frozenset(TopicPartition("orders", each) for each in partitions),
        )

    def group(self, name: str = "billing", *members: ports.GroupMember, state: str = "") -> None:
        self.play.groups[name] = ports.GroupDescription(
            name=name,
            state=state or ("stable" if members else "empty"),
            protocol="classic",
            assignor="range",
            coordinator=1,
            members=members,
        )

    def commit(self, committed: int, *, name: str = "billing", partition: int = 0) -> None:
        self.broker.group(name).committed[TopicPartition("orders", partition)] = committed

    def end(self, end: int, *, partition: int = 0) -> None:
        self.play.ends[TopicPartition("orders", partition)] = end

    def polls(self, count: int = 1, *, each_s: float = HOT_S) -> None:
        for _ in range(count):
            self.poller.step()
            self.time.advance(each_s)

    def row(self, name: str = "billing") -> Group:
        return Group.objects.get(name=name)

    def partition(self, partition: int = 0, name: str = "billing") -> PartitionRow:
        rows = [PartitionRow(*each) for each in self.row(name).rows]
        return next(row for row in rows if row.partition == partition)
