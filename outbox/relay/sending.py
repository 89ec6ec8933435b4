"""Hands batches to Kafka and waits for its answers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import structlog

from outbox.relay.batch import Batch
from reliability.kafka import ports
from reliability.kernel import clock, failpoint
from reliability.kernel.errors import Transient

log = structlog.get_logger(__name__)

PATIENCE_S = 6.0  # after this without all answers the producer is dropped with all it holds, and all is sent again
# The client's own limit, per record, comes later: if it came first, it might drop a record and send the one behind it.
# And it is below the lease: what a relay that was stopped still holds when it wakes has mostly expired.
DELIVERY_TIMEOUT_S = 7.0
POLL_EVERY = 500  # produced records between two looks at the answers
WAIT_SLICE_S = 0.05  # between two looks at lease and heartbeat while answers are awaited

PRODUCER_SETTINGS: dict[str, object] = {
    "delivery.timeout.ms": int(DELIVERY_TIMEOUT_S * 1000),
    # If one record of a partition fails, none behind it may slip through: the producer stops, and all of them are
    # sent again, in order, by a new one.
    "enable.gapless.guarantee": True,
    "allow.auto.create.topics": False,  # with the broker's defaults, and after the partition was chosen
    # A deleted topic is told apart from a slow one well within our patience.
    "topic.metadata.propagation.max.ms": 2_000,
    "linger.ms": 2,
    "log_level": 3,  # else each start warns that the gapless guarantee does not cover the client's own timeout
}


OF_ONE_RECORD = frozenset(
    {
        "MSG_SIZE_TOO_LARGE",
        "RECORD_LIST_TOO_LARGE",
        "INVALID_MSG_SIZE",
        "INVALID_RECORD",
        "INVALID_TIMESTAMP",
        "UNSUPPORTED_FOR_MESSAGE_FORMAT",
        "_INVALID_ARG",
    }
)
"""Refusals that one record brings on all that travel with it; any other is about the topic."""


class NotDelivered(Transient):
    """Kafka did not take some of the events."""


class Sender:
    """Owns the producer; makes a new one after one broke."""

    def __init__(
        self, make_producer: Callable[[], ports.Producer], *, keep_alive: Callable[[], None], time: clock.Clock
    ) -> None:
        self._make_producer = make_producer
        self._time = time
        self._keep_alive = keep_alive
        self._producer: ports.Producer | None = None

    def produce(self, batches: Sequence[Batch]) -> None:
        """Hand over what is left of the batches, in order within each. Answers come in ``settle``."""
        try:
            self._produce(batches)
        except BaseException:
            self.discard()
            raise

    def settle(self, batches: Sequence[Batch]) -> None:
        """Wait until each record handed over is answered; the answers are in the batches.

        What Kafka refused for good is parked (with what follows in its lane); what may be sent again is in
        ``failed``. If ``keep_alive`` raises, nothing more leaves this process.
        """
        try:
            self._await_answers()
            if any(batch.failed for batch in batches):
                self.discard()  # a producer that lost a record takes no more; see enable.gapless.guarantee
                self._sort_out(batches)
        except BaseException:
            self.discard()
            raise

    def _sort_out(self, batches: Sequence[Batch]) -> None:
        if not any(error.permanent for batch in batches for error in batch.failed.values()):
            return
        doubtful = []
        for batch in batches:
            _refuse_topics(batch)
            if any(error.permanent for error in batch.failed.values()):
                doubtful.append(batch)
        for batch in doubtful:
            self._send_singly(batch)
        self._send_again([batch for batch in batches if batch not in doubtful and batch.failed])

    def discard(self) -> None:
        """Drop the producer, and all that it has not sent."""
        if self._producer is not None:
            producer, self._producer = self._producer, None
            producer.close(0.0)

    def _send_again(self, innocent: Sequence[Batch]) -> None:
        """Send what failed only because the producer stopped over another batch's record."""
        for batch in innocent:
            batch.failed.clear()
        if innocent:
            self._produce(innocent)
            self._await_answers()

    def _send_singly(self, batch: Batch) -> None:
        """Find the culprits: a refusal may name all records that travelled together. One at a time, still in order."""
        batch.failed.clear()
        for place in list(batch.left()):
            if batch.refuse_behind(place):
                continue
            self._produce_one(batch, place)
            self._await_answers()
            error = batch.failed.pop(place, None)
            if error is None:
                continue
            self.discard()
            if not error.permanent:
                batch.failed[place] = error
                return
            log.warning("event_refused", topic=batch.plan.sends[place].topic, code=error.code, reason=error.message)
            batch.refuse(place, error)

    def _produce(self, batches: Sequence[Batch]) -> None:
        try:
            for batch in batches:
                fresh = not batch.begun
                batch.begun = True
                if fresh:
                    self._produce_all(batch)
                else:
                    for place in batch.left():
                        if not batch.refuse_behind(place):
                            self._produce_one(batch, place)
        except ports.ClientBroken as error:
            # The answers say for which records: all that were not taken before.
            log.warning("producer_broke", error=str(error))
            self._fail_unproduced(batches, str(error))
        failpoint.reach("relay.after_produce")

    def _produce_all(self, batch: Batch) -> None:
        """The usual case, nothing of the batch sent yet, at full speed."""
        sends, hear, place = batch.plan.sends, batch.hear, 0
        while place < len(sends):
            producer = self._ready()
            upto = sends[: place + POLL_EVERY] if len(sends) > place + POLL_EVERY else sends
            place = producer.produce_many(upto, start=place, on_answer=hear)
            producer.poll(0.0)
            if place < len(upto):
                self._produce_one(batch, place)
                place += 1
            if batch.closed:
                self._produce_rest(batch, place)
                return

    def _produce_rest(self, batch: Batch, start: int) -> None:
        """One by one, with a look at each: a lane of the batch was closed."""
        for place in range(start, len(batch.plan.sends)):
            if not batch.refuse_behind(place):
                self._produce_one(batch, place)

    def _produce_one(self, batch: Batch, place: int) -> None:
        send = batch.plan.sends[place]
        while True:
            producer = self._ready()
            try:
                producer.produce(**send._asdict(), on_delivery=partial(_told, batch, place))
                return
            except ports.BufferFull:
                producer.poll(WAIT_SLICE_S)
                self._keep_alive()
            except ports.Rejected as rejected:
                log.warning("event_refused", topic=send.topic, code=rejected.error.code, reason=rejected.error.message)
                batch.refuse(place, rejected.error)
                return

    def _fail_unproduced(self, batches: Sequence[Batch], reason: str) -> None:
        error = ports.DeliveryError(code="producer_broke", message=reason, permanent=False)
        for batch in batches:
            for place in batch.left():
                batch.failed.setdefault(place, error)

    def _await_answers(self) -> None:
        producer, until_s = self._ready(), self._time.monotonic() + PATIENCE_S
        while producer.flush(WAIT_SLICE_S):
            if self._time.monotonic() > until_s:
                self.discard()  # tells every record that has no answer that it failed
                break
            self._keep_alive()
        failpoint.reach("relay.after_delivery")

    def _ready(self) -> ports.Producer:
        if self._producer is None:
            self._producer = self._make_producer()
        return self._producer


def _refuse_topics(batch: Batch) -> None:
    """Park what was refused because of its topic: to try each such record alone would take seconds each."""
    for place in list(batch.left()):
        error = batch.failed.get(place)
        if error is None or not error.permanent or error.code in OF_ONE_RECORD:
            continue
        del batch.failed[place]
        if not batch.refuse_behind(place):
            log.warning("event_refused", topic=batch.plan.sends[place].topic, code=error.code, reason=error.message)
            batch.refuse(place, error)


def _told(batch: Batch, place: int, delivery: ports.Delivery) -> None:
    batch.hear(place, delivery.offset, delivery.error)
