"""What is told of an incident: each thing once, its end to whoever heard of it, and nothing of what a mute covers."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reliability.alerts.domain.grouping import INCIDENTS_MAX, REST, key_of, placed
from reliability.alerts.domain.muting import Covers, Mute, Thing, is_muted
from reliability.alerts.domain.retrying import GIVEN_UP_AFTER, next_try
from reliability.alerts.domain.rule import Rule, Together
from reliability.alerts.domain.telling import Event, Told, due

NOW = datetime(2026, 3, 1, tzinfo=UTC)
OPEN = Told(is_open=True, severity="crit")


@pytest.mark.parametrize(
    ("told", "event"),
    [
        (OPEN, Event.TRIGGER),
        (Told(is_open=True, severity="crit", is_muted=True), None),
        (Told(is_open=False, severity="crit"), None),
        (Told(is_open=True, severity="crit", told="crit"), None),
        (Told(is_open=True, severity="crit", told="warn"), Event.WORSE),
        (Told(is_open=True, severity="crit", told="warn", is_muted=True), None),
        (Told(is_open=True, severity="warn", told="crit"), None),
        (Told(is_open=True, severity="crit", told="crit", is_acknowledged=True), Event.ACKNOWLEDGE),
        (Told(is_open=True, severity="crit", told="crit", is_acknowledged=True, is_muted=True), Event.ACKNOWLEDGE),
        (Told(is_open=True, severity="crit", told="crit", is_acknowledged=True, acknowledgement_told=True), None),
        (Told(is_open=False, severity="crit", told="crit"), Event.RESOLVE),
        (Told(is_open=False, severity="crit", told="crit", is_muted=True), Event.RESOLVE),
    ],
)
def test_each_thing_is_told_when_it_is_due(told: Told, event: Event | None) -> None:
    assert due(told, now=NOW) is event


@pytest.mark.parametrize(
    ("after_s", "acknowledged", "muted", "event"),
    [
        (599, False, False, None),
        (600, False, False, Event.REMINDER),
        (600, True, False, None),
        (600, False, True, None),
    ],
)
def test_a_reminder_comes_until_somebody_looks_after_it(
    after_s: float, acknowledged: bool, muted: bool, event: Event | None
) -> None:
    told = Told(
        is_open=True,
        severity="crit",
        told="crit",
        is_acknowledged=acknowledged,
        acknowledgement_told=acknowledged,
        is_muted=muted,
        last_told_at=NOW - timedelta(seconds=after_s),
        remind_after_s=600,
    )
    assert due(told, now=NOW) is event


THINGS = [Thing(id="lag:group:1", room="lag"), Thing(id="letters:group:2", room="letters")]


@pytest.mark.parametrize(
    ("mutes", "muted"),
    [
        ([], False),
        ([Mute(covers=Covers.EVERYTHING)], True),
        ([Mute(covers=Covers.RULE, of="critical")], True),
        ([Mute(covers=Covers.RULE, of="other")], False),
        ([Mute(covers=Covers.INCIDENT, of="7")], True),
        ([Mute(covers=Covers.INCIDENT, of="8")], False),
        ([Mute(covers=Covers.ROOM, of="lag")], False),
        ([Mute(covers=Covers.ROOM, of="lag"), Mute(covers=Covers.THINGS, of="letters:*")], True),
    ],
)
def test_an_incident_is_muted_as_a_whole_or_thing_by_thing(mutes: list[Mute], muted: bool) -> None:
    assert is_muted(mutes, rule="critical", incident="7", things=THINGS) is muted


def test_a_mute_of_things_does_not_cover_an_incident_that_has_none() -> None:
    assert not is_muted([Mute(covers=Covers.ROOM, of="lag")], rule="r", incident="1", things=[])


def test_a_storm_of_things_is_few_incidents() -> None:
    rule = Rule(name="r", together=Together.THING)
    wanted = [(f"t{n}", key_of(rule, room="lag", thing=f"t{n}")) for n in range(10_000)]
    found = placed(wanted, open_keys=())
    assert len(set(found.values())) == INCIDENTS_MAX + 1
    assert sum(key == REST for key in found.values()) == 10_000 - INCIDENTS_MAX
    assert placed([("t0", "thing:t0"), ("new", "thing:new")], open_keys=set(found.values())) == {
        "t0": "thing:t0",
        "new": REST,
    }


@given(st.lists(st.sampled_from("abcdefghijklmnopqrstuvwxyz"), max_size=60), st.sets(st.sampled_from("abcxyz")))
def test_there_are_never_more_incidents_than_one_can_read(keys: list[str], known: set[str]) -> None:
    found = placed([(f"{at}{key}", key) for at, key in enumerate(keys)], open_keys=known)
    assert len(set(found.values()) | known) <= INCIDENTS_MAX + 1
    assert len(found) == len(keys)


def test_one_key_is_one_incident_by_room_and_by_rule() -> None:
    assert key_of(Rule(name="r", together=Together.ROOM), room="lag", thing="x") == "room:lag"
    assert key_of(Rule(name="r", together=Together.RULE), room="lag", thing="x") == "rule"


@pytest.mark.parametrize(("attempts", "least_s", "most_s"), [(1, 2, 4), (2, 4, 8), (3, 8, 16), (20, 150, 300)])
def test_tries_grow_rarer_and_are_never_far_apart(attempts: int, least_s: float, most_s: float) -> None:
    for chance in (0.0, 0.5, 0.999):
        at = next_try(attempts=attempts, created_at=NOW, now=NOW, asked_s=None, random=lambda chance=chance: chance)
        assert at is not None
        assert least_s <= (at - NOW).total_seconds() <= most_s


def test_it_waits_for_as_long_as_it_was_asked_to_within_reason() -> None:
    for asked, waits in ((60, 60.0), (1e6, 300.0), (0, 2.0)):
        at = next_try(attempts=1, created_at=NOW, now=NOW, asked_s=asked, random=lambda: 0.0)
        assert at == NOW + timedelta(seconds=waits)


def test_after_a_day_it_is_given_up() -> None:
    assert next_try(attempts=9, created_at=NOW - GIVEN_UP_AFTER, now=NOW, asked_s=None, random=lambda: 0) is None
