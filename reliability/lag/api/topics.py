"""``/lag/topics`` and ``/lag/clusters``: what groups read, and how the polling goes."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from django.http import HttpRequest
from ninja import Field, Path, Query, Router, Schema

from reliability.lag.api.bodies import LagGroup, shown
from reliability.lag.api.groups import Id, Text, reader
from reliability.lag.queries import clusters, groups, topics

router = Router(tags=["lag"])


class TopicPartition(Schema):
    """A partition of a topic; null is not known. ``leader`` is null where it has none."""

    partition: int
    leader: int | None
    start: int | None
    end: int | None
    stable_end: int | None
    problem: str


class LagTopic(Schema):
    """A topic that consumer groups read. ``groups``: who reads it, with the figures of this topic."""

    id: int
    cluster: str
    name: str
    partitions: list[TopicPartition]
    retention_ms: int | None
    retention_bytes: int | None
    deletes: bool | None = Field(description="Whether old records are deleted; null: not known.")
    compacts: bool | None
    polled_at: datetime
    groups: list[LagGroup]


class LagTopicNamed(Schema):
    """A topic by name, with the id that its address has."""

    id: int
    cluster: str
    name: str
    polled_at: datetime


class LagTopics(Schema):
    """Topics by cluster and name; ``next`` is the following page's ``cursor``."""

    items: list[LagTopicNamed]
    next: int | None


class TopicsQuery(Schema):
    """Which topics: all, or one by its whole name."""

    cluster: Text = ""
    name: Text = ""
    cursor: Annotated[int | None, Field(ge=0, le=2**63 - 1)] = None
    limit: Annotated[int, Field(ge=1, le=topics.PAGE_MAX)] = topics.PAGE


class LagCluster(Schema):
    """A cluster and how its polling goes; counts are null for who sees some topics only."""

    name: str
    polled_at: datetime | None
    took_seconds: float | None
    groups: int | None
    partitions: int | None
    error: str = Field(description="Why the last poll told nothing; empty when it went well.")
    error_since: datetime | None
    asks: str = Field(description="How much the broker that is asked most is asked, and whether that is within limits.")
    left_out: int = Field(description="Groups whose names hold what cannot be shown.")


class LagClusters(Schema):
    """All clusters. ``polling``: a process that polls was heard within seconds."""

    items: list[LagCluster]
    polling: bool


@router.get("/lag/topics", response=LagTopics, operation_id="list_lag_topics", summary="Topics that groups read")
def list_topics(request: HttpRequest, asked: Query[TopicsQuery]) -> LagTopics:
    """List the topics that consumer groups read and that you may see, by id."""
    found, after = topics.page(
        actor=reader(request), cluster=asked.cluster, name=asked.name, after=asked.cursor or 0, limit=asked.limit
    )
    items = [LagTopicNamed(id=row.pk, cluster=row.cluster_id, name=row.name, polled_at=row.polled_at) for row in found]
    return LagTopics(items=items, next=after)


@router.get("/lag/topics/{topic_id}", response=LagTopic, operation_id="get_lag_topic", summary="One topic")
def get_topic(request: HttpRequest, topic_id: Path[Id]) -> LagTopic:
    """Read a topic with its partitions and the groups that read it."""
    actor = reader(request)
    topic = topics.one(actor=actor, topic_id=topic_id)
    return LagTopic(
        id=topic.id,
        cluster=topic.cluster,
        name=topic.name,
        partitions=[
            TopicPartition(
                partition=each.partition,
                leader=each.leader if each.leader >= 0 else None,
                start=each.start,
                end=each.end,
                stable_end=each.stable,
                problem=each.problem,
            )
            for each in topic.partitions
        ],
        retention_ms=topic.retention_ms,
        retention_bytes=topic.retention_bytes,
        deletes=topic.deletes,
        compacts=topic.compacts,
        polled_at=topic.polled_at,
        groups=[shown(row) for row in groups.of_topic(actor=actor, cluster=topic.cluster, topic=topic.name)],
    )


@router.get("/lag/clusters", response=LagClusters, operation_id="list_lag_clusters", summary="How lag is polled")
def list_clusters(request: HttpRequest) -> LagClusters:
    """List the clusters, when each was polled, and what went wrong."""
    polling = clusters.polling(actor=reader(request))
    return LagClusters(
        polling=polling.is_running,
        items=[
            LagCluster(
                name=each.name,
                polled_at=each.polled_at,
                took_seconds=each.took_s,
                groups=each.groups,
                partitions=each.partitions,
                error=each.error,
                error_since=each.error_since,
                asks=each.asks,
                left_out=each.left_out,
            )
            for each in polling.clusters
        ],
    )
