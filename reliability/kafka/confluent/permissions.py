"""Asks a cluster what this account may do there: nothing is tried, so nothing is changed and no alarm is raised."""

from __future__ import annotations

from collections.abc import Collection
from concurrent.futures import Future
from typing import Any

from confluent_kafka import KafkaError, KafkaException, TopicCollection
from confluent_kafka.admin import AdminClient

from reliability.kafka import ports
from reliability.kafka.confluent import noise, settings, verdicts
from reliability.kernel import clock

NOBODYS = "mainstay-doctor-asks-for-a-name-that-nobody-has"
"""A topic and a group that are not there: what is allowed for these was granted for every name."""
ASKED_MAX = 500
"""Topics asked for in one question."""
_FORBIDDEN = frozenset(
    {
        KafkaError.TOPIC_AUTHORIZATION_FAILED,
        KafkaError.GROUP_AUTHORIZATION_FAILED,
        KafkaError.CLUSTER_AUTHORIZATION_FAILED,
    }
)
_COMES_UP = frozenset(
    {KafkaError.NOT_COORDINATOR, KafkaError.COORDINATOR_NOT_AVAILABLE, KafkaError.COORDINATOR_LOAD_IN_PROGRESS}
)
_AGAIN_S = 0.2
_SEEN: ports.Operations = frozenset({"DESCRIBE"})


def allowed(
    profile: settings.Settings,
    *,
    topics: Collection[str],
    groups: Collection[str],
    client_id: str,
    answer_s: float,
    time: clock.Clock = clock.SYSTEM,
) -> ports.Allowed:
    """Return what the account may do; raise ``Unavailable`` or ``Unsupported``. At most ``ASKED_MAX`` topics."""
    client = AdminClient(settings.admin(profile, client_id=client_id), logger=noise.Throttled(client_id))
    asked: dict[str, Any] = {"include_authorized_operations": True, "request_timeout": answer_s}
    with verdicts.answered("what this account may do"):
        names = [*sorted(topics)[: ASKED_MAX - 1], NOBODYS]
        of_topics = client.describe_topics(TopicCollection(names), **asked)
        of_cluster = client.describe_cluster(**asked)
        told = {name: _operations(future, answer_s) for name, future in of_topics.items()}
        shared = _of_groups(client, (*groups, NOBODYS), asked, answer_s=answer_s, time=time)
        cluster = _operations(of_cluster, answer_s)
    any_topic = told.pop(NOBODYS)
    return ports.Allowed(
        cluster=cluster or frozenset(),
        topics=told,
        groups={name: shared[name] for name in groups},
        any_topic=_SEEN if any_topic is None else any_topic,
        any_group=shared[NOBODYS] or frozenset(),
    )


def _of_groups(
    client: AdminClient, groups: Collection[str], asked: Any, *, answer_s: float, time: clock.Clock
) -> dict[str, ports.Operations | None]:
    """Return the operations by group. Asked again while who looks after groups comes up."""
    until_s = time.monotonic() + answer_s
    while True:
        futures = {name: client.describe_consumer_groups([name], **asked)[name] for name in groups}
        try:
            return {name: _operations(future, answer_s) for name, future in futures.items()}
        except KafkaException as exception:
            if verdicts.of(exception).code() not in _COMES_UP or time.monotonic() >= until_s:
                raise
            time.sleep(_AGAIN_S)


def _operations(future: Future[Any], answer_s: float) -> ports.Operations | None:
    """Return the operations that an answer names: none where it is forbidden, None where there is no such thing."""
    try:
        answer = future.result(timeout=answer_s + 1.0)
    except KafkaException as exception:
        error = verdicts.of(exception)
        if error.code() in _FORBIDDEN:
            return frozenset()
        if verdicts.is_missing(error):
            return None
        raise
    return frozenset(operation.name for operation in answer.authorized_operations or ())
