"""Random walks through everything that can happen to letters and runs: what is counted is what is there."""

from __future__ import annotations

import contextlib
import random
from collections import Counter
from collections.abc import Callable
from typing import TypeVar

import pytest
from django.db.models import Count, Model, QuerySet

from dlq.domain import item as items
from dlq.domain.scope import Scope
from dlq.models import Discard, Letter, LetterGroup, Replay, ReplayItem
from dlq.operations import discards, outcomes, plans, replays
from outbox.domain import message
from outbox.models import Inbox
from reliability.access import Role
from reliability.kafka import clusters
from reliability.kernel import wire
from reliability.kernel.errors import Refused
from reliability.kernel.record import TopicPartition
from tests.support.actors import actor
from tests.support.letters import record, store
from tests.support.replays import GROUP, TOPIC, World

STEPS = 80
Row = TypeVar("Row", bound=Model)
ADMIN = actor(Role.ADMIN, name="ada")


class Walk:
    """One walk: letters of two groups, any number of runs."""

    def __init__(self, world: World, seed: int) -> None:
        self.world, self.random = world, random.Random(seed)
        self.steps: list[Callable[[], object]] = [
            *[self.arrive] * 2, *[self.approve] * 3, *[self.feed] * 6, *[self.relay] * 6, *[self.receipts] * 6,
            *[self.settle] * 4, *[self.inbox] * 3, *[self.fail_again] * 3, self.control, self.discard, self.undo,
        ]  # fmt: skip

    def step(self) -> None:
        self.world.advance(self.random.choice([0.1, 1, 6, 20]))
        with contextlib.suppress(Refused):  # what is refused changes nothing: the invariants say so
            self.random.choice(self.steps)()

    def some(self, rows: QuerySet[Row], most: int) -> list[Row]:
        """Some of these rows, the same ones for the same seed."""
        found = list(rows.order_by("pk"))
        return self.random.sample(found, min(len(found), self.random.randint(0, most)))

    def arrive(self) -> None:
        start = 10_000 + Letter.objects.count()
        self.world.letters(self.random.randint(1, 6), start=start, error_type=self.random.choice(["A", "B"]))

    def approve(self) -> None:
        letters = self.some(Letter.objects.all(), 12)
        scope = Scope(ids=tuple(sorted(letter.pk for letter in letters)))
        if not letters:
            scope = Scope(group=self.random.choice(LetterGroup.objects.order_by("pk")).pk)
        terms = plans.terms(rate=500, failed_limit=self.random.choice([None, 0.2]), include=["quarantined"])
        plan = plans.draw(scope=scope, terms=terms, actor=ADMIN, now=self.world.now)
        for _ in range(self.random.randint(1, 2)):
            replays.approve(plan_id=plan.pk, plan_hash=plan.hash, reason="x", actor=ADMIN, now=self.world.now)

    def feed(self) -> None:
        for run in Replay.objects.filter(state="running"):
            self.world.feed(run)

    def relay(self) -> None:
        fate = self.random.random()
        self.world.relay(refuse=[TOPIC] if fate < 0.1 else [], lose=0.1 <= fate < 0.2)

    def receipts(self) -> None:
        outcomes.take_receipts(now=self.world.now)

    def settle(self) -> None:
        outcomes.settle_sent(now=self.world.now)
        outcomes.settle_late(now=self.world.now)

    def inbox(self) -> None:
        for item in self.some_sent():
            Inbox.objects.update_or_create(
                digest=message.digest(GROUP, item.message_id),
                defaults={
                    "state": self.random.choice(["done", "done", "gave_up", "retrying"]),
                    "attempt": item.attempt,
                    "at": self.world.now,
                },
            )

    def fail_again(self) -> None:
        for item in self.some_sent():
            told = {"origin_offset": item.sent_offset or 0, "origin_partition": item.sent_partition or 0}
            lineage = (
                (wire.REPLAY, f"{item.replay_id}/{item.pk}".encode()),
                (wire.MESSAGE_ID, item.message_id.encode()),
            )
            extra = lineage if self.random.random() < 0.5 else ()
            store(record(900_000 + item.pk, extra=extra, attempts=item.attempt, **told), now=self.world.now)

    def some_sent(self) -> list[ReplayItem]:
        sent = ReplayItem.objects.filter(sent_offset__isnull=False, new_letter__isnull=True, consumer_group=GROUP)
        return self.some(sent, 4)

    def control(self) -> None:
        for run in self.some(Replay.objects.all(), 1):
            act = self.random.choice([replays.pause, replays.resume, replays.cancel])
            act(replay_id=run.pk, actor=ADMIN, now=self.world.now)

    def discard(self) -> None:
        ids = tuple(letter.pk for letter in self.some(Letter.objects.all(), 3))
        discards.discard(scope=Scope(ids=ids), reason="x", actor=ADMIN, now=self.world.now)

    def undo(self) -> None:
        for made in self.some(Discard.objects.filter(undone_at=None), 1):
            discards.undo(discard_id=made.pk, actor=ADMIN, now=self.world.now)


def check() -> None:
    """What holds after every step."""
    for run in Replay.objects.all():
        there = Counter(run.items.values_list("state", flat=True))
        assert {state: run.counts.get(str(state), 0) for state in items.ItemState} == {
            state: there.get(str(state), 0) for state in items.ItemState
        }
        assert run.counts.get("refused", 0) == run.items.filter(refused=True).count()
        assert run.total == sum(there.values())
    claiming = [str(state) for state in items.CLAIMING]
    claims = ReplayItem.objects.filter(state__in=claiming).values("letter").annotate(n=Count("pk"))
    assert not claims.filter(n__gt=1).exists()
    unsettled = [str(state) for state in items.UNSETTLED]
    held = set(ReplayItem.objects.filter(state__in=unsettled).values_list("letter_id", flat=True))
    replaying = set(Letter.objects.filter(state="replaying", duplicate_of=None).values_list("pk", flat=True))
    assert held == replaying
    for group in LetterGroup.objects.all():
        there = Counter(Letter.objects.filter(group=group, duplicate_of=None).values_list("state", flat=True))
        counted = (group.open_count, group.replaying_count, group.quarantined_count)
        assert counted == (there["open"], there["replaying"], there["quarantined"])
    for letter in Letter.objects.filter(duplicate_of=None):
        assert (letter.closed_at is not None) == (letter.state in ("resolved", "discarded")), letter.pk


def sent_by_item() -> Counter[str]:
    """How often each item's record lies in the topic."""
    reader, admin = clusters.reader(client_id="test"), clusters.admin()
    found: Counter[str] = Counter()
    for partition in range(admin.topics()[TOPIC]):
        place = TopicPartition(TOPIC, partition)
        for sent in reader.read(place, 0, admin.end_offsets([place]).get(place, 0), deadline_s=5):
            found[(wire.last(sent.headers, wire.REPLAY) or b"").decode()] += 1
    return found


@pytest.mark.parametrize("seed", range(4))
def test_whatever_happens_what_is_counted_is_what_is_there(world: World, seed: int) -> None:
    walk = Walk(world, seed)
    walk.arrive()
    for _ in range(STEPS):
        walk.step()
        check()
    sent = sent_by_item()
    assert set(sent.values()) <= {1}
    with_receipt = ReplayItem.objects.filter(sent_offset__isnull=False)
    assert {f"{item.replay_id}/{item.pk}" for item in with_receipt} <= set(sent)
    cancelled = ReplayItem.objects.filter(state__in=["planned", "cancelled"])
    assert not {f"{item.replay_id}/{item.pk}" for item in cancelled} & set(sent)
