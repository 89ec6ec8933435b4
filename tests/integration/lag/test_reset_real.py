"""A reset on the real broker: refused while a consumer is in the group, then applied, read from, undone."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from functools import partial
from typing import Any

import confluent_kafka
import pytest
from confluent_kafka.admin import AdminClient
from django.conf import settings
from django.test import Client

from reliability.access import Role
from reliability.kafka import clusters
from reliability.kernel import failpoint
from reliability.lag.domain import schedule
from reliability.lag.models import Group, Reset
from reliability.lag.polling.poller import Poller
from tests.integration.lag.resetting import apply, words
from tests.support import actors
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(120)]

WITHIN_S = 30.0


def profile() -> dict[str, Any]:
    return dict(settings.KAFKA_CLUSTERS["main"])


@pytest.fixture
def name() -> Iterator[str]:
    """A topic of two partitions with 50 records each; the group that reads it is called the same."""
    made = f"reset-{uuid.uuid4().hex[:6]}"
    wait_until(
        lambda: clusters.admin().create_topics({made: 2})[made] is None, within_s=WITHIN_S, what="the topic is made"
    )
    producer = confluent_kafka.Producer({**profile(), "linger.ms": 0})
    for number in range(50):
        for place in (0, 1):
            producer.produce(made, str(number).encode(), partition=place)
    assert producer.flush(20) == 0
    yield made
    admin = AdminClient(profile())  # kept by a name until its answers are there
    for future in admin.delete_topics([made]).values():
        future.result(WITHIN_S)


@pytest.fixture
def poller() -> Iterator[Poller]:
    made = Poller(
        "main",
        make_admin=partial(clusters.group_admin, "main", client_id="test-reset"),
        intervals=schedule.Intervals(hot_s=0.2, quiet_s=0.2),
    )
    yield made
    made.close()


@contextmanager
def member(name: str) -> Iterator[confluent_kafka.Consumer]:
    consumer = confluent_kafka.Consumer(
        {**profile(), "group.id": name, "enable.auto.commit": False, "auto.offset.reset": "earliest"}
    )
    consumer.subscribe([name])
    try:
        yield consumer
    finally:
        consumer.close()


def read(consumer: confluent_kafka.Consumer, count: int) -> dict[int, list[int]]:
    """Read so many records; return their offsets by partition."""
    found: dict[int, list[int]] = {0: [], 1: []}
    until = time.monotonic() + WITHIN_S
    while sum(map(len, found.values())) < count:
        assert time.monotonic() < until, f"read {found}"
        record = consumer.poll(0.2)
        if record is not None and record.error() is None:
            found[record.partition() or 0].append(record.offset() or 0)
    return found


def committed(name: str) -> list[int]:
    with closing(clusters.group_admin("main", client_id="test-reset")) as admin:
        found = admin.commits([name])[name]
    assert isinstance(found, dict), found
    return sorted(found.values())


def looked(poller: Poller, name: str, state: str) -> bool:
    poller.step()
    time.sleep(0.25)
    return Group.objects.filter(name=name, state=state).exists()


def test_it_waits_for_the_consumer_sets_where_the_next_begins_and_is_undone(
    client: Client, name: str, poller: Poller
) -> None:
    client.force_login(actors.account(Role.OPERATOR, name="ana").user)
    with member(name) as consumer:
        read(consumer, 100)
        consumer.commit(asynchronous=False)
        wait_until(partial(looked, poller, name, "stable"), within_s=WITHIN_S, what="the group is polled")
        form = f"/lag/groups/{Group.objects.get(name=name).pk}/reset/"
        refused = client.post(form, {"to": "offset", "offset": "30"})
        assert (refused.status_code, "1 member is in the group: stop its consumers" in words(refused)) == (409, True)
    begun = time.monotonic()
    answer = client.post(form, {"to": "offset", "offset": "30"})
    assert answer.status_code == 302, words(answer)
    made = Reset.objects.get()
    assert f"{name} goes on 40 records earlier: 40 will be read again, none skipped." in words(
        client.get(answer["Location"])
    )
    assert apply(client, made, name=name).status_code == 302
    assert time.monotonic() - begun < 5, "two requests that somebody waits for"
    made.refresh_from_db()
    assert (made.state, made.outcome) == ("applied", {})
    with member(name) as consumer:
        found = read(consumer, 40)
        assert found == {0: list(range(30, 50)), 1: list(range(30, 50))}
        joined = client.post(f"/lag/resets/{made.pk}/undo/")
        assert (joined.status_code, "stop its consumers" in words(joined)) == (409, True)
    assert client.post(f"/lag/resets/{made.pk}/undo/").status_code == 302
    back = Reset.objects.get(undoes=made)
    assert apply(client, back, name=name, reason="the wrong group").status_code == 302
    back.refresh_from_db()
    assert (back.state, back.outcome) == ("applied", {})
    wait_until(partial(looked, poller, name, "empty"), within_s=WITHIN_S, what="the poller sees it empty")
    assert committed(name) == [50, 50]
    shown = words(client.get(f"/lag/resets/{made.pk}/"))
    assert f"Taken back by reset #{back.pk}, by ana" in shown


def test_a_consumer_that_joins_between_preview_and_order_is_what_kafka_itself_refuses_for(
    client: Client, name: str, poller: Poller, monkeypatch: pytest.MonkeyPatch
) -> None:
    client.force_login(actors.account(Role.OPERATOR, name="ana").user)
    with member(name) as consumer:
        read(consumer, 100)
        consumer.commit(asynchronous=False)
    wait_until(partial(looked, poller, name, "empty"), within_s=WITHIN_S, what="the group is polled")
    form = f"/lag/groups/{Group.objects.get(name=name).pk}/reset/"
    assert client.post(form, {"to": "earliest"}).status_code == 302
    made = Reset.objects.get()
    with ExitStack() as joined:

        def joins(moment: str) -> None:
            if moment == "lag.reset_begun":
                consumer = joined.enter_context(member(name))
                wait_until(lambda: consumer.poll(0.2) or consumer.assignment(), within_s=WITHIN_S, what="it joined")

        monkeypatch.setattr(failpoint, "reach", joins)
        assert apply(client, made, name=name).status_code == 302
        made.refresh_from_db()
        assert made.state == "refused"
        assert set(made.outcome) == {f"{name} 0", f"{name} 1"}
        assert "Refused by Kafka" in words(client.get(f"/lag/resets/{made.pk}/"))
    assert committed(name) == [50, 50]
