"""What our own services do with a record: once, in a transaction, with retries, and a dead letter at the end.

Per record: admission and handler in one unit. A failure is answered by what it is:

- Transient: again after a short wait, in place, some times; then, where the order of a key may be given up, through
  retry topics with growing delays; then a dead letter.
- Postponed: again when it says so; this counts as no try.
- Permanent: a dead letter at once.
- an error nobody declared: again in place some times, then a dead letter with cause *bug*.
- the store is away: again until it is back; this counts as no try.
- the process died while handling it: after some deaths a dead letter, without handling it again.

The dead letter (or the record for the retry topic) and the inbox's "gave up" are written in one unit.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

import structlog
from opentelemetry.trace import SpanKind

from reliability.kafka import failure, incoming, ports
from reliability.kafka.failure import Failure
from reliability.kafka.incoming import Incoming
from reliability.kafka.ports import Progress
from reliability.kafka.tries import HandlingPolicy, Tries
from reliability.kernel import backoff, clock, wire
from reliability.kernel.errors import Permanent, Postponed, Transient
from reliability.kernel.record import Record, TopicPartition
from reliability.kernel.telemetry import metrics, names, tracing

log = structlog.get_logger(__name__)

AWAY_BASE_S = 0.25
AWAY_CAP_S = 10.0
POSTPONED_CAP_S = 5.0  # what is postponed for long may be let go on early, by a person or by others' tries


class Handling:
    """The `work` of a consume loop. Called from one thread at a time."""

    def __init__(
        self,
        *,
        group: str,
        handler: Callable[[Incoming], None],
        admission: ports.Admission,
        sink: ports.Sink,
        policy: HandlingPolicy,
        tier_of: Callable[[str], int | None] = lambda topic: None,
        chance: Callable[[], float] = random.random,
        time: clock.Clock = clock.SYSTEM,
    ) -> None:
        """`tier_of`: the place of a retry topic among the group's, from 0; None for any other topic."""
        self._group = group
        self._handler = handler
        self._admission = admission
        self._sink = sink
        self._policy = policy
        self._tier_of = tier_of
        self._chance = chance
        self._time = time
        self._tries: dict[TopicPartition, Tries] = {}
        self._begun: dict[TopicPartition, int] = {}
        self._alone_until: dict[TopicPartition, int] = {}

    def __call__(self, records: Sequence[Record]) -> Progress:
        """Handle records of one partition, in order, as far as it goes now."""
        first = records[0]
        if len(records) > 1 and first.offset > self._alone_until.get(first.topic_partition, -1):
            return self._together(records)
        return self._one(self._incoming(first))

    # --- several at once: only for handlers whose whole effect is in the database

    def _together(self, records: Sequence[Record]) -> Progress:
        """All in one unit. When that fails, nothing was done, and each is handled alone."""
        batch = [self._incoming(record) for record in records]
        self._alone_until[records[0].topic_partition] = records[-1].offset
        if any(record.headers_unreadable for record in records):
            return self._one(batch[0])
        try:
            starts = self._start(batch[0])
        except Exception as error:  # noqa: BLE001 - answered by what it is
            return self._failed(batch[0], error)
        if starts > 1:  # a process died over these, nobody knows over which
            return self._one(batch[0], starts=starts)
        ours = [one for one in batch if not self._is_for_others(one)]
        try:
            with self._admission.unit():
                admitted = self._admission.admit(ours)
                for one, fresh in zip(ours, admitted, strict=True):
                    if fresh:
                        self._handle(one)
        except Postponed as error:
            del self._alone_until[records[0].topic_partition]  # nothing is wrong with any of them
            return self._failed(batch[0], error)
        except Exception as error:  # noqa: BLE001 - whatever it is, one record at a time will tell whose it is
            log.info("batch_failed_going_one_by_one", group=self._group, records=len(batch), error=str(error)[:300])
            return self._one(batch[0])
        del self._alone_until[records[0].topic_partition]
        self._count("done", sum(admitted))
        self._count("seen_before", len(ours) - sum(admitted))
        return Progress(done=len(records))

    # --- one record

    def _one(self, one: Incoming, *, starts: int | None = None) -> Progress:
        """One record in its own unit. `starts` is given when its start is noted already."""
        if self._is_for_others(one):
            return self._finished(one)
        if one.record.headers_unreadable:
            return self._settle(one, self._describe(failure.UnreadableHeaders()))
        fresh = False
        try:
            starts = starts or self._start(one)
            if starts > 1:
                self._tries_of(one).deaths = starts - 1
            if starts <= self._policy.deaths_max:
                with self._admission.unit():
                    fresh = self._admission.admit([one])[0]
                    if fresh:
                        self._handle(one)
        except Exception as error:  # noqa: BLE001 - every failure of a handler has an answer: see the module
            return self._failed(one, error)
        if starts > self._policy.deaths_max:
            deadly = failure.KilledTheConsumer(f"it killed the consumer {starts - 1} times while it was handled")
            return self._settle(one, self._describe(deadly))
        self._count("done" if fresh else "seen_before", 1)
        return self._finished(one)

    def _handle(self, one: Incoming) -> None:
        started_s = self._time.monotonic()
        attributes: dict[str, str | int] = {
            "messaging.system": "kafka",
            "messaging.consumer.group.name": self._group,
            "messaging.destination.name": one.record.topic,
            "messaging.destination.partition.id": str(one.record.partition),
            "messaging.kafka.offset": one.record.offset,
        }
        if wire.first(one.record.headers, wire.REPLAY) is not None:
            attributes[tracing.ALWAYS] = True
        try:
            with tracing.span(
                f"consume {one.origin.topic}",
                attributes=attributes,
                parent_headers=one.record.headers,
                kind=SpanKind.CONSUMER,
            ):
                self._handler(one)
        finally:
            metrics.observe(names.HANDLER_DURATION, self._time.monotonic() - started_s, group=self._group)

    def _failed(self, one: Incoming, error: Exception) -> Progress:
        tries = self._tries_of(one)
        if self._admission.is_away(error):
            return self._wait_for_store(one, tries, error)
        self._stop_counting_the_start(one)
        if isinstance(error, Postponed):
            return self._postponed(one, error)
        tries.failed += 1
        if isinstance(error, Permanent):
            return self._settle(one, self._describe(error))
        retries = self._policy.blocking_retries if isinstance(error, Transient) else self._policy.undeclared_retries
        if tries.failed > retries:
            return self._settle(one, self._describe(error), may_retry=isinstance(error, Transient))
        wait_s = backoff.delay_s(
            attempt=tries.failed,
            base_s=self._policy.wait_base_s,
            cap_s=self._policy.wait_cap_s,
            random=self._chance,
        )
        self._count("failed", 1)
        log.info("record_waits", group=self._group, tries=tries.failed, error=str(error)[:300], **_coordinates(one))
        return Progress(done=0, wait_s=wait_s, reason=f"try {tries.failed} failed: {type(error).__name__}")

    def _postponed(self, one: Incoming, error: Postponed) -> Progress:
        """Not tried: it waits, and what was tried of it before stays as it was."""
        self._count("postponed", 1)
        log.debug("record_postponed", group=self._group, error=str(error)[:300], **_coordinates(one))
        return Progress(done=0, wait_s=min(error.retry_after_s, POSTPONED_CAP_S), reason=str(error)[:300])

    def _settle(self, one: Incoming, why: Failure, *, may_retry: bool = False) -> Progress:
        """Hand the record over to a retry topic or the dead letters, and note it, in one unit."""
        delay_s = self._next_delay_s(one) if may_retry else None
        retried, tries = False, self._tries_of(one).made
        try:
            with self._admission.unit():
                fresh = self._admission.admit([one])[0]
                if fresh:
                    retried = delay_s is not None and self._sink.retry(one, delay_s=delay_s, failure=why, tries=tries)
                    if not retried:
                        self._sink.dead_letter(one, failure=why, tries=tries)
                    self._admission.settle(one, "retrying" if retried else "gave_up")
        except Exception as error:
            if self._admission.is_away(error):
                return self._wait_for_store(one, self._tries_of(one), error)
            raise  # the loop says so, waits and hands the record over again: a record is never dropped
        if not fresh:
            self._count("seen_before", 1)
            return self._finished(one)
        if retried:
            self._count("retried", 1)
            metrics.inc(names.RETRIES, group=self._group)
        else:
            self._count("gave_up", 1)
            metrics.inc(names.DEAD_LETTERED, group=self._group, cause=why.cause)
        log.warning(
            "record_sent_to_retry" if retried else "record_given_up",
            group=self._group,
            attempt=one.attempt,
            tries=tries,
            cause=why.cause,
            error=f"{why.error_type}: {why.message}"[:300],
            **_coordinates(one),
        )
        return self._finished(one)

    def _wait_for_store(self, one: Incoming, tries: Tries, error: Exception) -> Progress:
        """Not the record's fault: wait without counting, and without calling it a start that never ended."""
        tries.away += 1
        wait_s = backoff.delay_s(attempt=tries.away, base_s=AWAY_BASE_S, cap_s=AWAY_CAP_S, random=self._chance)
        log.warning("store_away", group=self._group, times=tries.away, error=str(error)[:300], **_coordinates(one))
        return Progress(done=0, wait_s=wait_s, reason=f"the database is away: {type(error).__name__}")

    # --- what is remembered of the record at the head of a partition

    def _start(self, one: Incoming) -> int:
        """Note that work on it starts, once as long as this process lives; how many starts never ended."""
        if self._begun.get(one.partition) == one.record.offset:
            return 1  # an earlier note could not be taken back, because the store was away: it is this process's own
        starts = self._admission.begin(one)
        self._begun[one.partition] = one.record.offset
        return starts

    def _stop_counting_the_start(self, one: Incoming) -> None:
        try:
            self._admission.end(one)
        except Exception as error:
            if not self._admission.is_away(error):
                raise
            return
        self._begun.pop(one.partition, None)

    def _tries_of(self, one: Incoming) -> Tries:
        tries = self._tries.get(one.partition)
        if tries is None or tries.offset != one.record.offset:
            tries = self._tries[one.partition] = Tries(offset=one.record.offset)
        return tries

    def _finished(self, one: Incoming) -> Progress:
        self._tries.pop(one.partition, None)
        self._begun.pop(one.partition, None)
        return Progress(done=1)

    # --- small questions

    def _incoming(self, record: Record) -> Incoming:
        return incoming.incoming(record, from_retry=self._tier_of(record.topic) is not None)

    def _next_delay_s(self, one: Incoming) -> int | None:
        """The delay of the retry topic after the one it comes from; None when there is none."""
        tier = self._tier_of(one.record.topic)
        later = self._policy.retries[0 if tier is None else tier + 1 :]
        return later[0] if later else None

    def _is_for_others(self, one: Incoming) -> bool:
        if one.target_group is None or one.target_group == self._group:
            return False
        self._count("for_another_group", 1)
        return True

    def _describe(self, error: Exception) -> Failure:
        return failure.of(error, failed_at=self._time.now())

    def _count(self, outcome: str, by: int) -> None:
        if by:
            metrics.inc(names.CONSUMED, by, group=self._group, outcome=outcome)


def _coordinates(one: Incoming) -> dict[str, object]:
    trace_id = tracing.trace_id_of(one.record.headers)  # the record's own: the span of its handler has ended
    place = {"topic": one.record.topic, "partition": one.record.partition, "offset": one.record.offset}
    return place | ({"trace_id": trace_id} if trace_id else {})
