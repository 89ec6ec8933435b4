"""What can be said wrongly is refused at once, with the way to say it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from sagas.domain.definition import STEPS_MAX, Definition, WrongDefinition, nothing, pivot, saga, step, wait
from sagas.domain.plan import Plan
from sagas.domain.policies import forever, minutes, once, retry, seconds
from tests.unit.sagas.world import work


def order() -> Definition:
    return saga(
        "order",
        version=3,
        timeout=minutes(30),
        steps=[
            step("reserve", do=work, undo=work, local=True),
            step("charge", do=work, undo=work, probe=work, timeout=seconds(10)),
            pivot(),
            wait("settled", event="payment.settled", deadline=minutes(5), late="person", gives=["amount_cents"]),
            step("ship", do=work, retry=forever(cap=minutes(5))),
        ],
    )


def test_a_definition_says_what_its_steps_are() -> None:
    defined = order()
    assert [each.name for each in defined.plan.steps] == ["reserve", "charge", "settled", "ship"]
    assert defined.plan.pivot == 2
    assert defined.plan.step("charge").probes
    assert defined.plan.step("settled").waits
    assert defined.plan.step("reserve").local
    assert not defined.plan.step("ship").undoes


def test_a_plan_survives_being_stored() -> None:
    plan = order().plan
    assert Plan.from_json(plan.as_json()) == plan


def test_a_plan_of_a_newer_version_is_readable() -> None:
    stored = order().plan.as_json()
    stored["steps"][0]["from_the_future"] = True
    assert Plan.from_json(stored) == order().plan


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"name": "Order!"}, "no name for a saga"),
        ({"steps": [step("a", do=work, gives="reference")]}, "it is a list of names"),
        ({"steps": [step("a", do=work, gives=["reference", ""])]}, "it is a list of names"),
        ({"version": 0}, "versions count from 1"),
        ({"timeout": 30}, "say it with its unit"),
        ({"timeout": timedelta(0)}, "longer than no time"),
        ({"steps": []}, "has no steps"),
        ({"steps": [step("a", do=work)] * 2}, "two steps named 'a'"),
        ({"steps": [pivot(), step("a", do=work)]}, "begins with its pivot"),
        ({"steps": [step("a", do=work), pivot(), step("b", do=work), pivot()]}, "2 pivots"),
        ({"steps": [step(f"s{n}", do=work, undo=work) for n in range(STEPS_MAX + 1)]}, "at most 100"),
        ({"steps": [step("a b", do=work)]}, "no name for a step"),
        (
            {"steps": [step("a", do=7)]},
            "leave its brackets out",
        ),  # type: ignore[arg-type]
        ({"steps": [step("a", do=work, timeout=3)]}, "say it with its unit"),  # type: ignore[arg-type]
        ({"steps": [step("a", do=work, unknown="maybe")]}, "'person' or 'repeat'"),  # type: ignore[arg-type]
        ({"steps": [step("a", do=work, local=True, probe=work)]}, "no probe"),
        ({"steps": [step("a", do=work, undo=work, local=True, partial=True)]}, "never half done"),
        ({"steps": [step("a", do=work, partial=True)]}, "give it an undo"),
        ({"steps": [step("a", do=work, retry=retry(0))]}, "tries count from 1"),
        ({"steps": [step("a", do=work), step("b", do=work)]}, "undo=nothing"),
        ({"steps": [wait("w", event=" ", deadline=minutes(1))]}, "name the event"),
        ({"steps": [wait("w", event="e", deadline=minutes(1), late="never")]}, "'compensate' or 'person'"),  # type: ignore[arg-type]
    ],
)
def test_what_is_wrong_is_refused_and_says_how_to_mend_it(arguments: dict[str, Any], sentence: str) -> None:
    with pytest.raises(WrongDefinition, match=sentence):
        saga(**({"name": "order", "steps": [step("a", do=work)]} | arguments))


def test_a_step_without_undo_may_stand_last_before_the_pivot_and_behind_it() -> None:
    saga(
        "order",
        steps=[step("a", do=work, undo=nothing), step("b", do=work), pivot(), step("c", do=work), step("d", do=work)],
    )


def test_a_policy_ends_by_its_tries_or_its_budget() -> None:
    policy = retry(3, base=seconds(2), cap=seconds(3), budget=seconds(10))
    waits = [policy.wait(failures=n, spent=seconds(0), random=lambda: 0.99) for n in (1, 2, 3)]
    assert [each and round(each.total_seconds(), 2) for each in waits] == [1.98, 2.97, None]
    assert policy.wait(failures=1, spent=seconds(9), random=lambda: 0.99) is None
    assert once().wait(failures=1, spent=seconds(0), random=lambda: 0.0) is None
    assert forever(cap=seconds(60)).wait(failures=10**6, spent=minutes(10**6), random=lambda: 0.5) == seconds(30)
