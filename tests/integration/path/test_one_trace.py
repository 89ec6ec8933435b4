"""The whole way on the real broker: request, outbox, relay, consumer, dead letter, letter, replay, proof; one trace."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable
from contextlib import closing

import pytest
from django.db import transaction

import outbox
from dlq import handlers as dlq_handlers
from dlq.domain.scope import Scope
from dlq.models import Letter, Replay
from dlq.operations import outcomes, plans, replays
from outbox import consume, relay
from reliability import access
from reliability.kafka import clusters
from reliability.kernel import clock
from reliability.kernel.errors import Transient
from reliability.kernel.telemetry import tracing
from tests.support import outbox as outbox_support

pytestmark = pytest.mark.django_db(transaction=True)

OPERATOR = access.Actor(kind="user", name="op", role=access.Role.OPERATOR, scopes=access.TopicFilter.of(["*"]))
WITHIN_S = 40.0


class ProviderDown(Transient):
    """The provider did not answer"""


@pytest.fixture(autouse=True)
def _empty_outbox(transactional_db: None) -> None:
    """Its own, whatever was before: one that is paused holds everything up."""
    outbox_support.empty()


@pytest.fixture
def topic() -> str:
    name = f"path-{uuid.uuid4().hex[:8]}"
    clusters.admin().create_topics({name: 1})
    return name


def until(holds: Callable[[], object], *steps: Callable[[], object]) -> None:
    deadline = time.monotonic() + WITHIN_S
    while not holds():
        assert time.monotonic() < deadline, "the way was not gone to its end in time"
        for step in steps:
            step()


def test_one_trace_from_the_request_to_the_confirmed_replay(topic: str) -> None:
    group = f"{topic}-payments"
    provider_is_up = threading.Event()
    seen: list[tuple[str | None, int]] = []

    def charge(message: consume.Message) -> None:
        seen.append((tracing.current_trace_id(), message.attempt))
        if not provider_is_up.is_set():
            raise ProviderDown

    with tracing.span("POST /orders"), transaction.atomic():
        trace_id = tracing.current_trace_id()
        outbox.append(topic=topic, key=b"ord-1", value=b'{"order_id": "ord-1"}')
    with (
        closing(relay.of_this_process(hosting="process")) as sender,
        closing(consume.Consumer(group=group, topics=[topic], handler=charge, blocking_retries=1)) as payments,
        closing(dlq_handlers.Letters(pattern=f"^{topic}\\..*dlq$")) as letters,
    ):
        until(Letter.objects.exists, sender.step, payments.step, letters.step)
        letter = Letter.objects.get()
        assert (letter.cause, letter.consumer_group, letter.origin_topic) == ("dependency", group, topic)
        assert letter.trace_id == trace_id

        provider_is_up.set()
        replay = replay_of(letter)
        until(
            lambda: Replay.objects.get(pk=replay.pk).items.filter(state="confirmed").exists(),
            lambda: replays.feed(replay_id=replay.pk, now=clock.SYSTEM.now()),
            sender.step,
            payments.step,
            letters.step,
            lambda: outcomes.take_receipts(now=clock.SYSTEM.now()),
            lambda: outcomes.settle_sent(now=clock.SYSTEM.now()),
        )
    assert {trace for trace, _ in seen} == {trace_id}
    assert seen[-1][1] > seen[0][1], "the replay is a further attempt of the same message"
    assert Letter.objects.get().state == "resolved"


def replay_of(letter: Letter) -> Replay:
    now = clock.SYSTEM.now()
    plan = plans.draw(scope=Scope(ids=(letter.pk,)), terms=plans.terms(), actor=OPERATOR, now=now)
    return replays.approve(
        plan_id=plan.pk, plan_hash=plan.hash, reason="the provider is back", actor=OPERATOR, now=now
    ).replay
