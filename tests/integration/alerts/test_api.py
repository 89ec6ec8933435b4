"""Alerts over REST: what is told, what is done, to whom it is refused."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.db import connections
from pytest_django import Settings

from reliability.access import Role
from reliability.alerts.models import Delivery, Mute, Turn
from reliability.alerts.models.deliveries import State
from reliability.alerts.operations import forgetting
from reliability.audit.models import Entry
from reliability.kernel.clock import SYSTEM
from tests.integration.alerts.asking import Api
from tests.support import alerts

pytestmark = pytest.mark.django_db(transaction=True)
EVERY = {"covers": "everything", "minutes": 30, "reason": "upgrade"}
HOSTILE_IDS = ("0", "-1", str(2**63), str(2**64), "9" * 400, "x", "1.5", "%00", "1%00")


@pytest.fixture(autouse=True)
def channels(settings: Settings) -> None:
    settings.ALERT_CHANNELS = alerts.CHANNELS


def test_open_incidents_are_listed_the_worst_first_with_the_age_of_the_look() -> None:
    api = Api(Role.VIEWER)
    assert api("GET", "incidents") == {"items": [], "next": None, "looked_at": None, "unread": []}
    alerts.incident("slow", severity="warn", minutes_ago=90)
    alerts.incident("broken", "gone", channels=["pager"])
    alerts.incident("done", over=True)
    Turn.objects.create(pk=1, at=SYSTEM.now(), unread=["outbox"])
    told = api("GET", "incidents")
    assert [(each["title"], each["severity"], each["count"]) for each in told["items"]] == [
        ("2 things: broken", "crit", 2),
        ("slow", "warn", 1),
    ]
    worst = told["items"][0]
    assert (worst["told"], worst["told_to"], worst["state"], worst["partial"]) == ("crit", ["pager"], "open", False)
    assert (told["looked_at"] is not None, told["unread"]) == (True, ["outbox"])
    assert api("GET", "incidents?limit=5", status=422)["code"] == "one-page"


def test_incidents_that_are_over_come_in_pages() -> None:
    made = [alerts.incident(f"n{at}", over=True).pk for at in range(5)]
    api = Api(Role.VIEWER)
    first = api("GET", "incidents?state=over&limit=2")
    second = api("GET", f"incidents?state=over&limit=2&before={first['next']}")
    last = api("GET", f"incidents?state=over&limit=2&before={second['next']}")
    assert [each["id"] for page in (first, second, last) for each in page["items"]] == made[::-1]
    assert last["next"] is None
    assert {each["state"] for each in first["items"]} == {"over"}


def test_an_incident_is_told_with_all_that_belongs_to_it() -> None:
    made = alerts.incident("broken", "gone", channels=["pager", "chat"])
    told = Api(Role.VIEWER)("GET", f"incidents/{made.pk}")
    assert [(each["thing"], each["phase"], each["detail"]) for each in told["alerts"]] == [
        ("lag:broken", "firing", "why broken"),
        ("lag:gone", "firing", "why gone"),
    ]
    assert [(each["kind"], each["text"]) for each in told["happenings"]] == [("opened", "broken; gone")]
    assert [(each["channel"], each["event"], each["state"]) for each in told["deliveries"]] == [
        ("chat", "trigger", "waiting"),
        ("pager", "trigger", "waiting"),
    ]
    assert (told["alerts_not_shown"], told["url"]) == (0, f"/alerts/incidents/{made.pk}/")


def test_it_is_acknowledged_once_and_whoever_heard_is_told() -> None:
    made, api = alerts.incident(channels=["pager"]), Api()
    told = api("POST", f"incidents/{made.pk}/acknowledge", {"reason": "restarting it"})
    assert (told["acknowledged_by"], told["acknowledged_why"]) == (f"{api.name}/t", "restarting it")
    assert list(Delivery.objects.order_by("id").values_list("event", flat=True)) == ["trigger", "acknowledge"]
    again = api("POST", f"incidents/{made.pk}/acknowledge", {}, status=409)
    assert (again["code"], again["detail"]) == ("is-acknowledged", f"{api.name}/t has acknowledged it before.")
    over = alerts.incident("done", over=True)
    assert api("POST", f"incidents/{over.pk}/acknowledge", {}, status=409)["code"] == "is-over"
    entries = Entry.objects.order_by("seq").values_list("act", "outcome", "target")
    assert list(entries) == [
        ("alerts.acknowledge", "done", f"incident:{made.pk}"),
        ("alerts.acknowledge", "refused", f"incident:{made.pk}"),
        ("alerts.acknowledge", "refused", f"incident:{over.pk}"),
    ]


@pytest.mark.parametrize("act", ["acknowledge", "send-again"])
def test_two_who_do_the_same_at_once_do_it_once(act: str) -> None:
    made = alerts.incident(channels=["pager"])
    lost = alerts.delivery(made, channel="chat", state=State.GIVEN_UP, answer="no")
    path = f"incidents/{made.pk}/acknowledge" if act == "acknowledge" else f"deliveries/{lost.pk}/send-again"
    both, together = [Api(name="ana"), Api(name="olga")], threading.Barrier(2, timeout=20)

    def do(api: Api) -> str:
        together.wait()
        try:
            return str(api.problem("POST", path, {} if act == "acknowledge" else None).get("code", "done"))
        finally:
            connections.close_all()

    with ThreadPoolExecutor(2) as pool:
        said = sorted(pool.map(do, both))
    assert said == ["done", "is-acknowledged" if act == "acknowledge" else "is-under-way"]
    assert Delivery.objects.filter(event="acknowledge").count() == (1 if act == "acknowledge" else 0)


def test_mutes_are_made_listed_and_ended() -> None:
    made, api = alerts.incident(), Api()
    mute = api("POST", "mutes", {"covers": "incident", "of": str(made.pk), "minutes": 30, "reason": "x"}, status=201)
    assert (mute["in_words"], mute["lasting"], mute["by"]) == (f"incident {made.pk}", True, f"{api.name}/t")
    assert api("GET", f"incidents/{made.pk}")["muted"] is True
    glob = api("POST", "mutes", {"covers": "things", "of": "lag:*", "minutes": 5, "reason": "x"}, status=201)
    api("POST", "mutes", EVERY, status=201)
    assert [each["covers"] for each in api("GET", "mutes")["items"]] == ["things", "incident", "everything"]
    for _ in range(2):
        api("DELETE", f"mutes/{glob['id']}", status=204)
    told = api("GET", "mutes")
    assert [each["covers"] for each in told["items"]] == ["incident", "everything"]
    assert [(each["covers"], each["lasting"], each["ended_by"]) for each in told["past"]] == [
        ("things", False, f"{api.name}/t")
    ]
    assert api("DELETE", "mutes/999", status=404)["code"] == "no-such-mute"


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        *(({"minutes": each}, 422) for each in (0, -1, 10_081, 1.5, "30", True, None, 10**400)),
        *(({"covers": each}, 422) for each in ("nothing", None, ["rule"], "EVERYTHING")),
        *(({"reason": each}, 422) for each in ("", " \t", "a\x00", "x" * 2_001, None, 1)),
        ({"of": "lag"}, 422),
        ({"covers": "rule", "of": "nothing"}, 404),
        ({"covers": "room", "of": "nowhere"}, 422),
        ({"covers": "things", "of": " "}, 422),
        ({"covers": "things", "of": "a\x00"}, 422),
        ({"covers": "things", "of": "x" * 301}, 422),
        *(({"covers": "incident", "of": each}, 404) for each in ("", "x", "-1", "0", "9" * 300, "٣", str(2**63))),
        ({"until": "tomorrow"}, 422),
    ],
)
def test_a_mute_of_what_cannot_be_changes_nothing(changes: dict[str, Any], status: int) -> None:
    Api()("POST", "mutes", {**EVERY, **changes}, status=status)
    assert not Mute.objects.exists()


def test_an_incident_that_is_over_is_not_muted() -> None:
    over = alerts.incident(over=True)
    body = {"covers": "incident", "of": str(over.pk), "minutes": 5, "reason": "x"}
    assert Api()("POST", "mutes", body, status=409)["code"] == "is-over"


def test_messages_are_listed_in_pages_of_a_state_and_a_channel() -> None:
    for number in range(3):
        made = alerts.incident(f"n{number}", channels=["pager", "chat"])  # written at the same instant
    Delivery.objects.filter(incident=made, channel="chat").update(state=State.GIVEN_UP, attempts=9, answer="no")
    api = Api(Role.VIEWER)
    seen, before = [], ""
    while before is not None:
        page = api("GET", f"deliveries?limit=4{f'&before={before}' if before else ''}")
        seen += [each["id"] for each in page["items"]]
        before = page["next"]
    assert seen == sorted(Delivery.objects.values_list("id", flat=True), reverse=True)
    assert len(seen) == 6
    (lost,) = api("GET", "deliveries?state=given_up")["items"]
    assert (lost["channel"], lost["answer"], lost["due_at"], lost["title"]) == ("chat", "no", None, "n2")
    assert len(api("GET", "deliveries?channel=chat&state=waiting")["items"]) == 2
    assert api("GET", "deliveries?channel=any") == {"items": [], "next": None}
    assert api("GET", "deliveries?channel=nobody", status=404)["code"] == "no-such-channel"
    Delivery.objects.filter(channel="chat").update(channel="retired")
    assert len(api("GET", "deliveries?channel=retired")["items"]) == 3, "a channel that was is known by its messages"


def test_a_message_is_read_as_people_got_it() -> None:
    made = alerts.incident("broken", channels=["pager"])
    told = Api(Role.VIEWER)("GET", f"deliveries/{made.deliveries.get().pk}")
    assert told["text"].splitlines()[0] == "[test] broken", "the environment is named first"
    assert "- broken: why broken" in told["text"]


def test_a_message_that_was_given_up_is_sent_again_once() -> None:
    made, api = alerts.incident(), Api()
    row = alerts.delivery(made, state=State.GIVEN_UP, answer="refuses it (403)")
    told = api("POST", f"deliveries/{row.pk}/send-again")
    assert (told["state"], told["attempts"], told["due_at"] is not None) == ("waiting", 0, True)
    assert api("POST", f"deliveries/{row.pk}/send-again", status=409)["code"] == "is-under-way"
    sent = alerts.delivery(made, state=State.SENT)
    assert api("POST", f"deliveries/{sent.pk}/send-again", status=409)["code"] == "is-under-way"


def test_a_message_is_not_sent_after_a_later_one_about_the_same_incident() -> None:
    made, api = alerts.incident(), Api()
    lost = alerts.delivery(made, state=State.GIVEN_UP, answer="no")
    alerts.delivery(made, channel="chat", state=State.SENT)
    alerts.delivery(alerts.incident("other"), state=State.SENT)
    later = alerts.delivery(made, state=State.GIVEN_UP, answer="no")
    later_still = alerts.delivery(made, state=State.SENT)
    for row in (lost, later):
        assert api("POST", f"deliveries/{row.pk}/send-again", status=409)["code"] == "is-overtaken"
    later_still.delete()
    api("POST", f"deliveries/{later.pk}/send-again")


@pytest.mark.parametrize("number", HOSTILE_IDS)
def test_what_is_no_id_is_answered_and_changes_nothing(number: str) -> None:
    api = Api(Role.ADMIN)
    for method, path, body in (
        ("GET", f"incidents/{number}", None),
        ("POST", f"incidents/{number}/acknowledge", {}),
        ("DELETE", f"mutes/{number}", None),
        ("GET", f"deliveries/{number}", None),
        ("POST", f"deliveries/{number}/send-again", None),
        ("GET", f"incidents?state=over&before={number}", None),
        ("GET", f"deliveries?before={number}", None),
    ):
        assert api.problem(method, path, body)["status"] in (404, 422), path
    assert not Entry.objects.exists()


def test_ids_of_nothing_are_not_found() -> None:
    api, most = Api(Role.ADMIN), 2**63 - 1
    for method, path, body, code in (
        ("GET", f"incidents/{most}", None, "no-such-incident"),
        ("POST", f"incidents/{most}/acknowledge", {}, "no-such-incident"),
        ("DELETE", f"mutes/{most}", None, "no-such-mute"),
        ("GET", f"deliveries/{most}", None, "no-such-delivery"),
        ("POST", f"deliveries/{most}/send-again", None, "no-such-delivery"),
    ):
        assert api(method, path, body, status=404)["code"] == code


@pytest.mark.parametrize("reason", ["a\x00", "x" * 2_001, 1, ["x"], {"a": 1}])
def test_a_reason_that_is_none_acknowledges_nothing(reason: object) -> None:
    made = alerts.incident()
    Api()("POST", f"incidents/{made.pk}/acknowledge", {"reason": reason}, status=422)
    made.refresh_from_db()
    assert made.acknowledged_at is None


def test_each_role_may_do_what_the_table_of_rights_says() -> None:
    made = alerts.incident()
    lost = alerts.delivery(made, state=State.GIVEN_UP, answer="no")
    rule = {"rule": {}, "reason": "x", "version": 0}
    acts: list[tuple[str, str, object]] = [
        ("POST", f"incidents/{made.pk}/acknowledge", {}),
        ("POST", "mutes", EVERY),
        ("DELETE", "mutes/1", None),
        ("POST", "channels/pager/test", None),
        ("POST", f"deliveries/{lost.pk}/send-again", None),
    ]
    viewer, operator = Api(Role.VIEWER), Api(Role.OPERATOR)
    for method, path, body in [
        *acts,
        ("PUT", "rules/new", rule),
        ("DELETE", "rules/new", {"reason": "x", "version": 1}),
    ]:
        assert viewer(method, path, body, status=403)["code"] == "denied"
    for path in ("incidents", f"incidents/{made.pk}", "mutes", "rules", "channels", "deliveries"):
        viewer("GET", path)
    assert viewer("POST", "rules/preview", {"rule": {}})["sentence"]
    for method, path in (("PUT", "rules/new"), ("DELETE", "rules/new")):
        body = rule if method == "PUT" else {"reason": "x", "version": 1}
        assert operator(method, path, body, status=403)["code"] == "denied"
    assert set(Entry.objects.values_list("outcome", flat=True)) == {"refused"}
    Api(Role.ADMIN)("PUT", "rules/new", rule)
    for method, path, body in acts:
        assert operator.problem(method, path, body).get("status") in (None, 404)
    assert not Entry.objects.filter(outcome="failed").exists()


def test_what_is_too_old_is_gone_without_a_trace() -> None:
    made, api = alerts.incident(over=True), Api()
    made.is_settled = True
    made.save()
    forgetting.forget(now=SYSTEM.now() + timedelta(days=91))
    assert api("GET", f"incidents/{made.pk}", status=404)["code"] == "no-such-incident"
    assert api("GET", "incidents?state=over")["items"] == []
