"""How a process hosts a relay: made from the settings, stepped until told to stop."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence

from django.conf import settings

from outbox.relay.engine import Kafka, Relay
from outbox.relay.leases import identity
from outbox.relay.sending import PRODUCER_SETTINGS, SINGLE_SETTINGS
from outbox.relay.wake import Waker
from reliability.breakers import waits_for
from reliability.kafka import clusters, ports
from reliability.kernel import clock, process

ADMIN_ANSWER_S = 4.0  # below the lease, as the relay waits for the answer

NAME = "relay"
"""Of the heartbeat."""


def of_this_process(*, hosting: str) -> Relay:
    """Return a relay for the outbox and the main cluster that the settings name; the caller closes it.

    ``hosting`` is shown on the outbox page: ``worker`` or ``process``.
    """
    kafka = Kafka(
        producer=lambda: clusters.producer(client_id="mainstay-relay", settings=PRODUCER_SETTINGS),
        single=lambda: clusters.producer(client_id="mainstay-relay-single", settings=SINGLE_SETTINGS),
        admin=clusters.admin(answer_s=ADMIN_ANSWER_S),
        reader=clusters.reader(client_id="mainstay-relay-search"),
    )
    me = identity(hosting=hosting, started_at=clock.SYSTEM.now())
    outbox = getattr(settings, "MAINSTAY_OUTBOX_NAME", "main")
    return Relay(me=me, outbox=outbox, kafka=kafka, gates=gates(getattr(settings, "MAINSTAY_OUTBOX_WAITS_FOR", {})))


def gates(waits: Mapping[str, Sequence[str]]) -> dict[str, ports.Gate]:
    """Return the gate of each topic that waits for breakers, named by their names; raises ``WrongRules``."""
    return {topic: waits_for(*names) for topic, names in waits.items() if names}


def serve(relay: Relay, *, stop: threading.Event, heartbeat: process.Heartbeat, until_s: float = float("inf")) -> None:
    """Step the relay until ``stop`` is set or the monotonic clock reaches ``until_s``."""
    waker = Waker(stop=stop)
    ended = _EndsBy(stop, until_s)
    relay.stopping = stop
    try:
        process.run(_stepping(relay.step, waker), name=NAME, heartbeat=heartbeat, stop=ended, facts=relay.facts)
    finally:
        waker.close()


def _stepping(step: Callable[[], bool], waker: Waker) -> Callable[[], bool]:
    def stepped() -> bool:
        if step():
            waker.worked()
        else:
            waker.wait()
        return True

    return stepped


class _EndsBy(threading.Event):
    """An event that is set with another one, or when its time has come."""

    def __init__(self, stop: threading.Event, until_s: float) -> None:
        super().__init__()
        self._stop = stop
        self._until_s = until_s

    def is_set(self) -> bool:
        return self._stop.is_set() or clock.SYSTEM.monotonic() >= self._until_s

    def wait(self, timeout: float | None = None) -> bool:
        return self._stop.wait(timeout) or self.is_set()
