"""Alerts over REST: what is told, what is done, to whom it is refused."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from pytest_django import Settings

from reliability.access import Role, operations
from reliability.alerts.models import Delivery, Happening, Incident, Mute, Rule, Turn
from reliability.alerts.models.deliveries import State
from reliability.audit.models import Entry
from reliability.kernel.clock import SYSTEM
from tests.support import actors, alerts

pytestmark = pytest.mark.django_db(transaction=True)
ROOT = "/api/v1/alerts/"
RULE = {"rooms": ["lag"], "at_least": "warn", "channels": ["pager"]}
EVERY = {"covers": "everything", "minutes": 30, "reason": "upgrade"}
HOSTILE_IDS = ("0", "-1", str(2**63), str(2**64), "9" * 400, "x", "1.5", "%00", "1%00")


class Api:
    """The alerts part of the API, as an account."""

    def __init__(self, role: Role = Role.OPERATOR, *, topics: tuple[str, ...] = ("*",)) -> None:
        self.name = f"api-{role}-{len(topics[0])}"
        account = actors.account(role, name=self.name, topics=topics)
        made = operations.issue_token(account=account, name="t", life=timedelta(hours=1), now=SYSTEM.now())
        self.headers, self.client = {"Authorization": f"Bearer {made.secret}"}, Client()

    def __call__(self, method: str, path: str, body: object = None, *, status: int = 200) -> Any:
        sent = {} if body is None else {"data": json.dumps(body), "content_type": "application/json"}
        answer = self.client.generic(method, f"{ROOT}{path}", headers=self.headers, **sent)
        assert answer.status_code == status, answer.content
        return answer.json() if answer.content else None


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


def test_rules_are_saved_changed_and_deleted() -> None:
    api = Api(Role.ADMIN)
    made = api("PUT", "rules/slow", {"rule": RULE, "reason": "protects", "version": 0})
    assert (made["version"], made["on"], made["bad"], made["problem"]) == (1, True, False, "")
    assert made["sentence"].startswith("When something on lag has been at least a warning for 30 s")
    assert made["rule"]["name"] == "slow"
    assert api("PUT", "rules/slow", {"rule": RULE, "reason": "x", "version": 0}, status=409)["code"] == "superseded"
    changed = api("PUT", "rules/slow", {"rule": made["rule"], "on": False, "reason": "x", "version": 1})
    assert (changed["version"], changed["on"], api("GET", "rules/slow")) == (2, False, changed)
    api("DELETE", "rules/slow", {"reason": "x", "version": 1}, status=409)
    api("DELETE", "rules/slow", {"reason": "x", "version": 2}, status=204)
    assert api("GET", "rules") == {"items": [], "next": None}
    for method, body in (("GET", None), ("DELETE", {"reason": "x", "version": 1})):
        assert api(method, "rules/slow", body, status=404)["code"] == "no-such-rule"


@pytest.mark.parametrize(
    ("rule", "says"),
    [
        ({"rooms": ["lagg"]}, "There is no page 'lagg'"),
        ({"channels": ["nobody"]}, "No channel is called 'nobody'; there are any, chat, hook, pager"),
        ({"condition": {"signal": "no.such", "enter": 2, "exit": 1}}, "There is no signal no.such"),
        ({"condition": {"signal": "x" * 10_000, "enter": 2, "exit": 1}}, "A condition names a signal"),
        ({"condition": {"signal": "lag.seconds", "enter": 10**400, "exit": 1}}, "too large"),
        ({"condition": [[[[[]]]]]}, "A condition is an object"),
        ({"raise_after_s": -1}, "raise_after_s"),
        ({"raise_after_s": "30"}, "it is a number"),
        ({"things": "a\x00"}, "it is a text"),
        ({"nonsense": 1}, "has no 'nonsense'"),
        ({"severity": {"a": 1}}, "warn or crit"),
    ],
)
def test_a_rule_that_could_not_work_is_refused_in_a_sentence(rule: dict[str, Any], says: str) -> None:
    answer = Api(Role.ADMIN).client
    api = Api.__new__(Api)
    api.client, api.headers = answer, _headers("api-admin-1")
    body = {"rule": rule, "reason": "x", "version": 0}
    problem = json.loads(api.client.generic(
        "PUT", f"{ROOT}rules/slow", json.dumps(body), content_type="application/json", headers=api.headers
    ).content)
    assert problem["status"] in (404, 422)
    assert says in problem["detail"]
    assert not Rule.objects.exists()
