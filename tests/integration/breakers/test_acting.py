"""What an operator says of a breaker: written down, told to the fleet, told again when it was lost, audited."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from reliability import access, audit
from reliability.access import Role
from reliability.audit.models import Entry
from reliability.breakers import connection
from reliability.breakers.domain import words
from reliability.breakers.domain.machine import Override, State, Superseded
from reliability.breakers.domain.rules import Rules
from reliability.breakers.models import Breaker
from reliability.breakers.operations import acting, telling
from reliability.breakers.queries import wall
from reliability.breakers.queries.history import NoSuchBreaker
from reliability.breakers.recorder.recording import step
from reliability.breakers.stores.shared import RedisStore
from reliability.kernel.clock import SYSTEM
from tests.integration.breakers.conftest import Shared
from tests.integration.breakers.test_agents import Process, in_time
from tests.support import actors
from tests.support.network import refusing_port

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("clean_redis")]

HOUR = timedelta(hours=1)


@pytest.fixture
def shared() -> Shared:
    return Shared(RedisStore(), lambda seconds: None)


@pytest.fixture
def process(shared: Shared) -> Process:
    """A process that has named the breaker, and the recorder has seen it."""
    made = Process(shared, "a", rules=Rules(jitter=0.0))
    assert made.call() == "passed"
    step(now=SYSTEM.now())
    return made


@pytest.fixture
def olga() -> access.Actor:
    return actors.actor(Role.OPERATOR, name="olga")


def force(olga: access.Actor, kind: Override = Override.FORCED_OPEN, **changes: Any) -> acting.Said:
    given = {"lasts": HOUR, "number": Breaker.objects.get().override_number, "reason": "vendor says so", **changes}
    return acting.override("payments", kind, actor=olga, now=SYSTEM.now(), **given)


def hears(process: Process) -> Process:
    in_time(process)
    process.agent.look()
    return process


def test_a_forced_breaker_rejects_everywhere_until_it_is_taken_back(process: Process, olga: access.Actor) -> None:
    assert force(olga).is_told
    assert hears(process).calls(3) == {"rejected": 3}
    row = Breaker.objects.get()
    assert (row.override, row.override_by, row.override_reason, row.override_number) == (
        "forced_open",
        "olga",
        "vendor says so",
        1,
    )
    acting.take_back("payments", number=1, actor=olga, reason="they are back", now=SYSTEM.now())
    assert hears(process).calls(3) == {"passed": 3}
    assert list(Entry.objects.order_by("seq").values_list("act", "outcome", "target")) == [
        ("breakers.override", "done", "breaker:payments"),
        ("breakers.override", "done", "breaker:payments"),
    ]
    with pytest.raises(words.NothingToTakeBack):
        acting.take_back("payments", number=2, actor=olga, reason="again", now=SYSTEM.now())


@pytest.mark.parametrize("kind", [Override.FORCED_CLOSED, Override.METRICS_ONLY])
def test_what_is_forced_closed_or_only_watched_lets_everything_pass(
    process: Process, olga: access.Actor, kind: Override
) -> None:
    force(olga, kind)
    hears(process)
    assert process.calls(40, fails=True) == {"failed": 40}
    assert hears(process).calls(5) == {"passed": 5}


def test_of_two_operators_at_once_the_second_is_told(process: Process, olga: access.Actor) -> None:
    force(olga)
    with pytest.raises(Superseded, match="Somebody else"):
        force(olga, Override.FORCED_CLOSED, number=0)
    with pytest.raises(Superseded):
        acting.take_back("payments", number=0, actor=olga, reason="r", now=SYSTEM.now())
    assert Breaker.objects.get().override == "forced_open"


@pytest.mark.parametrize(
    ("changes", "refused"),
    [
        ({"lasts": timedelta(seconds=59)}, words.BadExpiry),
        ({"lasts": timedelta(days=1, seconds=1)}, words.BadExpiry),
        ({"kind": Override.NONE}, words.NotAnOverride),
        ({"reason": "  "}, audit.ReasonRequired),
    ],
)
def test_an_override_without_an_end_or_a_reason_is_refused(
    process: Process, olga: access.Actor, changes: dict[str, Any], refused: type[Exception]
) -> None:
    with pytest.raises(refused):
        force(olga, **changes)
    assert Breaker.objects.get().override_number == 0
    assert hears(process).calls(2) == {"passed": 2}


def test_it_takes_the_right(process: Process) -> None:
    vic = actors.actor(Role.VIEWER, name="vic")
    with pytest.raises(access.Denied):
        force(vic)
    with pytest.raises(access.Denied):
        acting.reset("payments", gen=1, actor=vic, reason="r")
    with pytest.raises(access.Denied):
        acting.change_rules("payments", {}, version=0, actor=vic, reason="r", now=SYSTEM.now())
    with pytest.raises(NoSuchBreaker, match="named a breaker 'nobody'"):
        acting.reset("nobody", gen=1, actor=actors.actor(Role.OPERATOR), reason="r")


def test_a_store_that_is_away_is_told_when_it_is_back(
    process: Process, olga: access.Actor, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    there, settings.REDIS_URL = settings.REDIS_URL, f"redis://127.0.0.1:{refusing_port()}/0"
    assert not force(olga).is_told
    with pytest.raises(acting.StoreAway):
        acting.reset("payments", gen=1, actor=olga, reason="r")
    settings.REDIS_URL = there
    assert hears(process).calls(1) == {"passed": 1}
    assert step(now=SYSTEM.now()) == 0
    assert hears(process).calls(2) == {"rejected": 2}


def test_a_store_that_has_forgotten_it_is_told_again_and_nothing_is_told_twice(
    process: Process, olga: access.Actor
) -> None:
    force(olga)
    acting.change_rules("payments", {"minimum": 5}, version=0, actor=olga, reason="r", now=SYSTEM.now())
    assert telling.tell(now=SYSTEM.now()) == 0
    client = connection.client()
    client.delete(*client.keys("{mainstay.breakers}*"))
    assert telling.tell(now=SYSTEM.now()) == 2
    assert telling.tell(now=SYSTEM.now()) == 0
    kept = RedisStore().read(["payments"])["payments"].breaker
    assert kept is not None
    assert kept.override is Override.FORCED_OPEN


def test_an_override_whose_time_is_over_is_over_everywhere(process: Process, olga: access.Actor) -> None:
    force(olga)
    Breaker.objects.update(override_until=SYSTEM.now() - timedelta(seconds=1))
    assert telling.tell(now=SYSTEM.now()) == 1
    assert hears(process).calls(2) == {"passed": 2}


def test_other_rules_hold_in_every_process_at_once_and_can_be_taken_back(process: Process, olga: access.Actor) -> None:
    def change(changes: dict[str, object], version: int) -> acting.Said:
        return acting.change_rules("payments", changes, version=version, actor=olga, reason="r", now=SYSTEM.now())

    said = change({"minimum": 4, "window_s": 60, "slow_s": 3.0}, 0)
    assert said.breaker.rules == {"minimum": 4, "window_s": 60}, "what the code has already is no change"
    guard = hears(process).breaker.guard
    assert (guard.rules.minimum, guard.rules.window_s) == (4, 60)
    assert wall.rules_of(Breaker.objects.get()) == (guard.rules, guard.declared)
    assert process.calls(5, fails=True) == {"failed": 5}
    assert RedisStore().read(["payments"])["payments"].breaker is not None
    assert hears(process).calls(2) == {"rejected": 2}
    with pytest.raises(Superseded):
        change({}, 0)
    with pytest.raises(acting.BadRules, match="failure_rate is 7"):
        change({"failure_rate": 7}, 1)
    with pytest.raises(acting.BadRules, match="no rule"):
        change({"nonsense": 7}, 1)
    change({}, 1)
    assert hears(process).breaker.guard.rules == guard.declared


def test_a_reset_closes_it_once_for_who_saw_it_as_it_is(process: Process, olga: access.Actor) -> None:
    process.calls(30, fails=True)
    kept = RedisStore().read(["payments"])["payments"].breaker
    assert kept is not None
    assert kept.state is State.OPEN
    assert acting.reset("payments", gen=kept.gen, actor=olga, reason="it is back").state is State.CLOSED
    assert hears(process).calls(2) == {"passed": 2}
    with pytest.raises(Superseded):
        acting.reset("payments", gen=kept.gen, actor=olga, reason="again")
    assert list(Entry.objects.order_by("seq").values_list("outcome", flat=True)) == ["done", "refused"]
