"""The whole way on a real broker: a handler fails, a letter is stored, replayed, and confirmed or fails again."""

from __future__ import annotations

import contextlib
import threading
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest
from django.conf import settings as django_settings
from django.db import connections
from pytest_django import Settings

from dlq import handlers
from dlq.domain.scope import Scope
from dlq.models import Letter, LetterGroup, Replay
from dlq.operations import outcomes, plans, replays
from outbox import relay
from outbox.consume import Consumer, Message
from outbox.domain.event import sha256_of
from reliability.kafka import clusters
from reliability.kernel import clock, wire
from reliability.kernel.errors import Permanent
from tests.support import outbox as outbox_support
from tests.support.actors import actor
from tests.support.waiting import wait_until

PATIENCE_S = 45.0
OWN = (("h", b"1"), ("g", b"\x00\xff"), ("h", None), ("empty", b""))


class Broken(Permanent):
    """The service cannot do this."""


@dataclass
class Service:
    """A consumer whose handler fails while ``broken``, our letters process, and the relay, each on a thread."""

    topic: str
    group: str
    broken: bool = True
    handled: list[Message] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.relay = relay.Relay(
            me=relay.identity(hosting="process", started_at=clock.SYSTEM.now()),
            outbox=django_settings.MAINSTAY_OUTBOX_NAME,
            kafka=relay.Kafka(
                producer=lambda: clusters.producer(client_id="f-relay"),
                admin=clusters.admin(),
                reader=clusters.reader(client_id="f-relay"),
            ),
        )
        self.consumer = Consumer(group=self.group, topics=[self.topic], handler=self._handle, blocking_retries=0)
        self.letters = handlers.Letters(pattern=rf"{self.topic.replace('.', '[.]')}[.].*dlq")
        self.stop = threading.Event()
        self.threads = [threading.Thread(target=self._run, args=[each]) for each in (self.consumer, self.letters)]
        for thread in self.threads:
            thread.start()

    def _run(self, process: Consumer | handlers.Letters) -> None:
        while not self.stop.is_set():
            process.step()
        process.close()
        connections.close_all()

    def _handle(self, message: Message) -> None:
        if self.broken:
            raise Broken(f"cannot do {message.message_id}")
        self.handled.append(message)

    def until(self, done: Callable[[], bool], what: str) -> None:
        """Step all processes until something is true."""

        def turn() -> bool:
            self.relay.step()
            now = clock.SYSTEM.now()
            outcomes.take_receipts(now=now)
            for run in Replay.objects.filter(state="running"):
                replays.feed(replay_id=run.pk, now=now)
            outcomes.settle_sent(now=clock.SYSTEM.now())
            return done()

        wait_until(turn, within_s=PATIENCE_S, what=lambda: f"{what}: {self.seen()}", every_s=0.02)

    def seen(self) -> str:
        """What there is, for a failure's message."""
        runs = [(run.state, run.counts) for run in Replay.objects.all()]
        return f"{Letter.objects.count()} letters, {len(self.handled)} handled, runs {runs}"

    def close(self) -> None:
        """Leave the groups."""
        self.stop.set()
        for thread in self.threads:
            thread.join(20)
        self.relay.close()


@pytest.fixture
def service(transactional_db: None, settings: Settings) -> Iterator[Service]:
    name = uuid.uuid4().hex[:8]
    settings.DLQ_READER_GROUP = f"f.letters.{name}"
    outbox_support.empty()
    admin = clusters.admin()
    topic, group = f"f.orders-{name}", f"f.billing-{name}"
    assert admin.create_topics({topic: 3, wire.dlq_topic(topic, group): 1}) == {
        topic: None,
        wire.dlq_topic(topic, group): None,
    }
    with contextlib.closing(Service(topic, group)) as made:
        yield made
    for each in [each for each in admin.topics() if each.startswith(topic)]:
        admin.delete_topic(each)


def replay_all(service: Service) -> Replay:
    scope = Scope(group=LetterGroup.objects.get().pk)
    who, now = actor(), clock.SYSTEM.now()
    plan = plans.draw(scope=scope, terms=plans.terms(), actor=who, now=now)
    return replays.approve(plan_id=plan.pk, plan_hash=plan.hash, reason="x", actor=who, now=now).replay


def test_a_letter_fails_again_while_its_service_is_broken_and_is_confirmed_when_it_is_mended(service: Service) -> None:
    producer = clusters.producer(client_id="f-test")
    for number in range(5):
        producer.produce(topic=service.topic, key=b"k%d" % number, value=b"\x00v%d" % number, headers=OWN)
    assert producer.close() == 0
    service.until(lambda: Letter.objects.count() == 5, "five letters")

    first = replay_all(service)
    service.until(lambda: first.items.filter(state="failed_again").count() == 5, "five failed again")
    assert Letter.objects.filter(state="open").count() == LetterGroup.objects.get().open_count == 5
    assert set(Letter.objects.filter(state="open").values_list("replay_count", flat=True)) == {1}
    for item in first.items.select_related("letter", "new_letter"):
        assert item.new_letter is not None
        assert bytes(item.new_letter.value or b"") == bytes(item.letter.value or b"")
        assert item.new_letter.message_id == item.message_id == item.letter.message_id
        where = (item.sent_topic, item.sent_partition, item.sent_offset)
        of_new = item.new_letter
        assert where == (of_new.origin_topic, of_new.origin_partition, of_new.origin_offset)

    service.broken = False
    second = replay_all(service)
    service.until(lambda: second.items.filter(state="confirmed").count() == 5, "five confirmed")
    second.refresh_from_db()
    assert second.state == "finished"
    assert LetterGroup.objects.get().open_count == LetterGroup.objects.get().replaying_count == 0
    assert {message.record.value for message in service.handled} == {b"\x00v%d" % number for number in range(5)}
    for message in service.handled:
        assert message.record.headers[: len(OWN)] == OWN
        lineage = [name for name, _ in message.record.headers[len(OWN) :]]
        assert lineage == [wire.MESSAGE_ID, wire.ATTEMPT, wire.REPLAY]
        assert message.attempt == 3


def test_a_thousand_letters_are_replayed_with_true_receipts(service: Service) -> None:
    service.broken = False
    from tests.support import letters as letter_support

    records = [
        letter_support.record(
            at,
            topic=wire.dlq_topic(service.topic, service.group),
            key=b"k%d" % (at % 50),
            origin_topic=service.topic,
            origin_partition=at % 3,
            group=service.group,
            extra=OWN,
        )
        for at in range(1_000)
    ]
    letter_support.store(*records, now=clock.SYSTEM.now())
    run = replay_all(service)
    replays.change_rate(replay_id=run.pk, rate=1_000, actor=actor(), now=clock.SYSTEM.now())
    service.until(lambda: run.items.filter(state="confirmed").count() == 1_000, "a thousand confirmed")
    assert len(service.handled) == 1_000
    by_place = {(m.record.partition, m.record.offset): m.record for m in service.handled}
    for item in run.items.select_related("letter"):
        record = by_place[item.sent_partition or 0, item.sent_offset or 0]
        assert wire.last(record.headers, wire.REPLAY) == f"{run.pk}/{item.pk}".encode()
        digest = sha256_of(key=record.key, value=record.value, headers=record.headers)
        assert bytes(item.sent_sha256) == digest
        assert record.partition == item.letter.origin_partition
