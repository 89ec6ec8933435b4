"""Where failed records go: through the outbox, in the transaction that notes that they failed."""

from __future__ import annotations

from collections.abc import Iterator

import structlog

from outbox.consume.plan import TopicPlan
from outbox.domain.event import WrongEvent
from outbox.operations import append
from reliability.kafka import failure as failures
from reliability.kafka.failure import Failure
from reliability.kafka.incoming import ATTEMPT_MAX, Incoming
from reliability.kernel import wire
from reliability.kernel.record import Header

log = structlog.get_logger(__name__)

LEFT_OUT = wire.DLQ_PREFIX + "left-out"
"""On a dead letter that could not be written whole: what is missing, and how large it was. It is at the origin."""

_OURS = frozenset({wire.MESSAGE_ID, wire.ATTEMPT})


class OutboxSink:
    """See ``reliability.kafka.ports.Sink``."""

    def __init__(self, plan: TopicPlan) -> None:
        self._plan = plan

    def retry(self, incoming: Incoming, *, delay_s: int, failure: Failure, tries: int) -> bool:
        """See the port. The partition follows from the key, so a key's records stay together there too."""
        origin = self._plan.own_topic(incoming.record.topic)
        attempt = incoming.attempt + tries
        if attempt > ATTEMPT_MAX:  # it would be read as the attempt that is given up here, and passed over
            return False
        headers = (*_kept(incoming), *_lineage(incoming, attempt=attempt), *_origin(incoming, failure))
        try:
            append.append(
                topic=wire.retry_topic(origin, self._plan.group, delay_s),
                key=incoming.record.key,
                value=incoming.record.value,
                headers=headers,
                raw=True,
            )
        except WrongEvent as error:
            log.warning("retry_not_possible", group=self._plan.group, error=str(error))
            return False
        return True

    def dead_letter(self, incoming: Incoming, *, failure: Failure, tries: int) -> None:
        """See the port. The original headers in front, key and value as they were; what does not fit is left out and
        the letter says so, because a record that cannot be given up would stop its partition for good."""
        topic = wire.dlq_topic(self._plan.own_topic(incoming.record.topic), self._plan.group)
        refused: WrongEvent | None = None
        for key, value, headers in self._forms(incoming, failure, tries):
            try:
                append.append(topic=topic, key=key, value=value, headers=headers, raw=True)
            except WrongEvent as error:
                refused = error
                continue
            if refused is not None:
                log.warning("dead_letter_cut", topic=topic, error=str(refused))
            return
        raise refused or AssertionError("no form of a dead letter was tried")

    def _forms(
        self, incoming: Incoming, failure: Failure, tries: int
    ) -> Iterator[tuple[bytes | None, bytes | None, tuple[Header, ...]]]:
        """The letter whole; without its stack; with nothing but where to find the record."""
        record = incoming.record
        lineage = _lineage(incoming, attempt=incoming.attempt)
        short = (*lineage, *_origin(incoming, failure), *_error(incoming, failure, self._plan.group, tries))
        stack: Header = (wire.DLQ_ERROR_STACK, failures.stack_bytes(failure))
        yield record.key, record.value, (*_kept(incoming), *short, stack)
        yield record.key, record.value, (*_kept(incoming), *short)
        size = len(record.value or b"")
        yield None, None, (*short, (LEFT_OUT, f"key, value of {size} bytes, headers".encode()))


def _kept(incoming: Incoming) -> tuple[Header, ...]:
    """The record's own headers: all but those that we write anew."""
    return tuple(
        (name, value)
        for name, value in incoming.record.headers
        if name not in _OURS and not name.startswith(wire.DLQ_PREFIX)
    )


def _lineage(incoming: Incoming, *, attempt: int) -> tuple[Header, ...]:
    return (
        (wire.MESSAGE_ID, incoming.message_id.encode()),
        (wire.ATTEMPT, str(attempt).encode()),
    )


def _origin(incoming: Incoming, failure: Failure) -> tuple[Header, ...]:
    """The first origin and the first failure: written once, carried on by every retry."""
    origin = incoming.origin
    first_failed_ms = incoming.first_failed_ms or _ms(failure)
    stamp = () if origin.timestamp_ms is None else ((wire.DLQ_ORIGIN_TIMESTAMP, str(origin.timestamp_ms).encode()),)
    return (
        (wire.DLQ_ORIGIN_TOPIC, origin.topic.encode()),
        (wire.DLQ_ORIGIN_PARTITION, str(origin.partition).encode()),
        (wire.DLQ_ORIGIN_OFFSET, str(origin.offset).encode()),
        *stamp,
        (wire.DLQ_FIRST_FAILED_AT, str(first_failed_ms).encode()),
    )


def _error(incoming: Incoming, failure: Failure, group: str, tries: int) -> tuple[Header, ...]:
    made = min(incoming.attempt - 1 + tries, ATTEMPT_MAX)  # in all: those before this delivery, and its own
    return (
        (wire.DLQ_GROUP, group.encode()),
        (wire.DLQ_ATTEMPTS, str(made).encode()),
        (wire.DLQ_ERROR_TYPE, failure.error_type.encode(errors="backslashreplace")),
        (wire.DLQ_ERROR_MESSAGE, failures.message_bytes(failure)),
        (wire.DLQ_CAUSE, failure.cause.encode()),
        (wire.DLQ_FAILED_AT, str(_ms(failure)).encode()),
    )


def _ms(failure: Failure) -> int:
    return int(failure.failed_at.timestamp() * 1000)
