"""The overview: one sentence, what needs a person, tiles, one timeline; and never more than one may see."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import OperationalError, transaction
from django.db.models import F
from django.test import Client

from reliability import audit
from reliability.access import Actor, Role
from reliability.console import checks, own, queries
from reliability.console.domain.values import Item, Tile, TimelineRow
from reliability.console.registry import Panel, Registry
from reliability.kernel import clock
from reliability.live import operations
from reliability.live.models import Heartbeat
from tests.support import actors

pytestmark = pytest.mark.django_db

NOW = clock.SYSTEM.now()


def item(name: str, **values: Any) -> Item:
    known = {"room": "letters", "status": "crit", "word": "New", "since": NOW, "url": "/letters/"}
    return Item(id=name, title=name, **{**known, **values})


def test_an_empty_console_is_quiet() -> None:
    found = queries.overview(actor=actors.actor(Role.VIEWER), now=NOW, registry=Registry())
    assert found.verdict.sentence == "All quiet. No problem in the last 7 days."
    assert found.attention.count == 0


def test_a_broken_room_takes_nothing_else_away() -> None:
    registry = Registry()
    registry.register_attention(lambda actor: [item("a")])
    registry.register_attention(lambda actor: [item("b")] if 1 / 0 else [])
    registry.register_panel(Panel(slug="letters", title="Dead letters", tile=lambda actor: 1 / 0))  # type: ignore[arg-type,return-value]  # it raises
    found = queries.overview(actor=actors.actor(Role.VIEWER), now=NOW, registry=registry)
    assert [each.id for each in found.attention.items] == ["a"]
    assert "could not be read" in found.verdict.sentence
    assert [(tile.title, tile.status) for tile in found.tiles] == [("Dead letters", "unknown")]


def test_an_outage_of_the_database_is_not_hidden_as_a_broken_room() -> None:
    registry = Registry()

    def out(actor: Actor) -> list[Item]:
        raise OperationalError("connection refused")

    registry.register_attention(out)
    with pytest.raises(OperationalError):
        queries.attention(actor=actors.actor(), registry=registry)


def test_things_about_topics_outside_the_scopes_are_left_out() -> None:
    registry = Registry()
    registry.register_attention(
        lambda actor: [item("hidden", topics=("secret.dlq",)), item("seen", topics=("orders.dlq",))]
    )
    row = TimelineRow(at=NOW, kind="machine", status="warn", text="letters arrive", topics=("secret.dlq",))
    registry.register_timeline(lambda since, limit: [row])
    limited = actors.actor(Role.VIEWER, topics=("orders.*",))
    found = queries.overview(actor=limited, now=NOW, registry=registry)
    assert [each.id for each in found.attention.items] == ["seen"]
    assert found.timeline == []


def test_pages_know_how_many_of_their_things_need_a_person() -> None:
    registry = Registry()
    registry.register_attention(
        lambda actor: [item("a"), item("b", status="warn"), item("c", room="outbox", status="warn")]
    )
    found = queries.attention(actor=actors.actor(), registry=registry)
    assert found.by_page == {"letters": (2, "crit"), "outbox": (1, "warn")}
    assert found.worst == "crit"


def test_a_badge_counts_the_lines_of_its_page() -> None:
    registry = Registry()
    registry.register_attention(
        lambda actor: [item("failure"), item("more", status="warn", lines=7), item("run", lines=0)]
    )
    found = queries.attention(actor=actors.actor(), registry=registry)
    assert found.by_page == {"letters": (8, "crit")}


def test_the_sentence_and_the_title_count_lines_as_the_badge_does() -> None:
    registry = Registry()
    registry.register_attention(lambda actor: [item("failure"), item("10 more", lines=10)])
    found = queries.overview(actor=actors.actor(), now=NOW, registry=registry)
    assert found.verdict.sentence == "11 things need you."
    assert (found.attention.count, found.attention.by_page["letters"][0]) == (11, 11)


@pytest.mark.django_db(transaction=True)
def test_the_timeline_merges_machines_and_people() -> None:
    registry = Registry()
    row = TimelineRow(at=NOW - timedelta(minutes=5), kind="machine", status="warn", text="letters arrive")
    registry.register_timeline(lambda since, limit: [row])
    actor = actors.actor(Role.OPERATOR)
    with audit.action("demo.switch", actor=actor, target="payments"):
        pass
    rows = queries.timeline(actor=actor, since=NOW - timedelta(hours=1), registry=registry)
    assert [(each.kind, each.who) for each in rows] == [("person", "ana"), ("machine", "")]
    assert "payments" in rows[0].text
    assert rows[1].text == "letters arrive"


def test_a_silent_process_is_a_thing_that_needs_a_person() -> None:
    operations.record_beat(name="letters", host="a", pid=1, state="running", facts={}, started_at=NOW)
    assert own.silent_processes() == []
    assert (own.tile().value, own.tile().unit) == ("1", "heard, of 7"), "the others have not started"
    Heartbeat.objects.update(at=F("at") - timedelta(seconds=16))
    (found,) = own.silent_processes()
    assert (found.title, found.status) == ("letters is silent", "crit")
    assert (own.tile().value, own.tile().unit, own.tile().word) == ("0", "heard, of 7", "1 silent")


def test_a_process_that_restarts_again_and_again_is_not_all_heard() -> None:
    for life in range(6):
        begun = NOW - timedelta(seconds=60 - 10 * life)
        operations.record_beat(name="worker-bulk", host="a", pid=1, state="running", facts={}, started_at=begun)
        Heartbeat.objects.exclude(started_at=begun).update(at=F("at") - timedelta(seconds=16))
    (found,) = own.restarting_processes()
    assert (found.title, found.status) == ("worker-bulk restarts again and again: 5 times in 5 min", "crit")
    assert (own.tile().status, own.tile().word, own.tile().value) == ("crit", "1 restarting", "1")
    assert found.id in [each.id for each in queries.attention(actor=actors.actor(Role.VIEWER)).items]
    checked = checks.processes()
    assert (checked.verdict, checked.found) == ("fail", found.title)
    assert "log" in checked.remedy


def test_the_processes_page_says_restarting(client: Client) -> None:
    for pid in range(6):
        operations.record_beat(name="worker-bulk", host="a", pid=pid, state="stopped", facts={}, started_at=NOW)
    client.force_login(actors.account(Role.VIEWER).user)
    assert "Restarting: 5 times" in client.get("/settings/").content.decode()


def test_a_failing_process_says_why() -> None:
    facts = {"error": "NoBroker: nobody answers"}
    operations.record_beat(name="letters", host="a", pid=1, state="failing", facts=facts, started_at=NOW)
    (found,) = own.failing_processes(actor=actors.actor(Role.VIEWER))
    assert found.detail == "NoBroker: nobody answers"


def test_the_hash_of_the_region_ignores_ages_and_nothing_else() -> None:
    registry = Registry()
    tile = Tile(title="x", value="1", status="ok", word="Fine", url="/", at=NOW)
    registry.register_panel(Panel(slug="x", title="x", tile=lambda actor: tile))
    actor = actors.actor()
    first = queries.overview(actor=actor, now=NOW, registry=registry).shown()
    assert queries.overview(actor=actor, now=NOW + timedelta(seconds=9), registry=registry).shown() == first
    registry.register_attention(lambda actor: [item("a")])
    assert queries.overview(actor=actor, now=NOW, registry=registry).shown() != first


def test_listeners_hear_of_a_touch_at_commit_and_a_broken_one_harms_nobody(
    django_capture_on_commit_callbacks: Any,
) -> None:
    registry = Registry()
    heard: list[tuple[str, ...]] = []
    registry.on_touched("outbox.receipt", lambda ids, by: 1 / 0)
    registry.on_touched("outbox.receipt", lambda ids, by: heard.append((*ids, by)))
    with django_capture_on_commit_callbacks(execute=True), transaction.atomic():
        registry.touched("outbox.receipt", [1, 2], by="relay")
        assert heard == []
    assert heard == [("1", "2", "relay")]


def test_the_api_gives_the_same(client: Client) -> None:
    client.force_login(actors.account(Role.VIEWER).user)
    answer = client.get("/api/v1/overview")
    assert answer.status_code == 200
    assert answer.json()["verdict"]["sentence"]
    operations.record_beat(name="letters", host="a", pid=1, state="running", facts={"n": 1}, started_at=NOW)
    (process,) = client.get("/api/v1/processes").json()["items"]
    assert (process["name"], process["silent"], process["facts"]) == ("letters", False, {"n": 1})
