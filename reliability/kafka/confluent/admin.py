"""Questions and orders to a cluster, on librdkafka's admin client. One per cluster and process: see `clusters`."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Collection, Iterator, Mapping
from concurrent.futures import Future
from typing import Any

import confluent_kafka
from confluent_kafka import KafkaException, TopicCollection
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._config import ConfigResource
from confluent_kafka.admin._listoffsets import OffsetSpec
from confluent_kafka.admin._resource import ResourceType
from confluent_kafka.cimpl import NewTopic

from reliability.kafka import ports
from reliability.kafka.confluent import noise, reasons, settings, verdicts
from reliability.kafka.confluent.committed import CommittedOffsets
from reliability.kernel import clock
from reliability.kernel.record import TopicPartition

ANSWER_S = 10.0  # every question's deadline, unless the caller gave another
TOPICS_FRESH_S = 5.0
SETTLED_S = 5.0  # how long a broker may take to know of a new or deleted topic; later it is no matter of this call
_SETTLING_LOOK_S = 0.02
MISSING_FRESH_S = 0.5  # a topic made a moment ago by another client is found within this time
_INTERNAL = "__"
_LATEST: OffsetSpec = OffsetSpec.latest()  # type: ignore[no-untyped-call]  # the client left these unannotated
_EARLIEST: OffsetSpec = OffsetSpec.earliest()  # type: ignore[no-untyped-call]
_BROKER_DEFAULT = -1


class Admin:
    """See `ports.Admin`. May be used by several threads."""

    def __init__(
        self,
        profile: settings.Settings,
        *,
        client_id: str,
        answer_s: float = ANSWER_S,
        time: clock.Clock = clock.SYSTEM,
    ) -> None:
        self._reason = reasons.LastReason(time=time)
        wanted = settings.admin(profile, client_id=client_id) | {"error_cb": self._reason.met}
        self._client = AdminClient(wanted, logger=noise.Throttled(client_id))
        self._committed = CommittedOffsets(profile, client_id=client_id, answer_s=answer_s)
        self._answer_s = answer_s
        self._time = time
        self._lock = threading.Lock()
        self._topics: dict[str, int] = {}
        self._topics_s: float | None = None
        self._controller_seen = False

    def topics(self) -> dict[str, int]:
        with self._lock:
            now_s = self._time.monotonic()
            if self._topics_s is None or now_s - self._topics_s >= TOPICS_FRESH_S:
                with self._answered("topics"):
                    found = self._client.list_topics(timeout=self._answer_s).topics
                self._topics = {
                    name: len(topic.partitions)
                    for name, topic in found.items()
                    if topic.error is None and not name.startswith(_INTERNAL)
                }
                self._topics_s = now_s
            return dict(self._topics)

    def partition_count(self, topic: str) -> int | None:
        count = self.topics().get(topic)
        if count is None and self._topics_older_than(MISSING_FRESH_S):
            self._forget_topics()
            count = self.topics().get(topic)
        return count

    def brokers(self) -> list[str]:
        with self._answered("brokers"):
            found = self._client.list_topics(timeout=self._answer_s).brokers.values()
        return sorted(f"{broker.host}:{broker.port}" for broker in found)

    def record_limits(self) -> dict[str, int]:
        resources = [ConfigResource(ResourceType.TOPIC, name) for name in self.topics()]
        with self._answered("record limits"):
            broker = min(self._client.list_topics(timeout=self._answer_s).brokers)
            resources.append(ConfigResource(ResourceType.BROKER, str(broker)))
            futures = self._client.describe_configs(resources, request_timeout=self._answer_s)
        limits: dict[str, int] = {}
        for resource, future in futures.items():
            of_broker = resource.restype == ResourceType.BROKER
            try:
                with self._answered("record limits"):
                    found = self._wait(future)["message.max.bytes" if of_broker else "max.message.bytes"].value
            except (ports.Unavailable, ports.Unsupported, KeyError):
                continue  # deleted meanwhile, or not ours to see: left out
            limits["" if of_broker else resource.name] = int(found)
        return limits

    def topic_ids(self, topics: Collection[str]) -> dict[str, str]:
        if not topics:
            return {}
        try:
            self._require_controller()
        except ports.Unsupported:
            return {}
        futures = self._client.describe_topics(TopicCollection(list(topics)), request_timeout=self._answer_s)
        ids: dict[str, str] = {}
        for topic, future in futures.items():
            try:
                with self._answered(f"id of topic {topic}"):
                    ids[topic] = str(self._wait(future).topic_id)
            except ports.Unavailable as unavailable:
                if not _says_missing(unavailable):
                    raise
        return ids

    def topic_id(self, topic: str) -> str | None:
        return self.topic_ids([topic]).get(topic)

    def create_topics(self, partitions: Mapping[str, int]) -> dict[str, ports.DeliveryError | None]:
        if not partitions:
            return {}
        self._require_controller()
        topics = [
            NewTopic(name, num_partitions=count, replication_factor=_BROKER_DEFAULT)
            for name, count in partitions.items()
        ]
        with self._answered("create topics"):
            futures = self._client.create_topics(topics, request_timeout=self._answer_s, operation_timeout=SETTLED_S)
        answers = {name: self._outcome(future) for name, future in futures.items()}
        self._settle({name for name, error in answers.items() if error is None}, exist=True)
        return {
            name: None if error is not None and error.code == "TOPIC_ALREADY_EXISTS" else error
            for name, error in answers.items()
        }

    def delete_topic(self, topic: str) -> ports.DeliveryError | None:
        self._require_controller()
        with self._answered("delete topic"):
            futures = self._client.delete_topics([topic], request_timeout=self._answer_s, operation_timeout=SETTLED_S)
        error = self._outcome(futures[topic])
        self._settle({topic} if error is None else set(), exist=False)
        return None if error is not None and error.code == "UNKNOWN_TOPIC_OR_PART" else error

    def end_offsets(self, partitions: Collection[TopicPartition]) -> dict[TopicPartition, int]:
        return self._offsets(partitions, _LATEST)

    def start_offsets(self, partitions: Collection[TopicPartition]) -> dict[TopicPartition, int]:
        return self._offsets(partitions, _EARLIEST)

    def committed(self, group: str, partitions: Collection[TopicPartition]) -> dict[TopicPartition, int | None]:
        return self._committed.of(group, partitions)

    def group_offsets(self, group: str) -> dict[TopicPartition, int]:
        everywhere = [TopicPartition(name, at) for name, count in self.topics().items() for at in range(count)]
        return {place: at for place, at in self.committed(group, everywhere).items() if at is not None}

    def groups(self) -> list[ports.GroupInfo]:
        with self._answered("groups"):
            answer = self._wait(self._client.list_consumer_groups(request_timeout=self._answer_s))
            if not answer.valid and answer.errors:
                raise KafkaException(
                    answer.errors[0]
                )  # an unreachable cluster answers with an empty list and says so only here
        return [
            ports.GroupInfo(name=group.group_id, state=group.state.name.lower())
            for group in sorted(answer.valid, key=lambda group: group.group_id)
        ]

    def _offsets(self, partitions: Collection[TopicPartition], spec: OffsetSpec) -> dict[TopicPartition, int]:
        if not partitions:
            return {}
        asked = {confluent_kafka.TopicPartition(topic, partition): spec for topic, partition in partitions}
        with self._answered("offsets"):
            futures = self._client.list_offsets(asked, request_timeout=self._answer_s)
        offsets: dict[TopicPartition, int] = {}
        unavailable: ports.Unavailable | None = None
        for partition, future in futures.items():
            try:
                with self._answered("offsets"):
                    offset = self._wait(future).offset
            except ports.Unavailable as error:
                unavailable = unavailable if _says_missing(error) else error
                continue
            if offset >= 0:  # a leader that is down makes a success with a negative offset
                offsets[TopicPartition(partition.topic, partition.partition)] = offset
        if unavailable is not None and not offsets:
            raise unavailable
        return offsets

    def _outcome(self, future: Future[Any]) -> ports.DeliveryError | None:
        """The answer to an order: None, or the error. Raises Unavailable when there is no answer."""
        try:
            self._wait(future)
        except KafkaException as exception:
            error = verdicts.of(exception)
            if error.name().startswith("_"):  # the client's own: nobody answered
                with self._answered("order to the cluster"):
                    raise
            return verdicts.delivery_error(error)
        return None

    def _settle(self, topics: set[str], *, exist: bool) -> None:
        """Wait until the brokers say what the controller decided: they learn it a moment later."""
        until_s = self._time.monotonic() + SETTLED_S
        while True:
            self._forget_topics()
            known = self.topics().keys()
            if (topics <= known if exist else not topics & known) or self._time.monotonic() >= until_s:
                return
            self._time.sleep(_SETTLING_LOOK_S)

    def _require_controller(self) -> None:
        """Raise Unsupported on the in-process broker at once, instead of after the time-out that it would take."""
        if self._controller_seen:
            return
        with self._answered("controller"):
            cluster = self._client.list_topics(timeout=self._answer_s)
        if cluster.controller_id not in cluster.brokers:
            if cluster.controller_id < 0:
                raise ports.Unavailable("the cluster has no controller for now")
            raise ports.Unsupported("the broker has no controller: it knows no topic ids and makes no topics")
        self._controller_seen = True

    @contextlib.contextmanager
    def _answered(self, what: str) -> Iterator[None]:
        """As ``verdicts.answered``, and with the reason why nobody answered, where the client told one."""
        try:
            with verdicts.answered(what):
                yield
        except ports.Unavailable as unavailable:
            if verdicts.is_own(unavailable.__cause__):
                self._client.poll(0)  # has the client tell its errors
                raise self._reason.added_to(unavailable) from unavailable.__cause__
            raise

    def _wait(self, future: Future[Any]) -> Any:
        return future.result(timeout=self._answer_s + 1.0)

    def _topics_older_than(self, age_s: float) -> bool:
        with self._lock:
            return self._topics_s is None or self._time.monotonic() - self._topics_s >= age_s

    def _forget_topics(self) -> None:
        with self._lock:
            self._topics_s = None


def _says_missing(unavailable: ports.Unavailable) -> bool:
    cause = unavailable.__cause__
    return isinstance(cause, KafkaException) and verdicts.is_missing(verdicts.of(cause))
