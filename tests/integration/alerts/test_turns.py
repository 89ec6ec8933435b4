"""What turns make of things and signals: incidents, and what is to be told of them."""

from __future__ import annotations

from datetime import timedelta

import pytest

from reliability import access
from reliability.alerts.domain.rule import Together
from reliability.alerts.models import Alert, Delivery, Happening, Incident, Rule, Turn
from reliability.alerts.operations import rules
from reliability.alerts.queries import incidents as queries
from reliability.audit.models import Entry
from reliability.console.domain.conditions import Condition, WrongRule
from tests.integration.alerts.world import ADMIN, OPERATOR, World, events, incidents, standing

MINUTE = timedelta(minutes=1)


def test_a_failing_thing_becomes_an_incident_is_told_once_and_is_over(world: World) -> None:
    world.rule()
    world.needs("lag:group:1", title="payments is stuck")
    world.turn()
    assert (standing(), incidents()) == ({"lag:group:1": "pending"}, [])
    assert world.turn(10) is True
    (incident,) = incidents()
    assert (incident.title, incident.severity, incident.count) == ("payments is stuck", "crit", 1)
    assert events() == [("hook", "trigger"), ("pager", "trigger")]
    world.turns(20)
    assert len(events()) == 2
    world.mended("lag:group:1")
    world.turn()
    assert standing() == {"lag:group:1": "clearing"}
    world.turn(10)
    (incident,) = incidents()
    assert incident.resolved_at == world.now
    assert incident.is_settled
    assert events()[2:] == [("hook", "resolve"), ("pager", "resolve")]
    keys = {row.body["dedup_key"] for row in Delivery.objects.all()}
    assert len(keys) == 1
    world.turns(5)
    assert len(events()) == 4


def test_what_comes_again_is_a_new_incident_with_a_key_of_its_own(world: World) -> None:
    world.rule(raise_after_s=0, clear_after_s=0)
    for _ in range(2):
        world.needs("lag:group:1")
        world.turn()
        world.mended("lag:group:1")
        world.turn()
    assert len(incidents()) == 2
    assert len({row.body["dedup_key"] for row in Delivery.objects.all()}) == 2


def test_what_flickers_is_one_incident(world: World) -> None:
    world.rule(clear_after_s=60)
    for _ in range(30):
        world.needs("lag:group:1")
        world.turns(3)
        world.mended("lag:group:1")
        world.turns(3)
    assert len(incidents()) == 1
    assert len(events()) == 2


def test_things_of_one_room_are_one_incident_and_another_room_is_another(world: World) -> None:
    world.rule(raise_after_s=0)
    world.needs("lag:group:1", status="warn")
    world.turn()
    world.needs("lag:group:2", status="warn")
    world.needs("letters:group:9", room="letters", status="warn")
    world.turn()
    one, other = incidents()
    assert (one.count, one.title) == (2, "2 things in Lag: lag:group:1 is bad")
    assert other.title == "letters:group:9 is bad"
    assert len(events()) == 4


def test_what_gets_worse_is_told_again_and_what_gets_better_is_not(world: World) -> None:
    world.rule(raise_after_s=0)
    world.needs("lag:group:1", status="warn")
    world.turn()
    world.needs("lag:group:1", status="crit")
    world.turn()
    assert [event for _, event in events()] == ["trigger", "trigger", "worse", "worse"]
    world.needs("lag:group:1", status="warn")
    world.turns(3)
    assert len(events()) == 4
    assert incidents()[0].severity == "crit"


def test_a_room_that_cannot_be_asked_ends_nothing_and_is_told_of(world: World) -> None:
    world.rule(raise_after_s=0, clear_after_s=0)
    world.needs("lag:group:1")
    world.needs("letters:group:1", room="letters")
    world.turn()
    world.broken.add("lag")
    world.mended("lag:group:1")
    world.mended("letters:group:1", room="letters")
    world.turns(3)
    there = standing()
    assert there["lag:group:1"] == "firing"
    assert "letters:group:1" not in there
    assert there["unread:consumer lag"] == "firing"
    assert Turn.objects.get().unread == ["consumer lag"]
    world.broken.clear()
    world.turns(2)
    assert standing() == {}


def test_a_storm_of_ten_thousand_things_is_one_incident_and_one_message(world: World) -> None:
    world.rule(raise_after_s=0, clear_after_s=0)
    for number in range(10_000):
        world.needs(f"lag:group:{number}")
    world.turn()
    (incident,) = incidents()
    assert (incident.count, len(events())) == (10_000, 2)
    assert incident.title == "10,000 things in Lag: lag:group:0 is bad"
    body = Delivery.objects.first().body  # type: ignore[union-attr]
    assert (len(body["things"]), body["count"]) == (10, 10_000)
    world.items["lag"].clear()
    world.turn()
    assert incidents()[0].resolved_at is not None
    assert [event for _, event in events()].count("resolve") == 2


def test_a_storm_of_things_that_are_incidents_of_their_own_is_few(world: World) -> None:
    world.rule(raise_after_s=0, together=Together.THING)
    for number in range(1_000):
        world.needs(f"lag:group:{number:04}")
    world.turn()
    assert len(incidents()) == 11
    assert sum(each.count for each in incidents()) == 1_000
    assert len(events()) == 22


def test_a_signal_alerts_from_its_threshold_on_and_says_its_value(world: World) -> None:
    line = Condition(
        signal="lag.seconds", subject="payments", enter=60, exit=30, enter_for_s=10, exit_for_s=10, unit="s"
    )
    world.rule(condition=line, severity="warn")
    world.values["payments"] = 75.0
    world.turns(2)
    assert incidents() == []
    world.turn()
    (incident,) = incidents()
    assert incident.title == "lag.seconds of payments is 75 s"
    assert incident.severity == "warn"
    world.values["payments"] = 45.0
    world.turns(20)
    assert incidents()[0].resolved_at is None
    world.values["payments"] = 20.0
    world.turns(3)
    assert incidents()[0].resolved_at is not None


def test_a_signal_that_says_nothing_ends_nothing(world: World) -> None:
    line = Condition(signal="lag.seconds", subject="payments", enter=60, exit=30, fresh_s=20)
    world.rule(condition=line)
    world.values["payments"] = 75.0
    world.turn()
    del world.values["payments"]
    world.turns(50)
    assert incidents()[0].resolved_at is None
    assert "Nothing newer than 20 s is known" in Rule.objects.get().unknown


def test_a_look_that_is_older_than_the_last_one_changes_nothing(world: World) -> None:
    world.rule(raise_after_s=0)
    world.turn(60)
    world.needs("lag:group:1")
    assert world.turn(-30) is False
    assert incidents() == []


def test_a_rule_that_is_deleted_ends_what_it_raised_and_says_so(world: World) -> None:
    world.rule(raise_after_s=0)
    world.needs("lag:group:1")
    world.turn()
    rules.delete(name="all", reason="noise", actor=ADMIN, version=1)
    world.turn()
    (incident,) = incidents()
    assert incident.resolved_why == "Its rule was switched off or deleted."
    assert [event for _, event in events()] == ["trigger", "trigger", "resolve", "resolve"]
    assert not Alert.objects.filter(ended_at=None).exists()


def test_a_rule_of_another_version_keeps_what_it_raised(world: World) -> None:
    world.rule(raise_after_s=0, clear_after_s=0)
    world.needs("lag:group:1")
    world.turn()
    Rule.objects.update(body={"name": "all", "from": "the future"})
    world.mended("lag:group:1")
    world.turns(3)
    assert incidents()[0].resolved_at is None


def test_without_a_channel_nobody_is_told_until_there_is_one(world: World, settings) -> None:  # type: ignore[no-untyped-def]
    channels, settings.ALERT_CHANNELS = settings.ALERT_CHANNELS, {}
    world.rule(raise_after_s=0)
    world.needs("lag:group:1")
    world.turns(3)
    assert events() == []
    settings.ALERT_CHANNELS = channels
    world.turn()
    assert len(events()) == 2


def test_a_rule_tells_the_channels_that_it_names(world: World) -> None:
    world.rule(raise_after_s=0, channels=("pager",))
    world.needs("lag:group:1")
    world.turn()
    assert events() == [("pager", "trigger")]


def test_a_rule_on_what_nobody_tells_or_for_a_channel_that_is_not_there_is_refused(world: World) -> None:
    line = Condition(signal="weather.rain", subject="", enter=1, exit=0)
    with pytest.raises(WrongRule, match=r"There is no signal weather\.rain"):
        world.rule(condition=line)
    with pytest.raises(Exception, match="No channel is called 'nobody'; there are hook, pager"):
        world.rule(channels=("nobody",))
    assert Entry.objects.filter(act="alerts.rule", outcome="refused").count() == 2


def test_only_an_admin_saves_rules_and_the_second_of_two_looks_again(world: World) -> None:
    wanted = world.rule()
    with pytest.raises(access.Denied):
        rules.save(wanted=wanted, is_on=False, reason="x", actor=OPERATOR, version=1, now=world.now)
    rules.save(wanted=wanted, is_on=False, reason="x", actor=ADMIN, version=1, now=world.now)
    with pytest.raises(rules.Superseded):
        rules.save(wanted=wanted, is_on=True, reason="x", actor=ADMIN, version=1, now=world.now)


def test_the_first_turn_of_all_brings_the_usual_rules_and_only_the_first(world: World) -> None:
    Turn.objects.all().delete()
    world.turn()
    assert sorted(Rule.objects.values_list("name", flat=True)) == ["critical", "needs-somebody"]
    Rule.objects.all().delete()
    world.turn()
    assert not Rule.objects.exists()


def test_who_sees_some_topics_sees_the_things_of_these(world: World) -> None:
    world.rule(raise_after_s=0)
    world.needs("lag:group:1", title="orders is stuck", topics=("orders",))
    world.needs("lag:group:2", title="secret is stuck", topics=("secret",))
    world.needs("letters:group:1", room="letters", title="secret fails", topics=("secret",))
    world.turn()
    some = access.Actor(
        kind="user", name="sam", role=access.Role.OPERATOR, scopes=access.TopicFilter.of(["orders"]), account="sam"
    )
    (look,) = queries.active(actor=some)
    assert (look.title, look.count, look.is_partial) == ("orders is stuck", 1, True)
    shown, hidden = queries.alerts(look, actor=some)
    assert ([each.title for each in shown], hidden) == (["orders is stuck"], 0)
    assert "secret" not in " ".join(each.text for each in queries.happenings(look))
    hidden_one = Incident.objects.get(key="room:letters")
    with pytest.raises(queries.NoSuchIncident):
        queries.one(hidden_one.pk, actor=some)
    assert len(queries.active(actor=OPERATOR)) == 2


def test_what_happened_is_written_down(world: World) -> None:
    world.rule(raise_after_s=0, clear_after_s=0)
    world.needs("lag:group:1", status="warn")
    world.turn()
    world.needs("lag:group:2", status="crit")
    world.turn()
    world.items["lag"].clear()
    world.turn()
    assert list(Happening.objects.order_by("id").values_list("kind", flat=True)) == [
        "opened",
        "joined",
        "worse",
        "resolved",
    ]
