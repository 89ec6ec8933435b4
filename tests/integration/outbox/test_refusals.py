"""What the real broker refuses harms nothing but itself and, where order asks for it, its own key."""

from __future__ import annotations

import time
import uuid
from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest
from confluent_kafka.admin import (
    AclBinding,
    AclOperation,
    AclPermissionType,
    AdminClient,
    NewTopic,
    ResourcePatternType,
    ResourceType,
)
from django.conf import settings

import outbox
from outbox import queries, relay
from outbox.relay import sending, topics
from reliability.embedded.folder import Folder
from reliability.embedded.kafka import KafkaServer
from reliability.embedded.stack import ROOT
from reliability.kafka import clusters, confluent
from reliability.kernel.record import Record, TopicPartition
from tests.support.outbox import append
from tests.support.waiting import wait_until

KEYS = [b"k%d" % number for number in range(24)]  # of all shards, or nearly
WITHIN_S = 25.0
FAR_MS = int(datetime(2126, 1, 1, tzinfo=UTC).timestamp() * 1000)


@pytest.fixture
def worker() -> Iterator[relay.Relay]:
    made = relay.of_this_process(hosting="process")
    yield made
    made.close()


def made_topic(admin: AdminClient, name: str, **config: str) -> str:
    admin.create_topics([NewTopic(name, num_partitions=2, replication_factor=1, config=config)])[name].result(20)
    return name


@pytest.fixture
def choosy() -> Iterator[tuple[str, str]]:
    """A topic that takes records of up to 2,000 bytes and of times near now, and a compacted one."""
    admin, suffix = AdminClient(settings.KAFKA_CLUSTERS["main"]), uuid.uuid4().hex[:8]
    choosy = made_topic(
        admin, f"choosy-{suffix}", **{"max.message.bytes": "2000", "message.timestamp.after.max.ms": "3600000"}
    )
    compacted = made_topic(admin, f"compacted-{suffix}", **{"cleanup.policy": "compact"})
    for name in (choosy, compacted):
        wait_until(
            lambda name=name: clusters.admin().partition_count(name) == 2, within_s=20, what="the topic is there"
        )
    yield choosy, compacted
    for done in admin.delete_topics([choosy, compacted]).values():
        done.result(20)


def drain(worker: relay.Relay, *, within_s: float = WITHIN_S) -> None:
    """Step until nothing waits, in any shard."""
    until = time.monotonic() + within_s
    while worker.step() or queries.backlog(topics.clock.SYSTEM.now()).events:
        assert time.monotonic() < until, queries.shards(topics.clock.SYSTEM.now())


def by_key(*names: str, cluster: str = "") -> dict[bytes | None, list[bytes | None]]:
    """Values of each key, in the order in which they lie in the topics."""
    profile = {"bootstrap.servers": cluster} if cluster else settings.KAFKA_CLUSTERS["main"]
    admin, reader = confluent.Admin(profile, client_id="test"), confluent.Reader(profile, client_id="test")
    places = [TopicPartition(name, number) for name in names for number in range(2)]
    ends = admin.end_offsets(places)
    found: dict[bytes | None, list[bytes | None]] = defaultdict(list)
    records: list[Record] = [each for place in places for each in reader.read(place, 0, ends[place], deadline_s=20)]
    for record in records:
        found[record.key].append(record.value)
    reader.close()
    return found


def surrounded(topic: str, refused: Sequence[outbox.Event]) -> list[outbox.Event]:
    """The refused events among good ones of every key: two before, two after."""
    good = [outbox.Event(topic=topic, key=key, value=b"%d" % number) for number in range(4) for key in KEYS]
    half = len(good) // 2
    return [*good[:half], *refused, *good[half:]]


FORMS = ["future", "absurd", "large", "keyless"]


def event_of(form: str, choosy: str, compacted: str, *, receipt: bool) -> outbox.Event:
    """An event of the first key, or of none, that the broker refuses."""
    key, common = KEYS[0], {"raw": True, "receipt": receipt}
    return {
        "future": outbox.Event(topic=choosy, key=key, value=b"odd", timestamp_ms=FAR_MS, **common),
        "absurd": outbox.Event(topic=choosy, key=key, value=b"odd", timestamp_ms=2**62, **common),
        "large": outbox.Event(topic=choosy, key=key, value=b"x" * 5_000, **common),
        "keyless": outbox.Event(topic=compacted, key=None, value=b"odd", **common),
    }[form]


@pytest.mark.parametrize("receipt", [False, True], ids=["parked", "receipt"])
@pytest.mark.parametrize("form", FORMS)
def test_one_refused_event_stops_nothing_else(worker, choosy, monkeypatch, form, receipt):
    monkeypatch.setattr(topics.Topics, "limit_bytes", lambda self, name: 1 << 30)  # only the broker finds it too large
    refused = event_of(form, *choosy, receipt=receipt)
    ids = append(*surrounded(choosy[0], [refused]))
    drain(worker)
    found = by_key(*choosy)
    whole = [b"0", b"1", b"2", b"3"]
    assert all(found[key] == whole for key in KEYS[1:]), found
    odd = ids[2 * len(KEYS)]
    if receipt:
        assert queries.receipts([odd])[odd].state == "refused"
        assert queries.parked() == []
        assert found[KEYS[0]] == whole
    else:
        parked = queries.parked()
        assert [row.event_id for row in parked if not row.behind] == [odd]
        closed = [] if refused.key is None else [b"2", b"3"]
        assert found[KEYS[0]] == [value for value in whole if value not in closed]
        assert len(parked) == 1 + len(closed)
    assert all(row.failures == 0 for row in queries.shards(topics.clock.SYSTEM.now()))


def test_all_that_the_broker_refuses_at_once_stops_nothing_else(worker, choosy, monkeypatch):
    monkeypatch.setattr(topics.Topics, "limit_bytes", lambda self, name: 1 << 30)
    refused = [event_of(form, *choosy, receipt=True) for form in FORMS]
    ids = append(*surrounded(choosy[0], refused))
    drain(worker)
    found = by_key(*choosy)
    assert all(found[key] == [b"0", b"1", b"2", b"3"] for key in KEYS)
    odd = ids[2 * len(KEYS) : 2 * len(KEYS) + len(refused)]
    assert {receipt.state for receipt in queries.receipts(odd).values()} == {"refused"}


def test_topics_that_there_are_not_hold_up_their_shards_together_and_nobody_for_good(worker, choosy):
    gone = [f"gone-{uuid.uuid4().hex[:8]}" for _ in range(8)]
    refused = [outbox.Event(topic=name, key=KEYS[0], value=b"odd", raw=True, receipt=True) for name in gone]
    refused.append(outbox.Event(topic=gone[0], key=KEYS[1], value=b"odd"))
    ids = append(*surrounded(choosy[0], refused))
    began = time.monotonic()
    drain(worker)
    assert time.monotonic() - began < 3 * topics.GRACE_S, "each topic had its own patience"
    found = by_key(choosy[0])
    assert all(found[key] == [b"0", b"1", b"2", b"3"] for key in KEYS)
    odd = ids[2 * len(KEYS) : 2 * len(KEYS) + len(gone)]
    assert {receipt.state for receipt in queries.receipts(odd).values()} == {"refused"}
    assert [(row.topic, row.code) for row in queries.parked()] == [(gone[0], "unknown_topic")]
    assert not clusters.admin().topics().keys() & set(gone), "no topic was made by sending to it"


def many_of(form: str, topic: str, number: int = 120) -> list[outbox.Event]:
    """Refused events of all keys; those of odd keys ask for receipts, the first of the others park their keys."""
    odd = {"future": {"value": b"odd", "timestamp_ms": FAR_MS}, "large": {"value": b"x" * 5_000}}[form]
    return [
        outbox.Event(topic=topic, key=KEYS[n % len(KEYS)], raw=True, receipt=bool(n % len(KEYS) % 2), **odd)
        for n in range(number)
    ]


def assert_all_are_refused(ids: Sequence[uuid.UUID], refused: Sequence[outbox.Event]) -> None:
    told = [each for each, event in zip(ids, refused, strict=True) if event.receipt]
    assert [queries.receipts(told)[each].state for each in told] == ["refused"] * len(told)
    untold = {each for each, event in zip(ids, refused, strict=True) if not event.receipt}
    assert untold <= {row.event_id for row in queries.parked(limit=1000)}


@pytest.mark.parametrize("form", ["future", "large"])
def test_many_refused_events_of_one_topic_hold_nobody_up(worker, choosy, form):
    bad, free = choosy
    refused = many_of(form, bad)
    ids = append(*surrounded(bad, refused), *surrounded(free, []))
    began = time.monotonic()  # one producer made anew for each refused event would take a minute
    while len(by_key(free)) < len(KEYS) or any(len(values) < 4 for values in by_key(free).values()):
        worker.step()
        assert time.monotonic() - began < 20, "others waited for one topic's refused events"
    drain(worker)
    assert all(values == [b"0", b"1", b"2", b"3"] for values in by_key(free).values())
    found = by_key(bad)
    assert [found[key] for key in KEYS[1::2]] == [[b"0", b"1", b"2", b"3"]] * 12, "theirs were told, not parked"
    assert [found[key] for key in KEYS[::2]] == [[b"0", b"1"]] * 12, "what is behind a parked event is parked"
    assert_all_are_refused(ids[2 * len(KEYS) : 2 * len(KEYS) + len(refused)], refused)
    assert all(row.failures == 0 for row in queries.shards(topics.clock.SYSTEM.now()))


def test_refused_events_are_sought_a_little_in_each_step_and_others_go_on_in_between(worker, choosy, monkeypatch):
    monkeypatch.setattr(sending, "SINGLY_S", 0.0)  # one record a step
    bad, free = choosy
    refused = [
        outbox.Event(topic=bad, key=KEYS[0], value=b"odd", timestamp_ms=FAR_MS, raw=True, receipt=True)
        for _ in range(30)
    ]
    mixed = [each for n in range(30) for each in (refused[n], outbox.Event(topic=bad, key=KEYS[0], value=b"%d" % n))]
    ids = append(*mixed)
    worker.step()
    later = append(*[outbox.Event(topic=free, key=key, value=b"later") for key in KEYS])
    for _ in range(3):
        worker.step()
    assert len(by_key(free)) > len(later) / 2, "the other shards went on"
    assert not queries.receipts(ids[::2]), "while the refused were not yet found"
    drain(worker)
    assert by_key(bad) == {KEYS[0]: [b"%d" % n for n in range(30)]}
    assert by_key(free) == {key: [b"later"] for key in KEYS}
    assert_all_are_refused(ids[::2], refused)


class Guarded(KafkaServer):
    """A broker that asks for rights where rules are written, and takes all elsewhere."""

    def _settings(self) -> dict[str, object]:
        return super()._settings() | {
            "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
            "allow.everyone.if.no.acl.found": "true",
            "auto.create.topics.enable": "false",
        }


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of such a broker."""
    folder = Folder(path=Path(tmp_path_factory.mktemp("guarded")))
    folder.hold()
    server = Guarded(folder, jars_under=ROOT / "maven")
    server.prepare(lambda line: None)
    child = server.child()
    child.start()
    try:
        wait_until(server.answers, within_s=60, what="the guarded broker answers")
        yield server.url()
    finally:
        child.stop()
        folder.release()


def forbid(admin: AdminClient, topic: str, *, describe: bool) -> None:
    """Let nobody write to a topic; with ``describe`` one sees that it is there."""

    def rule(operation: AclOperation, permission: AclPermissionType) -> AclBinding:
        return AclBinding(
            ResourceType.TOPIC, topic, ResourcePatternType.LITERAL, "User:ANONYMOUS", "*", operation, permission
        )

    rules = [rule(AclOperation.WRITE, AclPermissionType.DENY)]
    if describe:
        rules.append(rule(AclOperation.DESCRIBE, AclPermissionType.ALLOW))
    for done in admin.create_acls(rules).values():
        done.result(20)


@pytest.mark.parametrize("describe", [True, False], ids=["seen", "unseen"])
def test_a_topic_that_may_not_be_written_to_stops_nothing_else(guarded: str, describe: bool) -> None:
    profile, suffix = {"bootstrap.servers": guarded}, uuid.uuid4().hex[:8]
    admin = AdminClient(profile)
    topic, forbidden = made_topic(admin, f"free-{suffix}"), made_topic(admin, f"forbidden-{suffix}")
    forbid(admin, forbidden, describe=describe)
    kafka = relay.Kafka(
        producer=lambda: confluent.Producer(profile, client_id="relay", extra=sending.PRODUCER_SETTINGS),
        admin=confluent.Admin(profile, client_id="relay"),
        reader=confluent.Reader(profile, client_id="relay"),
    )
    me = relay.identity(hosting="process", started_at=topics.clock.SYSTEM.now())
    worker = relay.Relay(me=me, outbox="main", kafka=kafka)
    try:
        wait_until(lambda: kafka.admin.partition_count(topic) == 2, within_s=20, what="the topic is there")
        told = outbox.Event(topic=forbidden, key=KEYS[0], value=b"odd", raw=True, receipt=True)
        untold = [outbox.Event(topic=forbidden, key=key, value=b"odd") for key in KEYS[:3]]
        ids = append(*surrounded(topic, [told, *untold]))
        drain(worker)
    finally:
        worker.close()
    found = by_key(topic, cluster=guarded)
    assert all(found[key] == [b"0", b"1", b"2", b"3"] for key in KEYS)
    odd = ids[2 * len(KEYS)]
    assert queries.receipts([odd])[odd].state == "refused"
    assert [row.topic for row in queries.parked()] == [forbidden] * 3
