"""Questions side by side: who is slow, broken or still at the last question takes nothing from the others."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextvars import ContextVar

import pytest

from reliability.console.crew import Crew

SOON_S = 0.2
PATIENCE_S = 10.0
ASKED_BY: ContextVar[str] = ContextVar("asked_by", default="nobody")


@pytest.fixture
def release() -> Iterator[threading.Event]:
    """Lets everything go that a test made hang."""
    event = threading.Event()
    yield event
    event.set()


def hanging(release: threading.Event) -> Callable[[], str]:
    def question() -> str:
        release.wait(PATIENCE_S)
        return "late"

    return question


def eventually(done: Callable[[], bool]) -> None:
    end_s = time.monotonic() + PATIENCE_S
    while not done():
        assert time.monotonic() < end_s, "it did not happen"
        time.sleep(0.01)


def test_all_are_asked_at_once_and_answers_come_as_soon_as_the_last_is_there() -> None:
    together = threading.Barrier(3)
    questions = {name: lambda: together.wait(PATIENCE_S) >= 0 for name in "abc"}
    began_s = time.monotonic()
    answers = Crew(3).ask(questions, within_s=PATIENCE_S)
    assert [(name, each.state, each.value) for name, each in answers.items()] == [(n, "done", True) for n in "abc"]
    assert time.monotonic() - began_s < PATIENCE_S
    assert all(each.took_s is not None for each in answers.values())


def test_with_fewer_threads_than_questions_they_take_turns() -> None:
    answers = Crew(1).ask({str(number): lambda number=number: number for number in range(20)}, within_s=PATIENCE_S)
    assert [each.value for each in answers.values()] == list(range(20))


def test_nothing_asked_is_answered_at_once() -> None:
    assert Crew(1).ask({}, within_s=PATIENCE_S) == {}


def test_a_slow_one_is_left_behind_in_time_and_the_others_have_their_answers(release: threading.Event) -> None:
    began_s = time.monotonic()
    answers = Crew(4).ask({"slow": hanging(release), "quick": lambda: "here"}, within_s=SOON_S)
    took_s = time.monotonic() - began_s
    assert SOON_S <= took_s < PATIENCE_S / 2
    assert (answers["slow"].state, answers["slow"].value, answers["slow"].took_s) == ("slow", None, None)
    assert (answers["quick"].state, answers["quick"].value) == ("done", "here")


def test_an_error_is_handed_over_and_takes_nothing_else_away() -> None:
    answers = Crew(2).ask({"broken": lambda: str(1 // 0), "sound": lambda: "here"}, within_s=PATIENCE_S)
    assert (answers["broken"].state, type(answers["broken"].error)) == ("failed", ZeroDivisionError)
    assert answers["sound"].value == "here"


def test_a_question_without_an_answer_is_not_asked_again_and_then_is(release: threading.Event) -> None:
    crew, asked = Crew(4), []
    late = hanging(release)
    assert crew.ask({"slow": late}, within_s=SOON_S)["slow"].state == "slow"
    for _ in range(3):
        again = crew.ask({"slow": lambda: asked.append("again"), "quick": lambda: None}, within_s=SOON_S)
        assert (again["slow"].state, again["quick"].state) == ("busy", "done")
    assert asked == [], "threads do not pile up behind one that hangs"
    release.set()
    eventually(lambda: crew.ask({"slow": lambda: "here"}, within_s=SOON_S)["slow"].value == "here")


def test_no_more_hang_at_once_than_there_are_threads(release: threading.Event) -> None:
    crew = Crew(2)
    hung = {str(number): hanging(release) for number in range(5)}
    before = threading.active_count()
    states = [each.state for each in crew.ask(hung, within_s=SOON_S).values()]
    assert states == ["slow", "slow", "busy", "busy", "busy"]
    assert threading.active_count() <= before + 2
    assert crew.ask({"other": lambda: "here"}, within_s=SOON_S)["other"].state == "busy"


def test_a_place_that_becomes_free_in_time_is_taken(release: threading.Event) -> None:
    crew = Crew(1)
    assert crew.ask({"slow": hanging(release)}, within_s=SOON_S)["slow"].state == "slow"
    threading.Timer(SOON_S, release.set).start()
    assert crew.ask({"next": lambda: "here"}, within_s=PATIENCE_S)["next"].value == "here"


def test_many_callers_at_once_all_get_their_answers() -> None:
    crew, found = Crew(4), []

    def call(number: int) -> None:
        answers = crew.ask({"a": lambda: number, "b": lambda: -number}, within_s=PATIENCE_S)
        found.append((answers["a"].value, answers["b"].value))

    callers = [threading.Thread(target=call, args=(number,)) for number in range(25)]
    for each in callers:
        each.start()
    for each in callers:
        each.join(PATIENCE_S)
    assert sorted(found) == [(number, -number) for number in range(25)]


def test_what_is_asked_knows_for_whom() -> None:
    ASKED_BY.set("ana")
    assert Crew(1).ask({"who": ASKED_BY.get}, within_s=PATIENCE_S)["who"].value == "ana"
