"""The dry run of a repair."""

from __future__ import annotations

from typing import Any

import pytest

from sagas.domain.reconciling.comparing import judge
from sagas.domain.reconciling.definition import Reconciliation, difference, repair
from sagas.domain.reconciling.finding import Finding
from sagas.domain.reconciling.pair import Pair
from sagas.domain.reconciling.proposing import COMMANDS_MAX, NoRepair, RepairBroken, propose, repair_key
from tests.unit.sagas.reconciling.world import ask_again, order, orders, paid, payment

PENDING = Pair(key="o-1", expected=[order("pending")])


def with_repair(**changes: Any) -> Reconciliation:
    facts: dict[str, Any] = {"commands": ask_again, "leads_to": paid} | changes
    kind = difference(
        "no_payment",
        "",
        when=lambda pair: bool(pair.expected) and pair.expected[0]["state"] == "pending",
        why=lambda pair: "still pending",
        repairs=[repair("fix", "Fix", **facts)],
    )
    return orders(differences=[kind])


def test_a_proposal_says_what_is_done_and_what_holds_before_and_after() -> None:
    defined = orders()
    proposal = propose(defined, judge(defined, PENDING), "", key="k")
    assert proposal.repair.name == "ask_again"
    assert [command.says() for command in proposal.commands] == [
        "Sends payment.asked to payments.asked, with the key o-1."
    ]
    assert [(check.name, check.before, check.after) for check in proposal.checks] == [
        ("paid_is_paid", True, True),
        ("once", True, True),
    ]
    assert (proposal.ends, proposal.refusal) == ("", "")


def test_its_hash_is_of_both_sides_the_repair_its_key_and_its_commands() -> None:
    defined = orders()
    first = propose(defined, judge(defined, PENDING), "ask_again", key="k").hash
    assert first == propose(defined, judge(defined, PENDING), "ask_again", key="k").hash
    other = Pair(key="o-1", expected=[order("pending", amount=7)])
    assert first != propose(defined, judge(defined, other), "ask_again", key="k").hash
    assert first != propose(defined, judge(defined, PENDING), "ask_again", key="k2").hash


def test_the_key_of_a_repair_changes_only_when_one_was_applied() -> None:
    assert repair_key("orders", "o-1", Finding(episode=2), number=7) == "repair/orders/o-1/7.2.1"
    assert repair_key("orders", "o-1", Finding(episode=2, repairs=1), number=7) == "repair/orders/o-1/7.2.2"


def test_what_would_break_an_invariant_is_refused() -> None:
    twice = with_repair(leads_to=lambda pair: Pair(key=pair.key, expected=[order("paid")], seen=[payment()] * 2))
    proposal = propose(twice, judge(twice, PENDING), "fix", key="k")
    assert proposal.refusal == "It would break what holds now: An order is paid at most once."


def test_what_leads_to_another_difference_says_so() -> None:
    defined = with_repair(leads_to=lambda pair: Pair(key=pair.key, expected=[order("paid")]))
    proposal = propose(orders(), judge(orders(), PENDING), "ask_again", key="k")
    assert proposal.ends == ""
    broken = propose(defined, judge(defined, PENDING), "fix", key="k")
    assert "An order that counts as paid has a payment." in broken.ends
    assert broken.refusal.startswith("It would break what holds now")


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"leads_to": lambda pair: pair}, "Both sides would differ as they do now: still pending"),
        ({"leads_to": lambda pair: Pair(key="1", expected=[{}])}, "What it leads to cannot be judged: KeyError"),
        ({"commands": lambda pair, key: []}, "nothing to do"),
        ({"commands": lambda pair, key: [*ask_again(pair, key)] * (COMMANDS_MAX + 1)}, "make it a saga"),
    ],
)
def test_what_would_not_help_is_refused(changes: dict[str, Any], told: str) -> None:
    defined = with_repair(**changes)
    assert told in propose(defined, judge(defined, PENDING), "fix", key="k").refusal


def test_what_a_repair_raises_is_a_sentence() -> None:
    defined = with_repair(commands=lambda pair, key: 1 / 0)
    with pytest.raises(RepairBroken, match="fix failed on o-1: ZeroDivisionError"):
        propose(defined, judge(defined, PENDING), "fix", key="k")


def test_an_unknown_repair_and_an_agreement_are_refused() -> None:
    defined = orders()
    with pytest.raises(NoRepair, match="it has ask_again"):
        propose(defined, judge(defined, PENDING), "mark", key="k")
    agreed = judge(defined, Pair(key="o-1", expected=[order("paid")], seen=[payment()]))
    with pytest.raises(NoRepair, match="agree on o-1 now"):
        propose(defined, agreed, "", key="k")
