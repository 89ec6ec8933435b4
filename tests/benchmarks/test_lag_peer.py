"""How soon a consumer's trouble and its end are seen, and what is taken for trouble that is none: beside Burrow."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from functools import partial
from pathlib import Path
from typing import Any

import confluent_kafka
import pytest
from django.conf import settings

from reliability.kafka import clusters
from reliability.lag.domain import schedule, verdict
from reliability.lag.domain.values import WINDOW, Word
from reliability.lag.models import Group
from reliability.lag.polling.poller import Poller
from tests.benchmarks import burrow, printing

pytestmark = [pytest.mark.benchmark, pytest.mark.django_db(transaction=True), pytest.mark.timeout(900)]

RUN = uuid.uuid4().hex[:6]
GIVEN_UP_S = 120.0


class Worker:
    """A group with one partition: written by one thread, read and committed by another."""

    def __init__(self, name: str, *, written_every_s: float, commits_every_s: float) -> None:
        self.name = f"peer-{name}-{RUN}"
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
        producer = confluent_kafka.Producer(profile() | {"linger.ms": 0})
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
            profile() | {"group.id": self.name, "enable.auto.commit": False, "auto.offset.reset": "earliest"}
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


def profile() -> dict[str, Any]:
    return dict(settings.KAFKA_CLUSTERS["main"])


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

    def until(
        self, wanted: Callable[[str, str], bool], *, groups: list[Worker], calm: list[Worker]
    ) -> dict[tuple[str, str], tuple[float, str]]:
        """Seconds until each says what is wanted of each group, with its word; what calm groups are taken for."""
        began, found = time.monotonic(), {}
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
def workers() -> Iterator[Callable[..., list[Worker]]]:
    with ExitStack() as stack:

        def made(*given: Worker) -> list[Worker]:
            clusters.admin().create_topics({worker.name: 1 for worker in given})
            for worker in given:
                worker.start()
                stack.callback(worker.stop)
            return list(given)

        yield made


@pytest.mark.parametrize(
    ("hot_s", "refresh_s", "commits_s"), [(1, 1, 1.0), (5, 10, 5.0)], ids=["every-second", "defaults"]
)
def test_beside_burrow(
    tmp_path: Path, workers: Callable[..., list[Worker]], hot_s: int, refresh_s: int, commits_s: float
) -> None:
    ill = workers(
        Worker(f"stops-{hot_s}", written_every_s=0.2, commits_every_s=commits_s),
        Worker(f"stalls-{hot_s}", written_every_s=0.2, commits_every_s=commits_s),
    )
    calm = workers(
        Worker(f"steady-{hot_s}", written_every_s=0.2, commits_every_s=commits_s),
        Worker(f"slow-topic-{hot_s}", written_every_s=3.0 * WINDOW * hot_s / 2, commits_every_s=commits_s),
        Worker(f"rare-commits-{hot_s}", written_every_s=0.2, commits_every_s=4.0 * commits_s),
    )
    poller = Poller(
        "main",
        make_admin=partial(clusters.group_admin, "main", client_id="bench-lag"),
        make_reader=partial(clusters.reader, "main", client_id="bench-lag"),
        intervals=schedule.Intervals(hot_s=hot_s, quiet_s=60.0),
    )
    printing.heading(
        f"Lag beside Burrow: looks every {hot_s} s, Burrow's at ends every {refresh_s} s; commits every {commits_s:g} s"
    )
    servers = str(profile()["bootstrap.servers"])
    with closing(poller), burrow.running(tmp_path / "burrow", servers=servers, refresh_s=refresh_s) as peer:
        if peer is None:
            printing.figure("Burrow", "—", burrow.ABSENT)
        seen = Seen([*ill, *calm], poller, peer)
        seen.until(is_calm, groups=[*ill, *calm], calm=[])
        settle_s = time.monotonic() + (WINDOW + 2) * hot_s
        while time.monotonic() < settle_s:
            seen.keep_false(seen.look(), calm)
            time.sleep(0.1)
        ill[0].gone.set()
        ill[1].standing.set()
        red = seen.until(is_red, groups=ill, calm=calm)
        ill[0].gone.clear()
        ill[1].standing.clear()
        well = seen.until(is_calm, groups=ill, calm=calm)
    show(ill, calm, red, well, seen, peer)
    assert not [who for who in seen.false if who[0] == "ours"], seen.false
    assert {red[("ours", worker.name)][1] for worker in ill} == {"STOP", "STALL"}


def show(ill: list[Worker], calm: list[Worker], red: Any, well: Any, seen: Seen, peer: burrow.Burrow | None) -> None:
    for what, times in (("is seen", red), ("is seen to recover", well)):
        for worker in ill:
            name = worker.name.split("-")[1]
            said = []
            for whose in ("ours", "Burrow") if peer else ("ours",):
                at_s, word = times.get((whose, worker.name), (float("nan"), "never"))
                said.append(f"{whose} {at_s:.1f} s ({word})")
            printing.figure(f"a consumer that {name} {what} after", "", ", ".join(said))
    for whose in ("ours", "Burrow") if peer else ("ours",):
        wrong = {name: words for (who, name), words in seen.false.items() if who == whose}
        note = "; ".join(
            f"{name.removeprefix('peer-').rsplit('-', 2)[0]}: {', '.join(sorted(words))}"
            for name, words in wrong.items()
        )
        printing.figure(f"of {len(calm)} calm groups taken for trouble, {whose}", str(len(wrong)), note)
