"""Levels set by hand: with a reason, for a time, one operator after the other, and heard everywhere."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from reliability import access, audit
from reliability.access import Role
from reliability.audit.models import Entry
from reliability.degradation import connection, registry
from reliability.degradation.domain.precedence import Source
from reliability.degradation.domain.schedule import Once
from reliability.degradation.domain.snapshot import unpacked
from reliability.degradation.local.agent import Agent
from reliability.degradation.local.flag import Flag as LocalFlag
from reliability.degradation.models import Change, Flag, Word
from reliability.degradation.operations import deciding, levels, standing, windows
from reliability.degradation.queries import standing as queries
from reliability.degradation.stores.shared import RedisStore
from reliability.kernel.clock import SYSTEM
from tests.integration.degradation.conftest import CHECKOUT, RECOMMENDATIONS
from tests.support import actors
from tests.support.network import silent_port

pytestmark = pytest.mark.django_db(transaction=True)
HOUR = timedelta(hours=1)
ANA = actors.actor()


def setting(row: Flag, level: int = 2, **changes: Any) -> Flag:
    given: dict[str, Any] = {"lasts": HOUR, "reason": "payments are slow", "actor": ANA, "now": SYSTEM.now()}
    return levels.set_level(**{"flag": row.name, "level": level, "version": row.version, **given, **changes})


def told() -> dict[str, int]:
    """The levels that a process reads from Redis now."""
    text = RedisStore().newer(-1)
    assert text is not None
    now = SYSTEM.now()
    return {name: held.standing(now).level for name, held in unpacked(text).flags.items()}


def test_it_is_in_force_written_down_audited_and_told_to_every_process(flag: Flag) -> None:
    before = queries.revision()
    row = setting(flag)
    assert (row.level, row.source, row.version) == (2, Source.OPERATOR, 2)
    change = Change.objects.get(flag="recommendations")
    assert (change.kind, change.before, change.after, change.actor) == ("set", 0, 2, "ana")
    assert change.why == "payments are slow"
    entry = Entry.objects.order_by("-seq")[0]
    assert (entry.act, entry.target, entry.outcome) == ("degradation.set", "flag:recommendations", "done")
    assert queries.revision() == before + 1
    assert told() == {"recommendations": 2, "checkout": 0}


def test_of_two_at_once_the_second_is_refused(flag: Flag) -> None:
    setting(flag, 1)
    with pytest.raises(standing.Superseded):
        setting(flag, 2)
    assert Word.objects.get().level == 1
    assert [each.outcome for each in Entry.objects.order_by("seq")][-2:] == ["done", "refused"]


@pytest.mark.parametrize(
    ("changes", "refused"),
    [
        ({"reason": " "}, audit.ReasonRequired),
        ({"reason": "a\x00"}, audit.ReasonNotText),
        ({"lasts": timedelta(seconds=9)}, levels.BadTime),
        ({"lasts": timedelta(days=8)}, levels.BadTime),
        ({"lasts": -HOUR}, levels.BadTime),
        ({"level": 3}, levels.BadLevel),
        ({"level": -1}, levels.BadLevel),
        ({"flag": "nothing"}, queries.NoSuchFlag),
        ({"flag": "a\x00"}, queries.NoSuchFlag),
        ({"actor": actors.actor(Role.VIEWER)}, access.Denied),
        ({"actor": actors.actor(None)}, access.Denied),
    ],
)
def test_what_is_refused_changes_nothing(flag: Flag, changes: dict[str, Any], refused: type[Exception]) -> None:
    with pytest.raises(refused):
        setting(flag, **changes)
    assert not Word.objects.exists()
    assert not Change.objects.exists()


def test_it_ends_by_itself_also_where_nobody_writes_that_down(flag: Flag) -> None:
    now = SYSTEM.now()
    setting(flag, now=now)
    later = now + HOUR
    (held,) = [each for each in queries.every(now=later) if each.declaration.name == "recommendations"]
    assert held.standing(later - timedelta(seconds=1)).level == 2
    assert held.standing(later).level == 0
    assert deciding.time_passed(now=later - timedelta(seconds=1)) == 0
    assert deciding.time_passed(now=later) == 1
    assert deciding.time_passed(now=later) == 0
    row = Flag.objects.get(name="recommendations")
    assert (row.level, row.source, row.version, row.changes_at) == (0, Source.DEFAULT, 3, None)
    change = Change.objects.order_by("-id")[0]
    assert (change.kind, change.before, change.after) == ("expired", 2, 0)
    assert change.why == "what ana set for a time is over: payments are slow"


def test_it_is_extended_and_taken_back(flag: Flag) -> None:
    now = SYSTEM.now()
    row = setting(flag, now=now)
    row = levels.extend(
        flag=row.name, lasts=3 * HOUR, reason="still slow", actor=ANA, version=row.version, now=now + HOUR / 2
    )
    assert Word.objects.get().until == now + 3.5 * HOUR
    with pytest.raises(standing.Superseded):
        levels.take_back(flag=row.name, actor=ANA, version=row.version - 1, now=now)
    row = levels.take_back(flag=row.name, actor=ANA, version=row.version, now=now)
    assert (row.level, Word.objects.count()) == (0, 0)
    with pytest.raises(levels.NothingSet):
        levels.take_back(flag=row.name, actor=ANA, version=row.version, now=now)
    with pytest.raises(levels.NothingSet):
        levels.extend(flag=row.name, lasts=HOUR, reason="x", actor=ANA, version=row.version, now=now)
    assert [each.kind for each in Change.objects.order_by("id")] == ["set", "extended", "taken_back"]
    assert told()["recommendations"] == 0


def test_what_is_over_cannot_be_extended(flag: Flag) -> None:
    now = SYSTEM.now()
    row = setting(flag, now=now)
    with pytest.raises(levels.NothingSet):
        levels.extend(flag=row.name, lasts=HOUR, reason="x", actor=ANA, version=row.version, now=now + HOUR)


def test_an_operator_is_before_a_drill_before_a_window(flag: Flag) -> None:
    now = SYSTEM.now()
    once = Once(begins=now - HOUR, ends=now + HOUR)
    windows.save(flag=flag.name, name="sale", level=2, window=once, reason="sale", actor=ANA, version=0, now=now)
    flag.refresh_from_db()
    assert (flag.level, flag.source) == (2, Source.SCHEDULE)
    row = setting(flag, 1, source=Source.DRILL)
    assert (row.level, row.source) == (1, Source.DRILL)
    row = setting(row, 0)
    assert (row.level, row.source) == (0, Source.OPERATOR)
    row = levels.take_back(flag=row.name, actor=ANA, version=row.version, now=now)
    row = levels.take_back(flag=row.name, actor=ANA, version=row.version, now=now, source=Source.DRILL)
    assert (row.level, row.source) == (2, Source.SCHEDULE)
    assert deciding.time_passed(now=now + HOUR) == 1
    flag.refresh_from_db()
    assert (flag.level, Change.objects.order_by("-id")[0].kind) == (0, "time")


def test_windows_are_changed_by_one_person_after_the_other(flag: Flag) -> None:
    now = SYSTEM.now()
    once = Once(begins=now + HOUR, ends=now + 2 * HOUR)
    common: dict[str, Any] = {"flag": flag.name, "name": "sale", "reason": "sale", "actor": ANA, "now": now}
    windows.save(level=1, window=once, version=0, **common)
    flag.refresh_from_db()
    assert (flag.level, flag.changes_at) == (0, now + HOUR)
    for version in (0, 2):
        with pytest.raises(standing.Superseded):
            windows.save(level=2, window=once, version=version, **common)
    windows.save(level=2, window=once, version=1, **common)
    with pytest.raises(levels.BadLevel):
        windows.save(level=3, window=once, version=2, **common)
    with pytest.raises(windows.NoSuchWindow):
        windows.delete(**{**common, "name": "x"}, version=2)
    windows.delete(version=2, **common)
    flag.refresh_from_db()
    assert flag.changes_at is None


def test_without_redis_it_is_set_all_the_same(flag: Flag, monkeypatch: pytest.MonkeyPatch) -> None:
    away = connection.client("redis://127.0.0.1:1/0")
    monkeypatch.setattr(connection, "client", lambda: away)
    assert setting(flag).level == 2
    assert standing.push() is False


def test_a_redis_that_hangs_holds_nobody_for_long(flag: Flag, monkeypatch: pytest.MonkeyPatch) -> None:
    with silent_port() as port:
        hangs = connection.client(f"redis://127.0.0.1:{port}/0")
        monkeypatch.setattr(connection, "client", lambda: hangs)
        begun_s = SYSTEM.monotonic()
        assert setting(flag).level == 2
        assert SYSTEM.monotonic() - begun_s < 2
        agent = Agent(RedisStore(), registry.truth, host="h", service="s")
        own = LocalFlag(RECOMMENDATIONS, agent.begin)
        agent.flags[own.name] = own
        begun_s = SYSTEM.monotonic()
        own.level  # noqa: B018 - the first read may wait a second
        assert SYSTEM.monotonic() - begun_s < 1.5
        while own.level != 2 and SYSTEM.monotonic() - begun_s < 5:
            SYSTEM.sleep(0.01)
        assert own.level == 2, "found in the database"
        agent.stop()


def test_code_that_declares_a_flag_otherwise_is_noticed(flag: Flag) -> None:
    now = SYSTEM.now()
    assert deciding.known([RECOMMENDATIONS, CHECKOUT], now=now) == 0
    assert deciding.known([replace(RECOMMENDATIONS, default=1)], now=now) == 1
    flag.refresh_from_db()
    assert (flag.level, flag.default) == (1, 1)
    assert Change.objects.get().kind == "declared"
    assert told()["recommendations"] == 1
