"""Policies in the database: saved by admins, decided by whoever is first, held until a person comes."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from reliability import access
from reliability.access import Role
from reliability.audit.models import Entry
from reliability.console.domain.conditions import Condition
from reliability.degradation import connection
from reliability.degradation.domain.policy import Policy as Wanted
from reliability.degradation.domain.precedence import Source
from reliability.degradation.evaluator.turn import turn
from reliability.degradation.models import Change, Flag, Policy, Sample, Word
from reliability.degradation.operations import deciding, levels, policies, recording, standing
from reliability.degradation.queries import history
from reliability.degradation.queries import standing as queries
from reliability.degradation.stores.shared import RedisStore
from tests.integration.degradation.conftest import Signals
from tests.support import actors

pytestmark = pytest.mark.django_db(transaction=True)
ADA = actors.actor(Role.ADMIN, name="ada")
KEY = ("lag.seconds", "billing")
LAG = Condition(
    signal="lag.seconds", subject="billing", enter=300, exit=60, enter_for_s=5, exit_for_s=5, fresh_s=20, unit="s"
)
SLOW = Wanted(name="slow", flag="recommendations", level=2, conditions=(LAG,), dwell_s=10, flips_per_hour=4)


def save(signals: Signals, wanted: Wanted = SLOW, **changes: Any) -> Policy:
    given: dict[str, Any] = {"is_on": True, "reason": "protects billing", "actor": ADA, "version": 0}
    return policies.save(wanted=wanted, now=signals.now, **{**given, **changes})


def turns(signals: Signals, seconds: int, value: float | Exception | None) -> list[tuple[int, str]]:
    """A turn each second; return when what moved."""
    moved = []
    for second in range(seconds):
        signals.wait(1)
        signals.values[KEY] = value
        moved += [(second, name) for name in turn(now=signals.now, signals=signals.registered)]
    return moved


def test_it_degrades_and_returns_with_reasons_values_and_entries(flag: Flag, signals: Signals) -> None:
    save(signals)
    assert turns(signals, 10, 400) == [(5, "slow")]
    flag.refresh_from_db()
    assert (flag.level, flag.source) == (2, Source.POLICY)
    change = Change.objects.order_by("-id")[0]
    assert (change.kind, change.before, change.after, change.owner) == ("entered", 0, 2, "slow")
    assert change.why == "lag.seconds of billing has been 400 s for 5 s"
    assert change.facts["lag.seconds of billing"]["value"] == 400
    entry = Entry.objects.order_by("-seq")[0]
    assert (entry.actor_kind, entry.actor_name, entry.act, entry.reason) == (
        "policy",
        "slow",
        "degradation.set",
        change.why,
    )
    assert turns(signals, 20, 10) == [(5, "slow")]
    flag.refresh_from_db()
    assert (flag.level, flag.source, Word.objects.count()) == (0, Source.DEFAULT, 0)


def test_of_two_workers_one_flips(flag: Flag, signals: Signals) -> None:
    save(signals)
    turns(signals, 5, 400)
    row = Policy.objects.get()
    signals.wait(1)
    readings = {KEY: None}
    from reliability.console.domain.conditions import Reading
    from reliability.degradation.domain import packing
    from reliability.degradation.domain.policy import Moved, step

    done = step(
        packing.state_read(row.state), SLOW, {**readings, KEY: Reading(value=400, at=signals.now)}, now=signals.now
    )
    assert done.moved is Moved.ENTERED
    before = Entry.objects.count()
    assert deciding.moved(row, SLOW, done, {}, now=signals.now) is True
    assert deciding.moved(row, SLOW, done, {}, now=signals.now) is False
    assert deciding.looked(row, done, now=signals.now) is False
    assert (Entry.objects.count() - before, Change.objects.filter(kind="entered").count()) == (1, 1)


def test_an_operator_is_before_the_policy_which_goes_on_below(flag: Flag, signals: Signals) -> None:
    save(signals)
    levels.set_level(
        flag=flag.name,
        level=0,
        lasts=timedelta(hours=1),
        reason="we watch it",
        actor=ADA,
        version=1,
        now=signals.now,
    )
    assert turns(signals, 8, 400) == [(5, "slow")]
    flag.refresh_from_db()
    assert (flag.level, flag.source) == (0, Source.OPERATOR)
    (held,) = [each for each in queries.every(now=signals.now) if each.declaration.name == flag.name]
    assert [entry.source for entry in held.standing(signals.now).shadows] == [Source.POLICY, Source.DEFAULT]
    levels.take_back(flag=flag.name, actor=ADA, version=2, now=signals.now)
    flag.refresh_from_db()
    assert (flag.level, flag.source) == (2, Source.POLICY)


@pytest.mark.parametrize("silence", [None, RuntimeError("of another room"), float("nan")])
def test_a_signal_that_is_lost_moves_nothing_and_is_said(
    flag: Flag, signals: Signals, silence: float | Exception | None
) -> None:
    save(signals)
    turns(signals, 7, 400)
    assert turns(signals, 40, silence) == []
    row = Policy.objects.get()
    assert row.unknown == ["lag.seconds of billing"]
    assert row.waits == "nothing is known of lag.seconds of billing, so it stays as it is"
    assert Word.objects.get().level == 2


def test_when_its_budget_is_spent_it_asks_and_goes_on_when_it_is_released(flag: Flag, signals: Signals) -> None:
    quick = replace(LAG, enter_for_s=0, exit_for_s=0)
    save(signals, replace(SLOW, conditions=(quick,), dwell_s=0, flips_per_hour=2))
    moves = [turns(signals, 1, 400 if second % 2 else 10) for second in range(1, 8)]
    assert [bool(move) for move in moves] == [True, True, True, False, False, False, False]
    row = Policy.objects.get()
    assert row.held_since is not None
    assert "changed 2 times within an hour" in row.held_why
    assert (Change.objects.order_by("-id")[0].kind, Word.objects.count()) == ("held", 0)
    common: dict[str, Any] = {"name": "slow", "reason": "we have looked", "now": signals.now}
    with pytest.raises(access.Denied):
        policies.release(actor=actors.actor(Role.VIEWER), version=row.version, **common)
    with pytest.raises(standing.Superseded):
        policies.release(actor=actors.actor(), version=row.version + 1, **common)
    row = policies.release(actor=actors.actor(), version=row.version, **common)
    with pytest.raises(policies.NotHeld):
        policies.release(actor=actors.actor(), version=row.version, **common)
    assert turns(signals, 1, 400) == [(0, "slow")]


def test_saving_is_for_admins_one_after_the_other(flag: Flag, signals: Signals) -> None:
    with pytest.raises(access.Denied):
        save(signals, actor=actors.actor(Role.OPERATOR))
    with pytest.raises(levels.BadLevel):
        save(signals, replace(SLOW, level=3))
    with pytest.raises(queries.NoSuchFlag):
        save(signals, replace(SLOW, flag="nothing"))
    made = save(signals)
    for version in (0, 2):
        with pytest.raises(standing.Superseded):
            save(signals, version=version)
    with pytest.raises(policies.OtherFlag):
        save(signals, replace(SLOW, flag="checkout", level=1), version=made.version)
    turns(signals, 7, 400)
    row = save(signals, replace(SLOW, level=1), version=1)
    assert (Word.objects.get().level, row.version) == (1, 2)
    flag.refresh_from_db()
    assert flag.level == 1
    row = policies.switch(name="slow", is_on=False, reason="noisy", actor=ADA, version=2, now=signals.now)
    assert (Word.objects.count(), row.state["entered"]) == (0, False)
    assert turns(signals, 10, 400) == []
    policies.switch(name="slow", is_on=True, reason="again", actor=ADA, version=3, now=signals.now)
    assert turns(signals, 10, 400) == [(5, "slow")]
    policies.delete(name="slow", reason="replaced", actor=ADA, version=4, now=signals.now)
    assert (Policy.objects.count(), Word.objects.count()) == (0, 0)
    with pytest.raises(policies.NoSuchPolicy):
        policies.delete(name="slow", reason="again", actor=ADA, version=5, now=signals.now)


def test_what_was_measured_is_kept_as_long_runs_and_rehearsed(flag: Flag, signals: Signals) -> None:
    save(signals, is_on=False)
    begins = signals.now
    for value, seconds in ((10.0, 20), (400.0, 30), (10.0, 40)):
        turns(signals, seconds, value)
    rows = list(Sample.objects.order_by("first"))
    assert [(row.value, (row.last - row.first).total_seconds()) for row in rows] == [(10, 19), (400, 29), (10, 39)]
    done = history.dry_run(SLOW, begins=begins, ends=signals.now)
    (spell,) = done.spells
    assert (spell.since - begins).total_seconds() == pytest.approx(26, abs=5)
    assert (spell.until - spell.since).total_seconds() == pytest.approx(30, abs=10)
    assert not Change.objects.filter(kind="entered").exists(), "it is switched off: a dry run changes nothing"
    recording.forget(now=signals.now + timedelta(days=6))
    assert Sample.objects.count() == 3
    recording.forget(now=signals.now + timedelta(days=8))
    assert (Sample.objects.count(), Change.objects.count()) == (0, 1)
    recording.forget(now=signals.now + timedelta(days=91))
    assert Change.objects.count() == 0


def test_one_broken_policy_does_not_keep_others_from_deciding(flag: Flag, signals: Signals) -> None:
    save(signals)
    save(signals, replace(SLOW, name="broken"))
    Policy.objects.filter(name="broken").update(state={"runs": "nonsense"})
    save(signals, replace(SLOW, name="older"))
    Policy.objects.filter(name="older").update(body={"when": 1})
    assert turns(signals, 8, 400) == [(5, "slow")]


def test_redis_that_lost_the_flags_is_told_anew_each_turn(flag: Flag, signals: Signals) -> None:
    turns(signals, 1, 1)
    assert RedisStore().revision() == queries.revision() > 0
    connection.client().delete(connection.SNAPSHOT)
    turns(signals, 1, 1)
    assert RedisStore().revision() == queries.revision()
    RedisStore().publish(9_999, "nonsense of a restored database", anyway=True)
    turns(signals, 1, 1)
    assert RedisStore().revision() == queries.revision()


def test_without_redis_policies_decide_all_the_same(
    flag: Flag, signals: Signals, monkeypatch: pytest.MonkeyPatch
) -> None:
    save(signals)
    away = connection.client("redis://127.0.0.1:1/0")
    monkeypatch.setattr(connection, "client", lambda: away)
    assert turns(signals, 8, 400) == [(5, "slow")]
