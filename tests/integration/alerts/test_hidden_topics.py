"""Whoever sees some topics only learns nothing of alerts on others, and ends no one else's telling."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import timedelta

import pytest
from django.test import Client
from pytest_django import Settings

from reliability.access import Role, TopicFilter
from reliability.alerts.models import Incident, Mute
from reliability.alerts.models.deliveries import State
from reliability.alerts.queries import incidents, log, walking
from reliability.audit import queries as audit
from reliability.kernel import clock
from tests.integration.alerts.asking import Api
from tests.support import actors, alerts

pytestmark = pytest.mark.django_db(transaction=True)
SECRET = "payroll-salaries"


@dataclass
class World:
    hidden: Incident
    both: Incident
    seen: Incident
    of_nothing: Incident


@pytest.fixture
def world(settings: Settings) -> World:
    settings.ALERT_CHANNELS = alerts.CHANNELS
    return World(
        hidden=alerts.incident(f"{SECRET} is stalled", topics=[[SECRET]], channels=["pager"]),
        both=alerts.incident(
            f"{SECRET} is blocked", "stock is slow", topics=[[SECRET], ["stock"]], severity="warn", channels=["pager"]
        ),
        seen=alerts.incident("stock is stalled", topics=[["stock"]], channels=["pager"]),
        of_nothing=alerts.incident("no backup", topics=[[]]),
    )


@pytest.fixture
def api(world: World) -> Api:
    return Api(Role.OPERATOR, name="lim", topics=("stock*",))


def test_a_hidden_incident_is_not_there_and_one_that_is_partly_hidden_names_nothing_of_it(
    world: World, api: Api
) -> None:
    told = api("GET", "incidents")
    assert {each["id"] for each in told["items"]} == {world.both.pk, world.seen.pk, world.of_nothing.pk}
    (both,) = [each for each in told["items"] if each["partial"]]
    assert (both["id"], both["title"], both["count"]) == (world.both.pk, "stock is slow", 1)
    whole = api("GET", f"incidents/{world.both.pk}")
    assert [each["title"] for each in whole["alerts"]] == ["stock is slow"]
    assert {each["text"] for each in whole["happenings"]} == {"Things, some of them outside your topics."}
    assert [each["title"] for each in whole["deliveries"]] == ["Things, some of them outside your topics."]
    assert SECRET not in json.dumps([told, whole])
    assert api("GET", f"incidents/{world.hidden.pk}", status=404)["code"] == "no-such-incident"


def test_messages_of_hidden_incidents_are_not_there_and_none_names_what_is_hidden(world: World, api: Api) -> None:
    test = alerts.delivery(None)
    told = api("GET", "deliveries")
    assert [each["incident"] for each in told["items"]] == [None, world.seen.pk, world.both.pk]
    read = [api("GET", f"deliveries/{each['id']}") for each in told["items"]]
    assert "stock is stalled" in read[1]["text"]
    assert read[2]["text"].startswith("[test] Things, some of them outside your topics.")
    assert SECRET not in json.dumps([told, read])
    hidden = world.hidden.deliveries.get()
    assert api("GET", f"deliveries/{hidden.pk}", status=404)["code"] == "no-such-delivery"
    world.both.deliveries.update(state=State.GIVEN_UP)
    world.hidden.deliveries.update(state=State.GIVEN_UP)
    assert api("POST", f"deliveries/{hidden.pk}/send-again", status=404)["code"] == "no-such-delivery"
    hidden.refresh_from_db()
    assert hidden.state == State.GIVEN_UP
    again = api("POST", f"deliveries/{world.both.deliveries.get().pk}/send-again")
    assert SECRET not in json.dumps(again)
    assert SECRET in world.both.deliveries.get().body["title"], "whoever is told is told all of it"
    assert test.pk in {each["id"] for each in told["items"]}


def test_what_is_wholly_hidden_is_acknowledged_and_muted_by_nobody_who_does_not_see_it(world: World, api: Api) -> None:
    assert api("POST", f"incidents/{world.hidden.pk}/acknowledge", {}, status=404)["code"] == "no-such-incident"
    body = {"covers": "incident", "of": str(world.hidden.pk), "minutes": 5, "reason": "x"}
    assert api("POST", "mutes", body, status=404)["code"] == "no-such-incident"
    world.hidden.refresh_from_db()
    assert (world.hidden.acknowledged_at, Mute.objects.count()) == (None, 0)
    told = api("POST", f"incidents/{world.both.pk}/acknowledge", {"reason": "mine"})
    assert (told["title"], told["acknowledged_by"]) == ("stock is slow", "lim/t")


@pytest.mark.parametrize(("covers", "of"), [("everything", ""), ("room", "lag"), ("things", "lag:*"), ("rule", "all")])
def test_a_mute_of_more_than_one_incident_takes_an_account_that_sees_everything(
    world: World, api: Api, covers: str, of: str
) -> None:
    problem = api("POST", "mutes", {"covers": covers, "of": of, "minutes": 5, "reason": "x"}, status=403)
    assert "needs an account that may see every topic" in problem["detail"]
    assert not Mute.objects.exists()


def test_a_mute_is_ended_by_who_might_have_made_it(world: World, api: Api) -> None:
    everything = Api(Role.OPERATOR, name="all")
    wide = everything("POST", "mutes", {"covers": "room", "of": "lag", "minutes": 5, "reason": "x"}, status=201)
    made = {}
    for incident in (world.hidden, world.seen):
        body = {"covers": "incident", "of": str(incident.pk), "minutes": 5, "reason": "x"}
        made[incident.pk] = everything("POST", "mutes", body, status=201)["id"]
    api("DELETE", f"mutes/{wide['id']}", status=403)
    api("DELETE", f"mutes/{made[world.hidden.pk]}", status=404)
    api("DELETE", f"mutes/{made[world.seen.pk]}", status=204)
    assert Mute.objects.filter(ended_at=None).count() == 2


def test_the_audit_names_to_nobody_what_he_may_not_see(world: World, api: Api) -> None:
    everything = Api(Role.OPERATOR, name="all")
    everything("POST", f"incidents/{world.hidden.pk}/acknowledge", {"reason": f"{SECRET} again"})
    api("POST", f"incidents/{world.both.pk}/acknowledge", {})
    Api(Role.VIEWER, name="vito")("POST", f"incidents/{world.hidden.pk}/acknowledge", {}, status=403)
    limited = actors.actor(Role.OPERATOR, name="lim", topics=("stock*",))
    shown = audit.entries(actor=limited, wanted=audit.EntryFilter()).entries
    assert [each.target for each in shown if each.outcome == "done"] == [f"incident:{world.both.pk}"]
    assert SECRET not in "".join(f"{each.reason}{each.facts_json}" for each in shown)
    everybody = audit.entries(actor=actors.actor(name="root"), wanted=audit.EntryFilter()).entries
    assert [each.target for each in everybody if each.outcome == "done"] == [
        f"incident:{world.both.pk}",
        f"incident:{world.hidden.pk}",
    ]


def test_who_sees_next_to_nothing_is_not_searched_for_through_all_that_there_is(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(walking, "BATCHES_MAX", 2)
    for number in range(7):
        alerts.incident(f"{SECRET} {number}", topics=[[SECRET]], over=True, channels=["pager"])
    limited = actors.actor(Role.VIEWER, name="lim", topics=("stock*",))
    assert limited.scopes == TopicFilter.of(["stock*"])
    for page in (
        lambda before: incidents.over(actor=limited, before=before, limit=2),
        lambda before: log.page(actor=limited, before=before, limit=2),
    ):
        first = page(None)
        assert (first.items, first.next is not None) == ([], True), "it says where to go on"
        pages, position, found = 1, first.next, []
        while position is not None:
            following = page(position)
            assert following.next is None or following.next < position
            pages, position, found = pages + 1, following.next, [*found, *following.items]
        assert pages > 1
    assert [each.row.incident_id for each in found] == [world.seen.pk, world.both.pk]


def test_a_page_lists_no_mute_of_what_stands_there_unseen_and_offers_no_act_that_is_refused(world: World) -> None:
    """That a mute is listed tells that something it covers stands."""
    now = clock.SYSTEM.now()
    secret, seen = world.both.alerts.order_by("pk")
    rows = {
        each: Mute.objects.create(
            covers="things", of=each.thing, until=now + timedelta(hours=1), by="ana", reason="so", at=now
        )
        for each in (secret, seen)
    }
    limited, whole = Client(), Client()
    limited.force_login(actors.account(Role.OPERATOR, name="few", topics=("stock*",)).user)
    whole.force_login(actors.account(Role.OPERATOR, name="ana").user)
    told = limited.get(f"/alerts/incidents/{world.both.pk}/").content.decode()
    assert re.findall(r'id="mute-row-(\d+)"', told) == [str(rows[seen].pk)]
    assert "End the mute" not in told
    told = whole.get(f"/alerts/incidents/{world.both.pk}/").content.decode()
    assert re.findall(r'id="mute-row-(\d+)"', told) == [str(row.pk) for row in rows.values()]
    assert told.count("End the mute") == 2
