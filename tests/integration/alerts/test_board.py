"""The page Alerts with many things on it: what is loud first, and every word of who has not heard."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.test import Client
from pytest_django import Settings

from reliability.access import Role
from reliability.alerts.domain import packing, rule
from reliability.alerts.models import Incident, Mute, Rule
from reliability.alerts.models.deliveries import State
from reliability.kernel import clock
from tests.support import actors, alerts

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def board(settings: Settings, client: Client) -> Client:
    settings.ALERT_CHANNELS = alerts.CHANNELS
    client.force_login(actors.account(Role.OPERATOR).user)
    return client


def test_what_is_muted_stands_below_what_is_not_however_bad_it_is(board: Client) -> None:
    worse = [alerts.incident(f"group {each} is stalled", channels=["pager"]) for each in range(3)]
    Incident.objects.filter(pk__in=[each.pk for each in worse]).update(is_muted=True)
    loud = alerts.incident("stock is slow", severity="warn", channels=["pager"])
    page = board.get("/alerts/").content.decode()
    assert [int(each) for each in re.findall(r'id="incident-(\d+)"', page)] == [loud.pk, *(each.pk for each in worse)]
    assert "1 incident open" in page
    assert "3 more muted" in page


def test_who_has_not_taken_a_message_has_a_line_of_its_own(board: Client) -> None:
    made = alerts.incident("stock is slow", channels=["pager", "hook"])
    made.deliveries.filter(channel="pager").update(state=State.SENT)
    page = board.get("/alerts/").content.decode()
    assert 'title="pager; not taken by hook">pager<small class="warned">not taken by hook</small>' in page


def test_a_long_list_is_folded_behind_its_first_rows_and_a_rule_that_cannot_tell_stands_in_front(board: Client) -> None:
    now = clock.SYSTEM.now()
    body = packing.rule_as_json(rule.Rule(name="any", at_least="warn"))
    Rule.objects.bulk_create(
        Rule(name=f"rule-{at:02}", body=body, actor="ana", reason="many", saved_at=now) for at in range(60)
    )
    Rule.objects.filter(name="rule-57").update(unknown="its topic is gone")
    Rule.objects.filter(name="rule-03").update(is_on=False)
    Mute.objects.bulk_create(
        Mute(covers="room", of="lag", until=now + timedelta(hours=1 + at), by="ana", reason=f"why-{at}", at=now)
        for at in range(50)
    )
    page = board.get("/alerts/").content.decode()
    rules, folded_rules = page.split('id="more-rules"')
    assert re.findall(r'id="rule-(rule-\d+)"', rules) == [
        "rule-57",
        *(f"rule-{at:02}" for at in range(12) if at != 3),
    ]
    assert len(re.findall(r'id="rule-rule-\d+"', folded_rules)) == 48
    assert "48 more, rule-12 to rule-03" in folded_rules
    mutes, folded_mutes = page.split('id="more-mutes"')
    assert (mutes.count('id="mute-row-'), folded_mutes.count('id="mute-row-')) == (8, 42)
    assert "42 more that end later" in folded_mutes


def test_a_short_list_has_no_fold(board: Client) -> None:
    alerts.incident("stock is slow", channels=["pager"])
    assert "folded" not in board.get("/alerts/").content.decode()


def muted(what: str, of: str) -> Mute:
    now = clock.SYSTEM.now()
    until = now + timedelta(hours=1)
    return Mute.objects.create(covers=what, of=of, until=until, by="ana", reason=f"why {what}", at=now)


def test_an_incident_names_the_mutes_that_cover_it_and_ends_them_there(board: Client) -> None:
    made = alerts.incident("group billing is stalled", channels=["pager"])
    one, room = muted("incident", str(made.pk)), muted("things", "*")
    others = [muted("incident", str(made.pk + 1)), muted("rule", "no-such"), muted("room", "no-such")]
    body = board.get(f"/alerts/incidents/{made.pk}/").content.decode()
    assert re.findall(r'id="mute-row-(\d+)"', body) == [str(one.pk), str(room.pk)]
    answer = board.post(f"/alerts/mutes/{one.pk}/end/", {"incident": str(made.pk)})
    assert answer["Location"] == f"/alerts/incidents/{made.pk}/"
    assert f"mute-row-{one.pk}" not in board.get(f"/alerts/incidents/{made.pk}/").content.decode()
    for number in ("", "x", "9" * 400, "-1"):
        answer = board.post(f"/alerts/mutes/{others[1].pk}/end/", {"incident": number})
        assert answer["Location"] == "/alerts/"


def test_a_mute_of_an_incident_says_which(board: Client) -> None:
    made = alerts.incident("group <b> is stalled", channels=["pager"])
    muted("incident", str(made.pk))
    muted("incident", str(made.pk + 7))
    body = board.get("/alerts/").content.decode().partition('id="mutes"')[2]
    assert (
        f'<a href="/alerts/incidents/{made.pk}/" title="group &lt;b&gt; is stalled">group &lt;b&gt; is stalled</a>'
        in body
    )
    assert f"incident {made.pk + 7}</strong><small" in body, "of what is over, or not to be seen, the number alone"
    assert "an admin" in body, "who may not make rules hears who may"
