"""Hands batches to Kafka and waits for its answers."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import structlog

from outbox.relay import refusing
from outbox.relay.batch import Batch
from outbox.relay.producing import Line, refuse
from outbox.relay.topics import Topics
from reliability.kafka import ports
from reliability.kernel import clock, failpoint
from reliability.kernel.errors import Transient

log = structlog.get_logger(__name__)

# The client's own limit, per record, comes later: if it came first, it might drop a record and send the one behind it.
# And it is below the lease: what a relay that was stopped still holds when it wakes has mostly expired.
DELIVERY_TIMEOUT_S = 7.0
POLL_EVERY = 500  # produced records between two looks at the answers
SINGLY_S = 1.0  # of a step: then what is sent alone waits for the next one, and other shards go on in between

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

SINGLE_SETTINGS: dict[str, object] = PRODUCER_SETTINGS | {
    # For one record at a time: nothing can slip past it, so the producer need not stop over a refused one. A new one
    # that guards against gaps takes half a second to begin. Without the guard no try may be repeated unseen.
    "enable.gapless.guarantee": False,
    "enable.idempotence": False,
    "max.in.flight.requests.per.connection": 1,
    "retries": 0,
}


class NotDelivered(Transient):
    """Kafka did not take some of the events."""


class Sender:
    """Sends batches, and alone what Kafka refuses together with others.

    ``make_single`` makes the producer for records sent alone, which goes on after a refusal; without it the usual one
    is made anew after each.
    """

    def __init__(
        self,
        make_producer: Callable[[], ports.Producer],
        *,
        make_single: Callable[[], ports.Producer] | None = None,
        topics: Topics,
        keep_alive: Callable[[], None],
        time: clock.Clock,
    ) -> None:
        self._line = Line(make_producer, keep_alive=keep_alive, time=time)
        self._single = Line(make_single or make_producer, keep_alive=keep_alive, time=time)
        self._single_goes_on = make_single is not None
        self._topics = topics
        self._keep_alive = keep_alive
        self._time = time

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
        ``failed``. A batch whose culprits are not all found in time has ``unfinished`` set, and is to be produced and
        settled again soon. If ``keep_alive`` raises, nothing more leaves this process.
        """
        try:
            until_s = self._time.monotonic() + SINGLY_S
            self._await_answers()
            sought = [batch for batch in batches if batch.failed or batch.apart or batch.doomed]
            if any(batch.failed for batch in batches):
                self._line.discard()  # a producer that lost a record takes no more; see enable.gapless.guarantee
                self._sort_out(batches, until_s)
            self._send_apart([batch for batch in batches if batch.apart], until_s)
            for batch in batches:
                refusing.park_doomed(batch)
                batch.unfinished = batch in sought and not batch.complete and not batch.failed
        except BaseException:
            self.discard()
            raise

    def discard(self) -> None:
        """Drop the producers, and all that they have not sent."""
        self._line.discard()
        self._single.discard()

    def _sort_out(self, batches: Sequence[Batch], until_s: float) -> None:
        """Decide about what was refused and send the innocent again, as long as that brings further refusals."""
        while any(refusing.permanent(batch) for batch in batches):
            refusing.sort_out(batches, topics=self._topics)
            innocent = [batch for batch in batches if batch.failed]
            for batch in innocent:
                batch.failed.clear()
            if not innocent or self._time.monotonic() > until_s:
                return
            self._produce(innocent)
            self._await_answers()
            if any(batch.failed for batch in innocent):
                self._line.discard()

    def _send_apart(self, batches: Sequence[Batch], until_s: float) -> None:
        """Send the topics that were set apart, each batch for its part of the time that is left."""
        for number, batch in enumerate(batches):
            now_s = self._time.monotonic()
            self._send_singly(batch, now_s + max(until_s - now_s, 0.0) / (len(batches) - number))
        if not any(batch.apart for batch in batches):
            self._single.discard()

    def _send_singly(self, batch: Batch, until_s: float) -> None:
        """Find the culprits: a refusal may name all records that travelled together. One at a time, still in order."""
        for place in list(batch.left()):
            if place > batch.apart.get(batch.plan.sends[place].topic, -1) or batch.refuse_behind(place):
                continue
            if place in batch.doomed:
                refuse(batch, place, batch.doomed[place])
            elif not self._send_one(batch, place):
                return
            if self._time.monotonic() > until_s:
                return  # at least one was sent: it ends
        batch.apart.clear()  # what is behind the last suspect goes with the others

    def _send_one(self, batch: Batch, place: int) -> bool:
        """Send one record and park it if it is refused; tell whether it was answered."""
        self._keep_alive()
        self._single.produce_one(batch, place)
        self._single.await_answers()
        error = batch.failed.pop(place, None)
        if error is None:
            return True
        if not (error.permanent and self._single_goes_on):
            self._single.discard()
        if error.permanent:
            refuse(batch, place, error)
        else:
            batch.failed[place] = error
        return error.permanent

    def _produce(self, batches: Sequence[Batch]) -> None:
        try:
            for batch in batches:
                fresh = not batch.begun
                batch.begun = True
                if fresh:
                    self._produce_all(batch)
                else:
                    self._produce_left(batch)
        except ports.ClientBroken as error:
            # The answers say for which records: all that were not taken before.
            log.warning("producer_broke", error=str(error))
            self._fail_unproduced(batches, str(error))
        failpoint.reach("relay.after_produce")

    def _produce_all(self, batch: Batch) -> None:
        """The usual case, nothing of the batch sent yet, at full speed."""
        sends, hear, place = batch.plan.sends, batch.hear, 0
        while place < len(sends):
            producer = self._line.ready()
            upto = sends[: place + POLL_EVERY] if len(sends) > place + POLL_EVERY else sends
            place = producer.produce_many(upto, start=place, on_answer=hear)
            producer.poll(0.0)
            if place < len(upto):
                self._line.produce_one(batch, place)
                place += 1
            if batch.closed:
                self._produce_rest(batch, place)
                return

    def _produce_rest(self, batch: Batch, start: int) -> None:
        """One by one, with a look at each: a lane of the batch was closed."""
        for place in range(start, len(batch.plan.sends)):
            if not batch.refuse_behind(place):
                self._line.produce_one(batch, place)

    def _produce_left(self, batch: Batch) -> None:
        for place in batch.sendable():
            self._line.produce_one(batch, place)

    def _fail_unproduced(self, batches: Sequence[Batch], reason: str) -> None:
        error = ports.DeliveryError(code="producer_broke", message=reason, permanent=False)
        for batch in batches:
            for place in batch.left():
                if place not in batch.doomed and batch.plan.sends[place].topic not in batch.apart:
                    batch.failed.setdefault(place, error)

    def _await_answers(self) -> None:
        self._line.await_answers()
        failpoint.reach("relay.after_delivery")
