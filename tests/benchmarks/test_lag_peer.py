"""How soon a consumer's trouble and its end are seen, and what is taken for trouble that is none: beside Burrow."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import confluent_kafka
import pytest
from confluent_kafka.admin import AdminClient, NewTopic

from reliability.kafka import confluent, group_admin
from reliability.lag.domain import schedule, verdict
from reliability.lag.domain.values import WINDOW, Word
from reliability.lag.models import Group
from reliability.lag.polling.poller import Poller
from tests.benchmarks import burrow, printing
from tests.support import own_broker

pytestmark = [pytest.mark.benchmark, pytest.mark.django_db(transaction=True), pytest.mark.timeout(900)]

GIVEN_UP_S = 120.0
Told = dict[tuple[str, str], tuple[float, str]]
"""(Whose, group): seconds until it was said, and the word."""


class Worker:
    """A group with one partition: written by one thread, read and committed by another."""

    def __init__(
        self, profile: Mapping[str, Any], name: str, *, written_every_s: float, commits_every_s: float
    ) -> None:
        self._profile = dict(profile)
        self.kind, self.name = name, f"peer-{name}-{uuid.uuid4().hex[:6]}"
        self._written_every_s, self._commits_every_s = written_every_s, commits_every_s
        self.standing = threading.Event()
        """Set: it reads on no more, and commits the same again and again."""
        self.gone = threading.Event()
        """Set: it has left its group."""
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=work, daemon=True) for work in (self._write, self._read)]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(20)

    def _write(self) -> None:
        producer = confluent_kafka.Producer(self._profile | {"linger.ms": 0})
        while not self._stop.is_set():
            producer.produce(self.name, b"v")
            producer.flush(5)
            self._stop.wait(self._written_every_s)

    def _read(self) -> None:
        while not self._stop.is_set():
            if not self.gone.wait(0.1):
                self._member()

    def _member(self) -> None:
        consumer = confluent_kafka.Consumer(
            self._profile | {"group.id": self.name, "enable.auto.commit": False, "auto.offset.reset": "earliest"}
        )
        consumer.subscribe([self.name])
        place, due_s = None, 0.0
        while not (self._stop.is_set() or self.gone.is_set()):
            if self.standing.is_set():
                time.sleep(0.1)
            elif (record := consumer.poll(0.1)) is not None and record.error() is None:
                place = confluent_kafka.TopicPartition(self.name, record.partition(), record.offset() + 1)
            if place is not None and time.monotonic() >= due_s:
                consumer.commit(offsets=[place], asynchronous=False)
                due_s = time.monotonic() + self._commits_every_s
        consumer.close()


class TransactionalWorker(Worker):
    """Written in a few transactions, then no more: behind the last record read stands a marker for ever."""

    def _write(self) -> None:
        producer = confluent_kafka.Producer(self._profile | {"linger.ms": 0, "transactional.id": self.name})
        producer.init_transactions(20)
        for _ in range(5):
            producer.begin_transaction()
            producer.produce(self.name, b"v")
            producer.commit_transaction(20)


class Seen:
    """What ours and Burrow say of each group, and since when."""

    def __init__(self, workers: list[Worker], poller: Poller, peer: burrow.Burrow | None) -> None:
        self._workers, self._poller, self._peer = workers, poller, peer
        self.false: dict[tuple[str, str], set[str]] = {}

    def look(self) -> dict[tuple[str, str], str]:
        """The words by (whose, group)."""
        self._poller.step()
        names = [worker.name for worker in self._workers]
        words = {
            ("ours", name): word for name, word in Group.objects.filter(name__in=names).values_list("name", "word")
        }
        if self._peer is not None:
            words |= {("Burrow", name): self._peer.word(name) for name in names}
        return words

    def until(self, wanted: Callable[[str, str], bool], *, groups: list[Worker], calm: list[Worker]) -> Told:
        """Seconds until each says what is wanted of each group, with its word; what calm groups are taken for."""
        began = time.monotonic()
        found: Told = {}
        asked = {(whose, worker.name) for worker in groups for whose in ("ours", *(["Burrow"] if self._peer else []))}
        while asked - found.keys() and time.monotonic() - began < GIVEN_UP_S:
            words = self.look()
            at_s = time.monotonic() - began
            for who in asked - found.keys():
                if wanted(who[0], words.get(who, "")):
                    found[who] = (at_s, words[who])
            self.keep_false(words, calm)
            time.sleep(0.1)
        return found

    def watch(self, calm: list[Worker], *, for_s: float) -> None:
        """Let both look for so long."""
        until_s = time.monotonic() + for_s
        while time.monotonic() < until_s:
            self.keep_false(self.look(), calm)
            time.sleep(0.1)

    def keep_false(self, words: dict[tuple[str, str], str], calm: list[Worker]) -> None:
        names = {worker.name for worker in calm}
        for who, word in words.items():
            if who[1] in names and (is_red(who[0], word) or word == "WARN"):
                self.false.setdefault(who, set()).add(word)


def is_red(whose: str, word: str) -> bool:
    return word in burrow.RED if whose == "Burrow" else bool(word) and Word(word) in verdict.ERRORS


def is_calm(whose: str, word: str) -> bool:
    return word in ("OK", "EMPTY")


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[burrow.OlderBroker]:
    with own_broker.running(tmp_path / "kafka", kind=burrow.OlderBroker) as running:
        yield running  # type: ignore[misc]  # of the kind that was asked for


@contextmanager
def at_work(profile: Mapping[str, Any], workers: list[Worker]) -> Iterator[None]:
    admin = AdminClient(dict(profile))
    for made in admin.create_topics([NewTopic(worker.name, 1, 1) for worker in workers]).values():
        made.result(20)
    for worker in workers:
        worker.start()
    try:
        yield
    finally:
        for worker in workers:
            worker.stop()


@pytest.mark.parametrize(
    ("hot_s", "refresh_s", "commits_s"), [(1, 1, 1.0), (5, 10, 5.0)], ids=["every-second", "defaults"]
)
def test_beside_burrow(
    tmp_path: Path, broker: burrow.OlderBroker, hot_s: int, refresh_s: int, commits_s: float
) -> None:
    worker = partial(Worker, broker.profile, written_every_s=0.2)
    ill = [worker(name, commits_every_s=commits_s) for name in ("stops", "stalls")]
    calm = [
        worker("steady", commits_every_s=commits_s),
        worker("rare-commits", commits_every_s=4.0 * commits_s),
        worker("slow-topic", commits_every_s=commits_s, written_every_s=1.5 * WINDOW * hot_s),
        TransactionalWorker(broker.profile, "markers", commits_every_s=commits_s, written_every_s=0.0),
    ]
    poller = Poller(
        "main",
        make_admin=partial(group_admin.GroupAdmin, broker.profile, client_id="bench-lag", answer_s=5.0),
        make_reader=partial(confluent.Reader, broker.profile, client_id="bench-lag"),
        intervals=schedule.Intervals(hot_s=hot_s, quiet_s=60.0),
    )
    printing.heading(
        f"Lag beside Burrow: looks every {hot_s} s, Burrow's at ends every {refresh_s} s; commits every {commits_s:g} s"
    )
    with (
        closing(poller),
        at_work(broker.profile, [*ill, *calm]),
        burrow.running(tmp_path / "burrow", servers=broker.url(), refresh_s=refresh_s) as peer,
    ):
        if peer is None:
            printing.figure("Burrow", "—", burrow.ABSENT)
        seen = Seen([*ill, *calm], poller, peer)
        known = seen.until(is_calm, groups=[*ill, *calm[:-1]], calm=[])
        assert len(known) == (len(calm) + 1) * (2 if peer else 1), seen.look()
        seen.watch(calm, for_s=(WINDOW + 2) * hot_s)
        ill[0].gone.set()
        ill[1].standing.set()
        red = seen.until(is_red, groups=ill, calm=calm)
        ill[0].gone.clear()
        ill[1].standing.clear()
        well = seen.until(is_calm, groups=ill, calm=calm)
    show(ill, calm, red, well, seen, peer)
    assert not [who for who in seen.false if who[0] == "ours"], seen.false
    assert {red["ours", worker.name][1] for worker in ill} == {"STOP", "STALL"}


def show(ill: list[Worker], calm: list[Worker], red: Told, well: Told, seen: Seen, peer: burrow.Burrow | None) -> None:
    both = ("ours", "Burrow") if peer else ("ours",)
    for worker in ill:
        for what, times in ((f"{worker.kind}: told after", red), ("and it is over after", well)):
            said = [(whose, *times.get((whose, worker.name), (float("nan"), "never"))) for whose in both]
            printing.figure(what, "", ", ".join(f"{whose} {at_s:.1f} s ({word})" for whose, at_s, word in said))
    kinds = {worker.name: worker.kind for worker in calm}
    for whose in both:
        wrong = [
            f"{kinds[name]} {'/'.join(sorted(words))}" for (who, name), words in seen.false.items() if who == whose
        ]
        printing.figure(f"calm groups taken for trouble by {whose}", f"{len(wrong)} of {len(calm)}", ", ".join(wrong))
