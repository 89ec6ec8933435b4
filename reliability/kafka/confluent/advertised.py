"""Which addresses a cluster's brokers name as their own, also when no question to it is answered.

Once librdkafka was told them it leaves the bootstrap servers for them: where none of them can be resolved or reached,
every question fails with "transport failure", and only its statistics still know where it wanted to go.
"""

from __future__ import annotations

import json
import queue
import threading
from contextlib import suppress

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from reliability.kafka.confluent import noise, settings
from reliability.kernel import clock

_LOOK_S = 0.1


def advertised(
    profile: settings.Settings, *, client_id: str, within_s: float, time: clock.Clock = clock.SYSTEM
) -> list[str]:
    """Return the addresses (``host:port``) that a client of its own was told of; none when it did not get so far."""
    answers: queue.SimpleQueue[list[str]] = queue.SimpleQueue()

    def ask() -> None:
        try:
            client, told = _asked(profile, client_id, within_s, time)
        except (KafkaException, TypeError, ValueError):  # a profile that it does not take: told by who asked before
            answers.put([])
            return
        answers.put(told)
        del client  # not before: its end waits for the resolver, which may be what does not answer

    threading.Thread(target=ask, name="advertised", daemon=True).start()
    try:
        return answers.get(timeout=within_s + 2 * _LOOK_S)
    except queue.Empty:
        return []


def _asked(
    profile: settings.Settings, client_id: str, within_s: float, time: clock.Clock
) -> tuple[AdminClient, list[str]]:
    told: set[str] = set()

    def statistics(text: str) -> None:
        brokers = json.loads(text).get("brokers", {}).values()
        told.update(each["nodename"] for each in brokers if each.get("source") == "learned")

    wanted = settings.admin(profile, client_id=client_id)
    wanted |= {"statistics.interval.ms": int(_LOOK_S * 1000), "stats_cb": statistics}
    client = AdminClient(wanted, logger=noise.Throttled(client_id))
    until_s = time.monotonic() + within_s
    while not told and time.monotonic() < until_s:
        with suppress(KafkaException):
            brokers = client.list_topics(timeout=_LOOK_S).brokers.values()  # without a question it connects to nobody
            told.update(f"{each.host}:{each.port}" for each in brokers)
        client.poll(_LOOK_S)
    return client, sorted(told)
