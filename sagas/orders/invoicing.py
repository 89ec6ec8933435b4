"""Another team's service: no code of ours, plain Kafka, dead letters the way Spring Kafka's recoverer writes them."""

from __future__ import annotations

import struct
from collections.abc import Callable

import orjson

from reliability.kafka import ports
from reliability.kernel.record import Header, Record
from sagas.orders.domain.workload import INVOICES_CREATED, INVOICING

GROUP = INVOICING
RECORD_S = 0.25
BATCH = 4
"""A record takes a quarter of a second, and commits come every second: a lag that can be watched going down."""
STOPPED_LOOK_S = 0.5
DEAD_LETTERS = f"{INVOICES_CREATED}-dlt"
CLASS = "org.example.billing.InvoiceListener"
_EXCEPTION = "java.lang.NumberFormatException"
_WRAPPER = "org.springframework.kafka.listener.ListenerExecutionFailedException"


class Invoicing:
    """Reads invoices, fails on decimal commas, publishes each failure to its dead-letter topic, commits after that.

    ``hangs``: it stays in its group and works off nothing. ``stopped``: it leaves its group and comes back later.
    ``work``: takes the time that a record takes.
    """

    def __init__(
        self,
        *,
        join: Callable[[], ports.Consumer],
        producer: ports.Producer,
        broken: Callable[[], bool],
        hangs: Callable[[], bool],
        stopped: Callable[[], bool],
        work: Callable[[float], object],
    ) -> None:
        self._join, self._producer = join, producer
        self._broken, self._hangs, self._stopped, self._work = broken, hangs, stopped, work
        self._consumer: ports.Consumer | None = None
        self._held: list[Record] = []

    def step(self) -> bool:
        """Work off one batch; return whether there was one."""
        if self._stopped():
            self._leave()
            self._work(STOPPED_LOOK_S)
            return False
        consumer = self._member()
        hangs = self._hangs()
        if hangs:  # it goes on asking, else it would lose its place in the group
            consumer.pause(consumer.assignment())
        else:
            consumer.resume(consumer.assignment())
        self._held += consumer.poll(max_records=BATCH, timeout_s=0.5)
        consumer.errors()  # a topic that does not exist yet is no reason to stop
        if hangs:
            return False
        records, self._held = self._held, []
        try:
            self._work_off(records)
            if records:
                consumer.commit({record.topic_partition: record.offset + 1 for record in records}, wait=True)
        except BaseException:
            self._leave()  # the next step joins anew, and reads again from what is committed
            raise
        return bool(records)

    def close(self) -> None:
        """Leave the group and flush."""
        self._leave()
        self._producer.close()

    def _member(self) -> ports.Consumer:
        if self._consumer is None:
            joining = self._join()
            try:
                joining.subscribe(topics=[INVOICES_CREATED])
            except BaseException:
                joining.close()
                raise
            self._consumer = joining
        return self._consumer

    def _leave(self) -> None:
        """What was read and not worked off is read again: it was not committed."""
        consumer, self._consumer, self._held = self._consumer, None, []
        if consumer is not None:
            consumer.close()

    def _work_off(self, records: list[Record]) -> None:
        broken = self._broken() if records else False
        for record in records:
            self._work(RECORD_S)
            if broken and _has_decimal_comma(record):
                self._dead_letter(record)
        if self._producer.flush(10.0):
            raise ports.Unavailable("the dead letters were not taken in time; the batch is read again")

    def _dead_letter(self, record: Record) -> None:
        self._producer.produce(
            topic=DEAD_LETTERS,
            key=record.key,
            value=record.value,
            headers=[*record.headers, *_spring_headers(record)],
            partition=record.partition,
        )


def _has_decimal_comma(record: Record) -> bool:
    try:
        event = orjson.loads(record.value or b"")
    except orjson.JSONDecodeError:
        return False
    return isinstance(event, dict) and "," in str(event.get("amount", ""))


def _spring_headers(record: Record) -> list[Header]:
    """Return what ``DeadLetterPublishingRecoverer`` adds: text as UTF-8, numbers as big-endian integers."""
    amount = orjson.loads(record.value or b"{}").get("amount")
    message = f'For input string: "{amount}"'
    stack = (
        f"{_WRAPPER}: Listener method could not be invoked\n"
        f"\tat org.springframework.kafka.listener.KafkaMessageListenerContainer.invoke(Container.java:2949)\n"
        f"Caused by: {_EXCEPTION}: {message}\n"
        f"\tat java.base/java.lang.Double.parseDouble(Double.java:892)\n"
        f"\tat {CLASS}.onInvoice(InvoiceListener.java:57)\n"
    )
    return [
        ("kafka_dlt-original-topic", record.topic.encode()),
        ("kafka_dlt-original-partition", struct.pack(">i", record.partition)),
        ("kafka_dlt-original-offset", struct.pack(">q", record.offset)),
        ("kafka_dlt-original-timestamp", struct.pack(">q", record.timestamp_ms or 0)),
        ("kafka_dlt-original-timestamp-type", b"CreateTime"),
        ("kafka_dlt-original-consumer-group", GROUP.encode()),
        ("kafka_dlt-exception-fqcn", _WRAPPER.encode()),
        ("kafka_dlt-exception-cause-fqcn", _EXCEPTION.encode()),
        ("kafka_dlt-exception-message", f"Listener method could not be invoked; {message}".encode()),
        ("kafka_dlt-exception-stacktrace", stack.encode()),
    ]
