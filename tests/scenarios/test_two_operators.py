"""Two people replay the same letters at the same moment; one person clicks twice."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.scenarios import replaying
from tests.scenarios.replaying import Flood
from tests.scenarios.tally import Tally
from tests.support.console import Answer
from tests.support.system import OPERATOR, SECOND, System

pytestmark = pytest.mark.scenario

LETTERS = 60
PROCESSES = ("web", "letters", "worker-relay", "worker-standard", "beat")


def at_once(*acts: Callable[[], Answer]) -> list[Answer]:
    """Do all of it at the same moment."""
    together = threading.Barrier(len(acts))

    def act(one: Callable[[], Answer]) -> Answer:
        together.wait(10)
        return one()

    with ThreadPoolExecutor(len(acts)) as pool:
        return list(pool.map(act, acts))


def test_two_operators_replay_the_same_letters_at_once(system: System, tally: Tally) -> None:
    system.need(*PROCESSES)
    flood = Flood(system)
    ids = flood.arrive(LETTERS)
    plans = {who: replaying.draw(system, ids, who=who) for who in (OPERATOR, SECOND)}
    assert [plan["letters"] for plan in plans.values()] == [LETTERS, LETTERS]
    first, second = sorted(
        at_once(*(lambda who=who: replaying.approve(system, plans[who], who=who) for who in plans)),  # type: ignore[misc]
        key=lambda answer: answer.status,
    )
    assert first.status == 201, (first, second)
    assert second.status == 409, (first, second)
    assert second.json["code"] == "nothing-left"
    run = first.json["id"]
    assert first.json["total"] == LETTERS
    replaying.wait_until_sent(system, run)
    assert replaying.check_runs(flood, run, tally=tally).items == LETTERS
    assert len(system.broker.records(flood.origin)) == LETTERS
    refused = "SELECT actor_account FROM reliability_audit_entry WHERE act = 'letters.replay' AND target = %s"
    loser = next(who for who in plans if plans[who]["id"] != first.json["plan"])
    assert system.rows(refused + " AND outcome = 'refused'", f"plan:{plans[loser]['id']}") == [(loser,)]


def test_two_operators_whose_letters_overlap_share_them(system: System, tally: Tally) -> None:
    system.need(*PROCESSES)
    flood = Flood(system)
    ids = flood.arrive(LETTERS)
    third = LETTERS // 3
    plans = {
        OPERATOR: replaying.draw(system, ids[: 2 * third], who=OPERATOR),
        SECOND: replaying.draw(system, ids[third:], who=SECOND),
    }
    answers = at_once(*(lambda who=who: replaying.approve(system, plans[who], who=who) for who in plans))  # type: ignore[misc]
    assert [answer.status for answer in answers] == [201, 201], answers
    assert sorted((answer.json["total"], answer.json["skipped"]) for answer in answers) == [
        (third, third),
        (2 * third, 0),
    ]
    runs = [answer.json["id"] for answer in answers]
    for run in runs:
        replaying.wait_until_sent(system, run)
    assert replaying.check_runs(flood, *runs, tally=tally).items == LETTERS
    sent = [record.value for record in system.broker.records(flood.origin)]
    assert len(sent) == len(set(sent)) == LETTERS


def test_a_double_click_starts_one_run(system: System, tally: Tally) -> None:
    system.need(*PROCESSES)
    flood = Flood(system)
    ids = flood.arrive(LETTERS)
    plan = replaying.draw(system, ids)
    answers = at_once(*[lambda: replaying.approve(system, plan)] * 4)
    assert sorted(answer.status for answer in answers) == [200, 200, 200, 201], answers
    assert len({answer.json["id"] for answer in answers}) == 1
    run = answers[0].json["id"]
    replaying.wait_until_sent(system, run)
    assert replaying.check_runs(flood, run, tally=tally).items == LETTERS
    done = "SELECT count(*) FROM reliability_audit_entry WHERE target = %s AND outcome = 'done'"
    assert system.one(done, f"replay:{run}") == 1
