"""A consume loop on the broker in memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from reliability.kafka import lanes, ports, worker
from reliability.kafka.loop import Listeners, Loop, LoopPolicy
from reliability.kafka.memory import MemoryBroker
from reliability.kafka.ports import Progress
from reliability.kernel.clock import ManualClock
from reliability.kernel.record import Record, TopicPartition

ORDERS_0, ORDERS_1 = TopicPartition("orders", 0), TopicPartition("orders", 1)


@dataclass
class Bench:
    """A broker with the topic `orders`, a clock that stands still, and a loop that works on this thread."""

    broker: MemoryBroker = field(default_factory=MemoryBroker)
    clock: ManualClock = field(default_factory=ManualClock)
    consumers: list[ports.Consumer] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.broker.log.create({"orders": 2})

    def write(self, *values: bytes, partition: int = 0, topic: str = "orders") -> None:
        producer = self.broker.producer()
        for value in values:
            producer.produce(topic=topic, key=None, value=value, partition=partition)
        producer.close()

    def connect(self) -> ports.Consumer:
        self.consumers.append(self.broker.consumer(group="g"))
        return self.consumers[-1]

    def loop(
        self,
        work: ports.Work,
        *,
        gate: ports.Gate = ports.ALWAYS_OPEN,
        due_s: lanes.DueS = lanes.due_at_once,
        tell: Listeners | None = None,
        batch: int = 1,
    ) -> Loop:
        return Loop(
            connect=self.connect,
            work=work,
            topics=["orders"],
            gate=gate,
            due_s=due_s,
            tell=tell,
            policy=LoopPolicy(batch=batch, idle_s=0.0, commit_every_s=0.0),
            hands=worker.Inline(),
            time=self.clock,
        )

    def committed(self) -> dict[TopicPartition, int]:
        return dict(self.broker.group("g").committed)


def steps(loop: Loop, count: int = 12) -> None:
    for _ in range(count):
        loop.step()


class Worked:
    """Work that succeeds, and remembers."""

    def __init__(self) -> None:
        self.values: list[bytes | None] = []
        self.sizes: list[int] = []

    def __call__(self, records: Sequence[Record]) -> Progress:
        self.values += [record.value for record in records]
        self.sizes.append(len(records))
        return Progress(done=len(records))
