"""A process that only names a breaker goes by the rules of the one that declares it."""

from __future__ import annotations

import json

import pytest

from reliability.breakers import registry
from reliability.breakers.domain.rules import Rules, WrongRules
from reliability.breakers.guard.agent import Agent
from reliability.breakers.guard.guard import Guard
from tests.integration.breakers.conftest import Shared

RULES = Rules(minimum=7, ramp=(20, 100))


class Process:
    """A process with one breaker, which it declares or only names."""

    def __init__(self, shared: Shared, declares: Rules | None) -> None:
        self.agent = Agent(shared.fleet, "a", dice=lambda: 0.5)
        self.guard = Guard("payments", declares or Rules(), self.agent, is_declared=declares is not None)
        self.agent.begin(self.guard)

    def end(self) -> None:
        self.agent.stop()


def kept(shared: Shared) -> Rules:
    [text] = shared.store.declared(["payments"]).values()
    return Rules().with_changes(json.loads(text))


def look(process: Process) -> None:
    process.agent._beat_at_s = 0.0
    process.agent.look()


@pytest.mark.parametrize("first", ["who declares it", "who names it"])
def test_what_is_declared_holds_for_both_whoever_comes_first(shared: Shared, first: str) -> None:
    order = [RULES, None] if first == "who declares it" else [None, RULES]
    processes = [Process(shared, declares) for declares in order]
    for _ in range(2):
        for process in processes:
            look(process)
    assert [process.guard.rules for process in processes] == [RULES, RULES]
    assert kept(shared) == RULES
    for process in processes:
        process.end()


def test_a_breaker_that_everybody_only_names_has_the_usual_rules_and_is_known(shared: Shared) -> None:
    process = Process(shared, None)
    look(process)
    assert (process.guard.rules, kept(shared)) == (Rules(), Rules())
    process.end()


def test_a_name_may_come_before_the_declaration_but_not_two_declarations(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "_breakers", {})
    named = registry.breaker("payments")
    assert registry.breaker("payments", rules=RULES, errors=(OSError,)) is named
    assert (named.guard.rules, named.guard.is_declared, registry.breaker("payments")) == (RULES, True, named)
    with pytest.raises(WrongRules, match="declared twice"):
        registry.breaker("payments", rules=Rules(minimum=8))
