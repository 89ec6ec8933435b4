"""The outbox's entrances: command line, REST, tasks, and what it tells the console."""

from __future__ import annotations

import json
import sys
import threading
import time
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from kombu.exceptions import OperationalError

import outbox
from outbox import queries, tasks
from outbox.queries import overview
from outbox.queries.shards import HIDDEN
from reliability.access import Role
from reliability.access import operations as access_operations
from reliability.audit.models import Entry
from reliability.console.registry import REGISTRY
from reliability.kernel import clock
from reliability.kernel.clock import CLOCKS_APART_S
from tests.support.actors import account, actor
from tests.support.outbox import append, drain, make_relay

NOW = clock.SYSTEM.now
EVERYBODY = actor(Role.VIEWER)


def events(count: int) -> list[outbox.Event]:
    return [outbox.Event(topic="orders", key=str(n).encode(), value=b"v") for n in range(count)]


@pytest.fixture
def stuck_and_parked(broker):
    append(*events(50), outbox.Event(topic="orders", key=b"\x00<b>", partition=9))
    drain(make_relay(broker))
    append(*events(20))
    with connection.cursor() as cursor:
        cursor.execute("UPDATE outbox_event SET created_at = created_at - interval '2 minutes'")


def test_status_shows_backlog_age_owner_and_totals(stuck_and_parked, capsys):
    call_command("outbox", "status", "--json")
    told = json.loads(capsys.readouterr().out)
    assert told["total"]["events"] == 20
    assert told["total"]["parked"] == 1
    assert 110 < told["total"]["oldest_age_s"] < 140
    assert len(told["shards"]) == 16
    assert {row["state"] for row in told["shards"]} <= {"ok", "behind"}
    call_command("outbox", "status")
    assert "20 waiting" in capsys.readouterr().out


def test_the_backlog_is_counted_up_to_a_limit(monkeypatch):
    monkeypatch.setattr(sys.modules["outbox.queries.shards"], "BACKLOG_COUNTED_MAX", 3)
    append(*[outbox.Event(topic="orders", key=b"k")] * 10)
    whole = queries.backlog(NOW())
    assert (whole.events, whole.capped) == (3, True)


def test_parked_lists_exact_keys_and_reasons(stuck_and_parked, capsys):
    call_command("outbox", "parked", "--json")
    row = json.loads(capsys.readouterr().out)
    assert (row["key"], row["key_text"], row["code"]) == ("ADxiPg==", "␀<b>", "unknown_partition")
    call_command("outbox", "parked")
    assert "partition 9 of topic orders, which has 3" in capsys.readouterr().out


def test_an_act_needs_an_account_with_the_right(capsys):
    account(Role.VIEWER, name="vera")
    account(Role.OPERATOR, name="ana")
    with pytest.raises(CommandError):
        call_command("outbox", "pause", "--as", "vera", "--reason", "no")
    call_command("outbox", "pause", "--as", "ana", "--reason", "upgrade", "--shard", "3")
    call_command("outbox", "resume", "--as", "ana")
    assert capsys.readouterr().out.splitlines() == ["paused: 3", "resumed: 3"]


def token_of(name: str, role: Role, *, topics: tuple[str, ...] = ("*",)) -> dict[str, str]:
    made = access_operations.issue_token(
        account=account(role, name=name, topics=topics), name="test", life=timedelta(hours=1), now=NOW()
    )
    return {"HTTP_AUTHORIZATION": f"Bearer {made.secret}"}


def test_rest_shows_shards_and_parked_events(stuck_and_parked, client):
    viewer = token_of("vera", Role.VIEWER)
    shards = client.get("/api/v1/outbox/shards", **viewer).json()
    assert sum(row["backlog"] for row in shards["items"]) == 20
    parked = client.get("/api/v1/outbox/parked?limit=1", **viewer).json()
    assert parked["items"][0]["code"] == "unknown_partition"
    assert client.get(f"/api/v1/outbox/parked?limit=1&cursor={parked['next']}", **viewer).json() == {
        "items": [],
        "next": None,
    }
    assert client.get("/api/v1/outbox/shards").status_code == 401


def test_rest_pauses_for_operators_only(client):
    body = {"shards": [3, 5], "reason": "upgrade"}
    viewer, operator = token_of("vera", Role.VIEWER), token_of("ana", Role.OPERATOR)
    kind = "application/json"
    assert client.post("/api/v1/outbox/pause", body, content_type=kind, **viewer).status_code == 403
    answer = client.post("/api/v1/outbox/pause", body, content_type=kind, **operator)
    assert answer.json() == {"shards": [3, 5]}
    assert client.delete("/api/v1/outbox/pause?shards=3", **operator).json() == {"shards": [3]}
    assert client.post("/api/v1/outbox/pause", {"reason": ""}, content_type=kind, **operator).status_code == 422


def test_who_sees_some_topics_pauses_and_resumes_nothing_and_that_is_on_record(client):
    limited, operator = token_of("lim", Role.OPERATOR, topics=("stock*",)), token_of("ana", Role.OPERATOR)
    kind = "application/json"
    client.post("/api/v1/outbox/pause", {"shards": [3], "reason": "upgrade"}, content_type=kind, **operator)
    refused = [
        client.post("/api/v1/outbox/pause", {"shards": [5], "reason": "mine"}, content_type=kind, **limited),
        client.delete("/api/v1/outbox/pause?shards=3", **limited),
    ]
    for answer in refused:
        assert answer.status_code == 403
        assert "needs an account that may see every topic" in answer.json()["detail"]
    assert [row.id for row in queries.shards(NOW()) if row.paused_at] == [3]
    kept = Entry.objects.filter(outcome="refused").order_by("seq").values_list("act", "actor_account")
    assert list(kept) == [("outbox.pause", "lim"), ("outbox.resume", "lim")]


def test_the_console_hears_of_stuck_shards_and_parked_keys(stuck_and_parked):
    found = {item.id: item for item in overview.attention(actor=EVERYBODY, now=NOW())}
    assert found.keys() == {"outbox:stuck", "outbox:parked"}
    assert found["outbox:parked"].detail == "orders: partition 9 of topic orders, which has 3"
    assert overview.tile(actor=EVERYBODY, now=NOW()).status == "crit"
    assert any("Parked" in row.text for row in overview.timeline(NOW().replace(year=2020), 5))
    assert sum(figure.value for figure in overview.figures(now=NOW()) if figure.labels) == 20


def test_who_sees_other_topics_hears_nothing_of_what_is_parked(stuck_and_parked, client):
    with connection.cursor() as cursor:
        cursor.execute("UPDATE outbox_shard SET last_error = 'orders: gone', last_error_at = now()")
    limited = actor(Role.VIEWER, topics=("stock*",))
    items = {item.id: item for item in overview.attention(actor=limited, now=NOW())}
    assert items.keys() == {"outbox:stuck"}
    assert "orders" not in items["outbox:stuck"].detail
    assert overview.tile(actor=limited, now=NOW()).unit == "of all topics"
    (failed,) = [row for row in overview.timeline(NOW().replace(year=2020), 5) if "could not send" in row.text]
    assert not limited.scopes.allows(*failed.topics)
    client.force_login(account(Role.VIEWER, topics=("stock*",)).user)
    assert client.get("/api/v1/outbox/parked").json()["items"] == []
    shards = client.get("/api/v1/outbox/shards").json()["items"]
    assert {(shard["parked"], shard["last_error"]) for shard in shards} == {(0, HIDDEN)}
    page = client.get("/outbox/").content.decode()
    assert "Shards carry the events of all topics" in page
    assert "orders" not in page


def test_the_console_hears_of_a_missing_relay_and_of_a_halt():
    assert [item.id for item in overview.attention(actor=EVERYBODY, now=NOW())] == ["outbox:relay"]
    with connection.cursor() as cursor:
        cursor.execute("UPDATE outbox_setting SET halted_at = now(), halt_reason = 'restored'")
    found = {item.id: item for item in overview.attention(actor=EVERYBODY, now=NOW())}
    assert "restored" in found["outbox:halted"].detail
    assert overview.check(now=NOW()).verdict == "fail"


def test_a_quiet_outbox_is_fine(broker):
    append(*events(5))
    relay = make_relay(broker)
    drain(relay)
    assert overview.attention(actor=EVERYBODY, now=NOW()) == []
    tile = overview.tile(actor=EVERYBODY, now=NOW())
    assert (tile.status, tile.value, len(tile.points)) == ("ok", "0", 30)


def test_the_outbox_registers_itself_with_the_console():
    assert "outbox" in REGISTRY.panels
    assert "outbox" in REGISTRY.checks
    assert "outbox.oldest_age" in REGISTRY.signals


class Sent:
    """Notes what is sent to Celery; the first ``lost`` times Redis is away."""

    def __init__(self, *, lost: int = 0) -> None:
        self.calls: list[dict[str, object]] = []
        self.lost = lost

    def __call__(self, **options: object) -> None:
        if self.lost:
            self.lost -= 1
            raise OperationalError("Redis is away")
        self.calls.append(options)


def test_the_sweep_starts_a_relay_only_when_none_is_heard(broker, monkeypatch):
    sent = Sent()
    monkeypatch.setattr(tasks.relay_outbox, "apply_async", sent)
    tasks.sweep()
    assert sent.calls == [{"queue": "relay", "expires": CLOCKS_APART_S, "retry": False}]
    make_relay(broker).step()
    tasks.sweep()
    assert len(sent.calls) == 1


def test_the_task_relays_for_its_turn_sends_itself_again_and_a_second_one_returns_at_once(broker, monkeypatch):
    sent = Sent()
    monkeypatch.setattr(tasks.relay_outbox, "apply_async", sent)
    monkeypatch.setattr(tasks, "TURN_S", 1.5)
    monkeypatch.setattr(tasks, "_relay", make_relay(broker))
    append(*events(5))
    turn = threading.Thread(target=lambda: (tasks.relay_outbox(), connection.close()))
    turn.start()
    time.sleep(0.5)
    tasks.relay_outbox()
    assert turn.is_alive(), "the second one waited for the first one's turn"
    turn.join(10)
    assert sent.calls == [{"queue": "relay", "expires": CLOCKS_APART_S, "retry": False}]
    assert len(broker.records("orders")) == 5
    tasks._leave()
    assert queries.relays() == []


def test_while_redis_is_away_the_relay_goes_on_because_nobody_could_start_the_next_turn(broker, monkeypatch):
    sent = Sent(lost=2)
    monkeypatch.setattr(tasks.relay_outbox, "apply_async", sent)
    monkeypatch.setattr(tasks, "TURN_S", 0.2)
    monkeypatch.setattr(tasks, "_relay", make_relay(broker))
    tasks.relay_outbox()
    assert (sent.lost, len(sent.calls)) == (0, 1)
    tasks._leave()
