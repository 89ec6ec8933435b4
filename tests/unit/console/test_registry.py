"""Where rooms meet."""

from __future__ import annotations

import pytest

from reliability.console.registry import AlreadyRegistered, Check, CheckResult, Registry


def test_a_name_is_claimed_once() -> None:
    registry = Registry()
    check = Check(name="database", run=lambda: CheckResult(verdict="ok", found=""))
    registry.register_check(check)
    with pytest.raises(AlreadyRegistered, match="database"):
        registry.register_check(check)


def test_touching_nothing_tells_nobody() -> None:
    registry = Registry()
    told: list[object] = []
    registry.on_touched("outbox.receipt", lambda ids, by: told.append(ids))
    registry.touched("outbox.receipt", [])
    registry.touched("something.else", [1])
    assert told == []
