"""What else there is to know of the logs: how long they keep records, and who writes to them in a transaction."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from typing import Any

from kafka.protocol.admin import DescribeConfigsRequest, DescribeProducersRequest, ListTransactionsRequest

from reliability.kafka import ports
from reliability.kafka.group_admin import positions, verdicts
from reliability.kafka.group_admin.coordinators import chunked
from reliability.kafka.group_admin.places import Places
from reliability.kafka.group_admin.wire import Wire, metadata_request
from reliability.kernel.record import TopicPartition

TOPICS_AT_ONCE = 500
_OF_TOPIC, _OF_BROKER = 2, 4
_KEYS = ["retention.ms", "retention.bytes", "cleanup.policy"]
_KEPT = "offsets.retention.minutes"


def retention(wire: Wire, topics: Collection[str], *, until_s: float) -> dict[str, ports.Retention | ports.Problem]:
    """Ask any broker for the topics' configuration."""
    told: dict[str, ports.Retention | ports.Problem] = {}
    for chunk in chunked(sorted(topics), TOPICS_AT_ONCE):
        answer = wire.ask_any(_configs(_OF_TOPIC, chunk, _KEYS), until_s=until_s)
        for result in answer.results:
            name = result.resource_name
            if result.error_code:
                told[name] = verdicts.problem(result.error_code, f"topic {name}")
            else:
                told[name] = _retention({entry.name: entry.value for entry in result.configs})
    return told


def offsets_kept_s(wire: Wire, *, until_s: float) -> float | None:
    """Ask the brokers, one after the other, for how long they keep an empty group's commits."""
    wire.learn(wire.ask_any(metadata_request([]), until_s=until_s))
    for node in wire.brokers():
        [answer] = wire.ask([(node, _configs(_OF_BROKER, [str(node)], [_KEPT]))], until_s=until_s)
        if isinstance(answer, ports.Problem):
            continue
        for result in answer.results:
            for entry in result.configs:
                if entry.name == _KEPT and entry.value:
                    return float(entry.value) * 60
    return None


def transactions(
    wire: Wire, places: Places, partitions: Collection[TopicPartition], *, until_s: float
) -> dict[TopicPartition, list[ports.OpenTransaction] | ports.Problem]:
    """Ask the leaders for producers with an open transaction, then all brokers for those producers' names."""
    topic = DescribeProducersRequest.TopicRequest

    def request(chunk: Sequence[TopicPartition]) -> DescribeProducersRequest:
        wanted = [topic(name=name, partition_indexes=list(at)) for name, at in positions.by_topic(chunk).items()]
        return DescribeProducersRequest(topics=wanted)

    told = positions.by_leader(wire, places, partitions, request=request, read=_open, until_s=until_s)
    producers = {each.producer_id for found in told.values() if isinstance(found, list) for each in found}
    names = _names(wire, producers, until_s=until_s)
    return {
        place: found
        if isinstance(found, ports.Problem)
        else [
            ports.OpenTransaction(
                producer_id=each.producer_id,
                first_offset=each.current_txn_start_offset,
                transactional_id=names.get(each.producer_id, ""),
                since_ms=each.last_timestamp if each.last_timestamp >= 0 else None,
            )
            for each in sorted(found, key=lambda each: int(each.current_txn_start_offset))
        ]
        for place, found in told.items()
    }


def _configs(kind: int, names: Sequence[str], keys: list[str] | None) -> DescribeConfigsRequest:
    resource = DescribeConfigsRequest.DescribeConfigsResource
    wanted = [resource(resource_type=kind, resource_name=name, configuration_keys=keys) for name in names]
    return DescribeConfigsRequest(resources=wanted, include_synonyms=False, include_documentation=False)


def _retention(values: dict[str, str | None]) -> ports.Retention:
    policies = {policy.strip() for policy in (values.get("cleanup.policy") or "").split(",")}
    return ports.Retention(
        ms=_limit(values.get("retention.ms")),
        bytes=_limit(values.get("retention.bytes")),
        deletes="delete" in policies,
        compacts="compact" in policies,
    )


def _limit(value: str | None) -> int | None:
    """Kafka's -1 is no limit."""
    number = int(value) if value else -1
    return number if number >= 0 else None


def _open(partition: Any) -> list[Any]:
    return [producer for producer in partition.active_producers if producer.current_txn_start_offset >= 0]


def _names(wire: Wire, producers: Collection[int], *, until_s: float) -> dict[int, str]:
    """Transactional ids by producer id, as far as the brokers tell them."""
    if not producers:
        return {}
    names: dict[int, list[str]] = defaultdict(list)
    request = [
        (node, ListTransactionsRequest(state_filters=[], producer_id_filters=sorted(producers), max_version=0))
        for node in wire.brokers()
    ]
    for answer in wire.ask(request, until_s=until_s):
        if not isinstance(answer, ports.Problem) and not answer.error_code:
            for each in answer.transaction_states:
                names[each.producer_id].append(each.transactional_id)
    return {producer: found[0] for producer, found in names.items()}
