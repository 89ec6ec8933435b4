"""Resets in pages: what is not done is said in words, and nothing changes; double, late, at once, without a broker."""

from __future__ import annotations

import threading
from concurrent.futures import Future, ThreadPoolExecutor, wait

import pytest
from django.db import connection
from django.test import Client

from reliability.kafka import clusters, ports
from reliability.kernel import failpoint
from reliability.kernel.errors import Refused
from reliability.kernel.record import TopicPartition
from reliability.lag.models import Group, Reset
from reliability.lag.operations import reset_acts
from reliability.lag.operations import reset_looks as looks
from tests.integration.lag.resetting import apply, commits, form_url, planned, words
from tests.integration.lag.world import World
from tests.support import actors

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({}, "Choose where it goes on"),
        ({"to": "tomorrow"}, "Choose where it goes on"),
        ({"to": "time", "at": ""}, "Nothing is no time"),
        ({"to": "time", "at": "yesterday\x00"}, "is no time"),
        ({"to": "time", "at": "0001-01-01T00:00", "zone": "Asia/Tokyo"}, "is no time"),
        ({"to": "time", "at": "9999-12-31T23:59-14:00"}, "is no time"),
        ({"to": "time", "at": "1969-12-31T23:59"}, "before 1970"),
        ({"to": "time", "at": "2026-03-29T02:30", "zone": "Europe/Berlin"}, "clocks skipped"),
        ({"to": "time", "at": "2026-01-01T00:00", "zone": "../../etc/passwd"}, "is no time zone"),
        ({"to": "time", "at": "2026-01-01T00:00", "zone": "\x00"}, "is no time zone"),
        ({"to": "ago", "ago": "9999999d"}, "is no time ago"),
        ({"to": "offset", "offset": "9" * 400}, "is no offset"),
        ({"to": "offset", "offset": "9223372036854775808"}, "is no offset"),
        ({"to": "offset", "offset": "-1"}, "not below 0"),
        ({"to": "offset", "offset": "1_000"}, "is no offset"),
        ({"to": "offset", "offset": "1,0000"}, "is no offset"),
        ({"to": "offset", "offset": "٣"}, "is no offset"),
        ({"to": "shift", "count": "0"}, "by how many records"),
        ({"to": "shift", "count": "\x00"}, "is no number of records"),
        ({"to": "file", "offsets": ""}, "names no partition"),
        ({"to": "file", "offsets": "orders,0,5\x00"}, "is no offset"),
        ({"to": "file", "offsets": "[" * 5_000}, "line 1"),
        ({"to": "file", "offsets": "orders,7,5"}, "there is no such partition"),
        ({"to": "file", "offsets": "".join(f"o,{n},1\n" for n in range(100_001))}, "more than 100,000 partitions"),
        ({"to": "earliest", "some": "1"}, "at least one topic"),
        ({"to": "earliest", "some": "1", "topic": "secret\x00"}, "has no commit in the topic"),
        ({"to": "offset", "offset": "60", "some": "1", "topic": "stock"}, "has no commit in the topic"),
    ],
    ids=lambda each: str(each)[:50].encode("unicode_escape").decode() if isinstance(each, dict) else "",
)
def test_bad_input_is_said_beside_what_was_typed(ana: Client, fields: dict[str, str], said: str) -> None:
    answer = ana.post(form_url(), fields)
    assert answer.status_code in (409, 422)
    assert said in words(answer)
    assert not Reset.objects.exists()


def test_what_was_typed_is_kept_beside_an_error(ana: Client) -> None:
    body = ana.post(form_url(), {"to": "offset", "offset": "many"}).content.decode()
    assert 'value="offset" checked' in body
    assert 'name="offset" value="many"' in body


@pytest.mark.parametrize(
    ("fields", "status", "said"),
    [
        ({"name": "billin"}, 422, "That is not the group's name"),
        ({"name": ""}, 422, "That is not the group's name"),
        ({"reason": " "}, 422, "A reason is required"),
        ({"reason": "x" * 5_000}, 422, "A reason has at most"),
        ({"hash": "0" * 64}, 409, "not what was previewed"),
        ({"hash": "\x00"}, 409, "not what was previewed"),
    ],
)
def test_what_is_missing_is_said_and_nothing_changes(
    ana: Client, stopped: World, fields: dict[str, str], status: int, said: str
) -> None:
    answer = apply(ana, planned(ana), **fields)
    assert answer.status_code == status
    assert said in words(answer).replace("&#x27;", "'")
    assert commits(stopped) == [60, 90]


def test_a_reason_that_was_typed_stays(ana: Client) -> None:
    body = apply(ana, planned(ana), name="wrong", reason="typed with care").content.decode()
    assert "typed with care</textarea>" in body


def test_a_double_press_applies_once_and_shows_the_result(ana: Client, stopped: World) -> None:
    made = planned(ana)
    apply(ana, made)
    stopped.commit(70)
    answer = apply(ana, made)
    assert answer.status_code == 409
    assert "applied already" in words(answer)
    assert "What was done" in words(answer)
    assert commits(stopped) == [70, 5]


def test_of_two_operators_at_once_one_is_told_to_preview_again(ana: Client, stopped: World) -> None:
    first, second = planned(ana), planned(ana, to="latest")
    apply(ana, first)
    answer = apply(ana, second)
    assert answer.status_code == 409
    assert "preview again" in words(answer)
    assert "Preview again" in words(answer), "and with what"
    assert commits(stopped) == [5, 5]


def test_a_reset_that_is_being_applied_elsewhere_is_waited_for(ana: Client, stopped: World) -> None:
    group = Group.objects.get()
    first = planned(ana)
    second = planned(ana, to="latest")
    Reset.objects.filter(pk=first.pk).update(state="applying", applied_by="ben", applied_at=stopped.time.now())
    assert "Being applied" in words(ana.get(f"/lag/resets/{first.pk}/"))
    answer = apply(ana, second)
    assert (answer.status_code, "Another reset of this group" in words(answer)) == (409, True)
    assert commits(stopped) == [60, 90]
    assert clusters.memory_broker().group(group.name).notes == {}


def test_a_member_that_joins_after_the_last_look_is_told_by_partition(
    ana: Client, stopped: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def joins(name: str) -> None:
        if name == "lag.reset_begun":
            stopped.group("billing", stopped.member("one", 0, 1))

    monkeypatch.setattr(failpoint, "reach", joins)
    made = planned(ana)
    shown = words(ana.get(apply(ana, made)["Location"]))
    assert "Refused by Kafka" in shown
    assert "orders 0 not set: group billing: the group has members" in shown
    assert "undo sets them again" not in shown


def test_a_cluster_that_does_not_answer_is_said_and_what_happens_next(
    ana: Client, stopped: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = planned(ana)
    stopped.broker.go_away()
    for answer in (ana.post(form_url(), {"to": "latest"}), apply(ana, made)):
        assert answer.status_code == 503
        assert "The cluster main does not answer" in words(answer)
        assert "Nothing was changed" in words(answer)
    stopped.broker.come_back()
    monkeypatch.setattr(failpoint, "reach", lambda name: stopped.broker.go_away() if "begun" in name else None)
    shown = words(ana.get(apply(ana, made)["Location"]))
    assert "Not known yet" in shown
    assert "The poller reads the commits once the cluster answers" in shown
    stopped.broker.come_back()
    stopped.polls(40)
    assert "Refused by Kafka" in words(ana.get(f"/lag/resets/{made.pk}/"))


def test_a_broker_without_the_calls_is_said(ana: Client, stopped: World) -> None:
    stopped.play.unsupported.add("groups")
    answer = ana.post(form_url(), {"to": "latest"})
    assert (answer.status_code, "cannot do this" in words(answer)) == (503, True)


@pytest.mark.parametrize("same", [True, False], ids=["one preview twice", "two previews"])
def test_two_presses_at_the_same_moment_apply_one(ana: Client, stopped: World, same: bool) -> None:
    first = planned(ana)
    second = first if same else planned(ana, to="latest")
    together = threading.Barrier(2, timeout=20)

    def press(made: Reset) -> str:
        together.wait()
        return outcome(made, stopped)

    with ThreadPoolExecutor(2) as pool:
        found = sorted(pool.map(press, (first, second)))
    assert found[0] == "done"
    assert found[1] in ("plan-used", "plan-changed", "reset-busy")
    assert commits(stopped) in ([5, 5], [100, 100])
    assert Reset.objects.filter(state="applied").count() == 1


def test_a_reset_does_not_end_unseen_between_the_last_look_of_another_and_its_order(
    ana: Client, stopped: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = planned(ana), planned(ana, to="latest")
    look = looks.commits
    others: list[Future[str]] = []

    def looking(group: Group, admin: ports.GroupAdmin) -> dict[TopicPartition, int]:
        found = look(group, admin)
        if not others:
            others.append(pool.submit(outcome, first, stopped))
            wait(others, timeout=1)
        return found

    monkeypatch.setattr(looks, "commits", looking)
    with ThreadPoolExecutor(1) as pool:
        found = [outcome(second, stopped), others[0].result(20)]
    assert found.count("done") == 1, found
    assert Reset.objects.filter(state="applied").count() == 1


def outcome(made: Reset, world: World) -> str:
    """Apply it; return "done", or the code of what was refused."""
    try:
        reset_acts.apply(reset_id=made.pk, seen_hash=made.hash, reason="x", actor=actors.actor(), now=world.time.now())
    except Refused as refused:
        return refused.code
    finally:
        connection.close()
    return "done"
