"""A producer that is made again after it broke, and single records through it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import structlog

from outbox.relay.batch import Batch
from reliability.kafka import ports
from reliability.kernel import clock

log = structlog.get_logger(__name__)

PATIENCE_S = 6.0  # after this without all answers the producer is dropped with all it holds, and all is sent again
WAIT_SLICE_S = 0.05  # between two looks at lease and heartbeat while answers are awaited


class Line:
    """Owns a producer; makes a new one after one broke."""

    def __init__(
        self, make_producer: Callable[[], ports.Producer], *, keep_alive: Callable[[], None], time: clock.Clock
    ) -> None:
        self._make_producer = make_producer
        self._keep_alive = keep_alive
        self._time = time
        self._producer: ports.Producer | None = None

    def ready(self) -> ports.Producer:
        """Return the producer."""
        if self._producer is None:
            self._producer = self._make_producer()
        return self._producer

    def discard(self) -> None:
        """Drop the producer, and all that it has not sent."""
        if self._producer is not None:
            producer, self._producer = self._producer, None
            producer.close(0.0)

    def produce_one(self, batch: Batch, place: int) -> None:
        """Hand over one send of a batch; what the client itself refuses is parked. Raises ``ClientBroken``."""
        send = batch.plan.sends[place]
        while True:
            producer = self.ready()
            try:
                producer.produce(**send._asdict(), on_delivery=partial(_told, batch, place))
                return
            except ports.BufferFull:
                producer.poll(WAIT_SLICE_S)
                self._keep_alive()
            except ports.Rejected as rejected:
                refuse(batch, place, rejected.error)
                return

    def await_answers(self) -> None:
        """Wait for the answer to each record handed over; those without one in time have failed."""
        producer, until_s = self.ready(), self._time.monotonic() + PATIENCE_S
        while producer.flush(WAIT_SLICE_S):
            if self._time.monotonic() > until_s:
                self.discard()  # tells every record that has no answer that it failed
                break
            self._keep_alive()


def refuse(batch: Batch, place: int, error: ports.DeliveryError) -> None:
    """Park a send for good, and say so."""
    log.warning("event_refused", topic=batch.plan.sends[place].topic, code=error.code, reason=error.message)
    batch.refuse(place, error)


def _told(batch: Batch, place: int, delivery: ports.Delivery) -> None:
    batch.hear(place, delivery.offset, delivery.error)
