"""Clients by cluster name, from the settings: `KAFKA_CLUSTERS` = name -> librdkafka properties."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from django.conf import settings as django_settings

from reliability.kafka import confluent, memory, ports
from reliability.kernel import certificates

MAIN = "main"
Answer = TypeVar("Answer")

_lock = threading.Lock()
_admins: dict[tuple[int, str, float, frozenset[tuple[str, str]]], ports.Admin] = {}
_memory_brokers: dict[str, memory.MemoryBroker] = {}


class UnknownCluster(LookupError):
    """No cluster of that name is configured in KAFKA_CLUSTERS."""


def profile(cluster: str = MAIN) -> Mapping[str, object]:
    """The librdkafka properties of a cluster. Raises UnknownCluster."""
    clusters: Mapping[str, Mapping[str, object]] = getattr(django_settings, "KAFKA_CLUSTERS", {})
    if cluster not in clusters:
        raise UnknownCluster(f"{cluster!r} is not in KAFKA_CLUSTERS, which names {sorted(clusters)}")
    return clusters[cluster]


def names() -> list[str]:
    """The configured clusters' names."""
    return sorted(getattr(django_settings, "KAFKA_CLUSTERS", {}))


def each(ask: Callable[[str], Answer]) -> dict[str, Answer]:
    """Ask something of every cluster, side by side: those that do not answer are waited for once. No database there."""
    known = names()
    with ThreadPoolExecutor(len(known) or 1, thread_name_prefix="each-cluster") as pool:
        return dict(zip(known, pool.map(ask, known), strict=True))


def producer(cluster: str = MAIN, *, client_id: str, settings: Mapping[str, object] | None = None) -> ports.Producer:
    """A new producer; the caller closes it."""
    if _in_memory():
        return memory_broker(cluster).producer()
    return confluent.Producer(profile(cluster), client_id=client_id, extra=settings)


def consumer(
    cluster: str = MAIN,
    *,
    group: str,
    client_id: str,
    instance_id: str | None = None,
    settings: Mapping[str, object] | None = None,
) -> ports.Consumer:
    """A new consumer; the caller closes it. `instance_id` makes it a static member."""
    if _in_memory():
        return memory_broker(cluster).consumer(group=group, client_id=client_id, instance_id=instance_id)
    return confluent.Consumer(
        profile(cluster), client_id=client_id, group=group, instance_id=instance_id, extra=settings
    )


def reader(cluster: str = MAIN, *, client_id: str) -> ports.Reader:
    """A new reader; the caller closes it."""
    if _in_memory():
        return memory_broker(cluster).reader()
    return confluent.Reader(profile(cluster), client_id=client_id)


def admin(cluster: str = MAIN, *, answer_s: float = confluent.ANSWER_S) -> ports.Admin:
    """This process's admin of a cluster: one, shared and kept, because making one costs connections and threads.

    One for each ``answer_s``, the seconds that its questions may take.
    """
    if _in_memory():
        return memory_broker(cluster).admin()
    known = profile(cluster)
    # A client does not survive a fork, and none speaks for a profile that has changed.
    key = (os.getpid(), cluster, answer_s, frozenset((name, str(value)) for name, value in known.items()))
    with _lock:
        if key not in _admins:
            _admins[key] = confluent.Admin(known, client_id="mainstay-admin", answer_s=answer_s)
        return _admins[key]


def allowed(cluster: str = MAIN, *, topics: Collection[str], groups: Collection[str], answer_s: float) -> ports.Allowed:
    """What the account of the cluster's profile may do there. Raises ``Unavailable`` and ``Unsupported``."""
    if _in_memory():
        raise ports.Unsupported("the broker for tests has no access control")
    return confluent.allowed(
        profile(cluster), topics=topics, groups=groups, client_id="mainstay-doctor", answer_s=answer_s
    )


def advertised(cluster: str = MAIN, *, within_s: float) -> list[str]:
    """The addresses that a cluster's brokers name as their own; none when nobody told in time."""
    if _in_memory():
        return []
    return confluent.advertised(profile(cluster), client_id="mainstay-doctor", within_s=within_s)


def principal(cluster: str = MAIN) -> str:
    """The name that the cluster's access control knows the console by, unless its brokers map names to others."""
    known = profile(cluster)
    if str(known.get("security.protocol", "")).upper().startswith("SASL"):
        return f"User:{known.get('sasl.username', '')}"
    certificate = str(known.get("ssl.certificate.location", ""))
    return f"User:{certificates.in_file(certificate)[0].subject}" if certificate else "User:ANONYMOUS"


def group_admin(
    cluster: str = MAIN, *, client_id: str, answer_s: float = 10.0, looks_s: float | None = None
) -> ports.GroupAdmin:
    """A new client for questions about groups; the caller closes it. One thread at a time.

    No question takes longer than ``answer_s`` and a moment, all that only look together no longer than ``looks_s`` from
    now; what changes something is not cut short by that. Raises ``ports.Untranslatable`` when the cluster's profile
    has a property that this client does not know and that must not be ignored.
    """
    if _in_memory():
        return memory_broker(cluster).group_admin()
    from reliability.kafka import group_admin as adapter  # half a second and 10 MB that only those who ask pay for

    return adapter.GroupAdmin(profile(cluster), client_id=client_id, answer_s=answer_s, looks_s=looks_s)


def memory_broker(cluster: str = MAIN) -> memory.MemoryBroker:
    """The broker that stands for a cluster when `KAFKA_BACKEND` is "memory": for tests."""
    with _lock:
        return _memory_brokers.setdefault(cluster, memory.MemoryBroker())


def forget_memory() -> None:
    """Drop every broker made by `memory_broker`, so that tests do not see each other's records."""
    with _lock:
        _memory_brokers.clear()


def _in_memory() -> bool:
    return getattr(django_settings, "KAFKA_BACKEND", "confluent") == "memory"
