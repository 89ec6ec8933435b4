"""What dead letters tell the console."""

from __future__ import annotations

from datetime import timedelta

import pytest
from pytest_django import Settings

from dlq.models import LetterGroup
from dlq.operations import sources
from dlq.queries import overview
from reliability.access.domain.roles import Role
from reliability.console.domain import verdict
from reliability.console.domain.values import Subject
from reliability.console.registry import REGISTRY
from reliability.kafka import clusters
from reliability.kernel import clock
from reliability.live import operations
from tests.support.actors import actor
from tests.support.letters import NOW, record, store
from tests.support.network import silent_port

pytestmark = pytest.mark.django_db

HOUR = timedelta(hours=1)
EVERYBODY = actor(Role.VIEWER)


@pytest.fixture(autouse=True)
def _stored() -> None:
    """Somebody stores letters, or nothing else is said."""
    operations.record_beat(name="letters", host="a", pid=1, state="running", facts={}, started_at=clock.SYSTEM.now())


def test_the_tile_counts_open_letters_and_names_their_state() -> None:
    assert (overview.tile(actor=EVERYBODY, now=NOW).word, overview.tile(actor=EVERYBODY, now=NOW).status) == (
        "None",
        "ok",
    )
    store(record(1), record(2))
    tile = overview.tile(actor=EVERYBODY, now=NOW)
    assert (tile.value, tile.word, tile.status, tile.points[-1]) == ("2", "Arriving", "crit", 2.0)
    assert overview.tile(actor=EVERYBODY, now=NOW + HOUR).word == "Waiting"
    LetterGroup.objects.update(open_count=0, replaying_count=2)
    assert overview.tile(actor=EVERYBODY, now=NOW).status == "prog"


def test_each_failure_group_that_needs_somebody_is_an_item_with_its_best_act() -> None:
    store(record(1), record(2), record(3, error_type="KeyError", origin_topic=""))
    timeout, bug = overview.attention(actor=EVERYBODY, now=NOW)
    assert timeout.title == "PaymentTimeout: no answer for order <n>: 2 open, 2 arrived in the last 5 min"
    assert timeout.detail.startswith("orders · billing · dependency · ")
    assert (timeout.act_label, timeout.count, timeout.topics) == ("Look", 2, ("orders",)), "who looks may not act"
    assert (bug.act_label, bug.topics) == ("Look", ("orders.billing.dlq",))


def test_what_is_open_is_told_apart_from_what_arrived_within_five_minutes() -> None:
    store(*(record(number) for number in range(7)), now=NOW - timedelta(minutes=5, seconds=1))
    store(*(record(10 + number) for number in range(4)), now=NOW - timedelta(minutes=4, seconds=59))
    LetterGroup.objects.update(open_count=2, replaying_count=9)
    (item,) = overview.attention(actor=EVERYBODY, now=NOW)
    assert item.title.endswith(": 2 open, 9 in a replay, 4 arrived in the last 5 min")


def test_failures_alike_stand_by_their_open_letters_not_by_their_age() -> None:
    store(record(1, error_type="KeyError"), now=NOW - timedelta(minutes=2))
    store(record(2, error_type="TypeError"), record(3, error_type="TypeError"), now=NOW)
    ordered = verdict.ordered([*reversed(overview.attention(actor=EVERYBODY, now=NOW))])
    assert [(item.status, item.count) for item in ordered] == [("crit", 2), ("crit", 1)]


def test_the_act_of_an_item_is_the_one_that_its_advice_names_for_who_may_do_it() -> None:
    store(record(1), record(2, error_type="CardDeclined"), record(3, error_type="KeyError"))
    items = overview.attention(actor=actor(Role.OPERATOR), now=NOW)
    acts = {(item.act_label, item.act_url.rpartition("=")[0], item.act_opens) for item in items}
    assert acts == {
        ("Plan a replay", "/replays/plan/?group", "page"),
        ("Discard…", "/discards/new/?group", "dialog"),
        ("Look", "", "page"),
    }
    assert {item.act_label for item in overview.attention(actor=EVERYBODY, now=NOW)} == {"Look"}


def test_many_groups_are_named_in_part() -> None:
    store(*(record(number, error_type=f"Error{number}") for number in range(8)))
    items = overview.attention(actor=EVERYBODY, now=NOW)
    assert len(items) == overview.ITEMS_MAX + 1
    assert items[-1].title == "3 more failure groups with 3 open letters"


def test_an_outage_comes_first_however_many_letters_others_have() -> None:
    for number in range(overview.ITEMS_MAX):
        old = [record(number * 100 + at, error_type=f"KeyError{number}") for at in range(30)]
        store(*old, now=NOW - HOUR)
    store(*(record(1_000 + at) for at in range(25)), now=NOW)
    items = overview.attention(actor=EVERYBODY, now=NOW)
    assert [item.word for item in items] == ["Outage", *["Quiet"] * (overview.ITEMS_MAX - 1), "More"]
    assert [item.is_cause for item in items] == [True, *[False] * overview.ITEMS_MAX]
    store(*(record(2_000 + at, error_type="TypeError") for at in range(90)), now=NOW - HOUR / 12)
    ordered = verdict.ordered([*overview.attention(actor=EVERYBODY, now=NOW)])
    assert [item.word for item in ordered[:2]] == ["Outage", "New"]
    assert ordered[1].since < ordered[0].since  # the older one waits behind the cause


def test_who_sees_some_topics_hears_of_those_only() -> None:
    store(*(record(number, error_type=f"Error{number}") for number in range(8)))
    store(*(record(number, error_type=f"Error{number}", origin_topic="stock", partition=1) for number in range(3, 10)))
    limited = actor(Role.VIEWER, topics=("stock",))
    tile = overview.tile(actor=limited, now=NOW)
    assert (tile.value, tile.unit, tile.points[-1]) == ("7", "in your topics", 7.0)
    items = overview.attention(actor=limited, now=NOW)
    assert {(item.count, item.topics) for item in items[:-1]} == {(1, ("stock",))}
    assert items[-1].title == "2 more failure groups with 2 open letters"
    sources.met(cluster="main", topic_ids={"orders.billing.dlq": "a"}, now=NOW)
    sources.met(cluster="main", topic_ids={"orders.billing.dlq": "b"}, now=NOW + HOUR)
    assert overview.timeline(NOW, 10)[0].topics == ("orders.billing.dlq",)


def test_new_failures_and_recreated_topics_are_on_the_timeline() -> None:
    store(record(1))
    sources.met(cluster="main", topic_ids={"orders.billing.dlq": "a"}, now=NOW)
    assert sources.met(cluster="main", topic_ids={"orders.billing.dlq": "b"}, now=NOW + HOUR) == ["orders.billing.dlq"]
    assert sources.met(cluster="main", topic_ids={"orders.billing.dlq": "b"}, now=NOW + HOUR) == []
    rows = overview.timeline(NOW - HOUR, 10)
    assert [row.text for row in rows] == [
        "The dead-letter topic orders.billing.dlq was deleted and created again",
        "New failure: PaymentTimeout: no answer for order <n> in orders",
    ]
    assert overview.timeline(NOW + HOUR, 10) == []


def test_figures_signal_and_cause() -> None:
    store(record(1), record(2))
    values = {(figure.metric.name, *figure.labels.values()): figure.value for figure in overview.figures(now=NOW)}
    assert values["mainstay_letters", "open"] == 2
    assert values["mainstay_letter_groups_open",] == 1
    sample = overview.open_letters("billing", now=NOW)
    assert sample is not None
    assert sample.value == 2.0
    assert overview.open_letters("nobody", now=NOW) is None
    for subject in (Subject(kind="topic", name="orders"), Subject(kind="group", name="billing")):
        (fact,) = overview.cause(subject, HOUR, now=NOW)
        assert fact.text.startswith("2 open letters")
    assert overview.cause(Subject(kind="dependency", name="orders"), HOUR, now=NOW) == []


def test_doctor_says_which_topics_the_patterns_find(settings: Settings) -> None:
    settings.KAFKA_BACKEND = "memory"
    clusters.forget_memory()
    assert overview.check().verdict == "warn"
    clusters.admin().create_topics({"orders-dlt": 1, "orders": 1})
    assert overview.check().found == "1 topics: orders-dlt"
    clusters.memory_broker().log.away = True
    assert overview.check().verdict == "fail"
    clusters.forget_memory()


def test_clusters_that_do_not_answer_are_waited_for_once(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(overview, "CHECK_ANSWER_S", 1.0)
    settings.KAFKA_BACKEND = "confluent"
    with silent_port() as port:
        settings.KAFKA_CLUSTERS = {f"c{at}": {"bootstrap.servers": f"127.0.0.1:{port}"} for at in range(12)}
        began_s = clock.SYSTEM.monotonic()
        check = overview.check()
        assert clock.SYSTEM.monotonic() - began_s < 6
    assert check.verdict == "fail"
    assert all(f"c{at}: " in check.found for at in range(12))


def test_it_is_registered() -> None:
    assert "letters" in REGISTRY.panels
    assert "letters.open" in REGISTRY.signals
    assert "dead-letter topics" in REGISTRY.checks
