"""The breaker's machine: its table, its traps one by one, and at random what must hold at every step."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from reliability.breakers.domain import machine
from reliability.breakers.domain.machine import Breaker, Outcome, Override, State, Sums, Superseded
from reliability.breakers.domain.rules import Rules

RULES = Rules(jitter=0.0)
BAD = Sums(calls=20, failed=10, hosts=4, troubled=2)
NOW = 1000.0


def opened(*, rules: Rules = RULES, now: float = NOW) -> Breaker:
    return machine.counted(Breaker(), BAD, rules, now=now, random=0.5)


def asked(breaker: Breaker, permit: str, now: float, *, rules: Rules = RULES) -> tuple[Breaker, bool]:
    return machine.permitted(breaker, permit, rules, now=now, random=0.5)


def told(breaker: Breaker, permit: str, outcome: Outcome, now: float, *, gen: int | None = None) -> Breaker:
    gen = breaker.gen if gen is None else gen
    return machine.reported(breaker, permit, gen, outcome, RULES, now=now, random=0.5)


def half_open(*, permits: int = 3) -> Breaker:
    breaker = opened()
    for number in range(permits):
        breaker, _ = asked(breaker, f"p{number}", NOW + 15)
    return breaker


@pytest.mark.parametrize(
    ("sums", "opens"),
    [
        (Sums(), False),
        (Sums(calls=19, failed=19, hosts=4, troubled=4), False),
        (Sums(calls=20, failed=9, hosts=4, troubled=4), False),
        (Sums(calls=20, failed=10, hosts=4, troubled=4), True),
        (Sums(calls=20, failed=20, hosts=16, troubled=1), False),
        (Sums(calls=20, failed=20, hosts=1, troubled=1), True),
        (Sums(calls=20, slow=16, hosts=2, troubled=2), True),
        (Sums(calls=20, slow=15, hosts=2, troubled=2), False),
    ],
)
def test_it_opens_for_a_rate_that_enough_hosts_saw_of_enough_calls(sums: Sums, opens: bool) -> None:
    after = machine.counted(Breaker(), sums, RULES, now=NOW, random=0.5)
    assert (after.state is State.OPEN) is opens
    assert bool(after.reason) is opens


def test_what_is_called_once_a_minute_opens_after_failures_in_a_row() -> None:
    rare = Rules(consecutive=3)
    assert (
        machine.counted(Breaker(), Sums(calls=2, failed=2, row=2, row_hosts=1, hosts=1), rare, now=NOW, random=0.5)
        == Breaker()
    )
    after = machine.counted(Breaker(), Sums(calls=3, failed=3, row=3, row_hosts=1, hosts=1), rare, now=NOW, random=0.5)
    assert (after.state, after.reason) == (State.OPEN, "3 failures in a row, of 3 that are borne")


def test_it_is_open_longer_each_time_up_to_a_limit_and_as_long_as_at_first_after_it_was_closed() -> None:
    spans, breaker, now = [], Breaker(), NOW
    for _ in range(7):
        breaker = machine.counted(replace(breaker, state=State.CLOSED), BAD, RULES, now=now, random=0.5)
        spans.append(breaker.open_until - now)
        now = breaker.open_until
    assert spans == [15, 30, 60, 120, 240, 300, 300]
    assert machine.reset(breaker, gen=breaker.gen, now=now).attempt == 0
    wide = Rules(jitter=0.2)
    assert (wide.open_for_s(attempt=1, random=0.0), wide.open_for_s(attempt=1, random=0.5)) == (12.0, 15.0)


def test_while_it_is_open_nobody_may_try_and_asking_lengthens_nothing() -> None:
    breaker = opened()
    for now in (NOW, NOW + 1, NOW + 14.99):
        assert asked(breaker, "p", now) == (breaker, False)
    assert breaker.retry_after_s(NOW + 5) == 10.0


def test_so_many_may_try_as_there_are_permits_and_no_more() -> None:
    breaker = half_open()
    assert (breaker.state, set(breaker.permits)) == (State.HALF_OPEN, {"p0", "p1", "p2"})
    assert asked(breaker, "p3", NOW + 16) == (breaker, False)
    assert asked(breaker, "p1", NOW + 16) == (breaker, True), "a permit that was given, and whose answer was lost"
    breaker = told(breaker, "p0", Outcome.OK, NOW + 16)
    assert not asked(breaker, "p3", NOW + 16)[1], "a probe that is over frees no place for another one"


def test_when_they_do_well_traffic_comes_back_in_steps_and_then_it_is_closed() -> None:
    breaker = half_open()
    for number in range(3):
        breaker = told(breaker, f"p{number}", Outcome.OK, NOW + 16)
    assert breaker.state is State.RECOVERING
    assert [breaker.share(RULES, NOW + 16 + s) for s in (0, 5, 10, 15, 19.9)] == [10, 25, 50, 100, 100]
    assert machine.ticked(breaker, RULES, now=NOW + 35.9, random=0.5) == breaker
    closed = machine.ticked(breaker, RULES, now=NOW + 36, random=0.5)
    assert (closed.state, closed.attempt) == (State.CLOSED, 0)
    again = machine.counted(breaker, BAD, RULES, now=NOW + 20, random=0.5)
    assert (again.state, again.open_until - NOW - 20) == (State.OPEN, 30.0), "it was too early: longer this time"


def test_it_is_open_again_as_soon_as_the_others_cannot_make_it_good() -> None:
    breaker = told(half_open(), "p0", Outcome.ERROR, NOW + 16)
    assert breaker.state is State.HALF_OPEN
    breaker = told(breaker, "p1", Outcome.SLOW, NOW + 16)
    assert (breaker.state, breaker.permits, breaker.reason) == (State.OPEN, {}, "a probe was slow")


def test_a_probe_that_never_comes_back_counts_as_failed_and_the_fleet_goes_on() -> None:
    """A prober that was killed with its permit: elsewhere such a breaker stays half open for ever."""
    breaker = half_open()
    assert machine.ticked(breaker, RULES, now=NOW + 24.9, random=0.5) == breaker
    breaker, may = asked(breaker, "p9", NOW + 25)
    assert (breaker.state, may, breaker.reason) == (State.OPEN, False, "a probe was lost")
    breaker, may = asked(breaker, "p9", breaker.open_until)
    assert (breaker.state, may) == (State.HALF_OPEN, True)


def test_an_answer_of_another_round_or_after_its_time_changes_nothing() -> None:
    first = half_open(permits=1)
    second = machine.ticked(half_open(), RULES, now=NOW + 25, random=0.5)
    second, _ = asked(second, "p0", second.open_until)
    now = second.since
    assert told(second, "p0", Outcome.OK, now, gen=first.gen) == second
    assert told(second, "stranger", Outcome.OK, now) == second
    late = told(half_open(permits=1), "p0", Outcome.OK, NOW + 25)
    assert (late.passed, late.failed) == (0, 1)


def test_an_override_lies_above_the_state_until_its_time_is_over() -> None:
    breaker = machine.laid_over(Breaker(), Override.FORCED_OPEN, until=NOW + 60, gen=1, now=NOW)
    assert (breaker.share(RULES, NOW + 59), breaker.retry_after_s(NOW + 20)) == (0, 40.0)
    assert breaker.share(RULES, NOW + 60) == 100, "also where nobody has ticked"
    assert machine.ticked(breaker, RULES, now=NOW + 60, random=0.5).override is Override.NONE
    bad = opened()
    through = machine.laid_over(bad, Override.METRICS_ONLY, until=NOW + 60, gen=bad.gen, now=NOW)
    assert (through.state, through.share(RULES, NOW + 1), through.share(RULES, NOW + 61)) == (State.OPEN, 100, 0)
    assert not asked(through, "p", NOW + 30)[1], "while a person decides nothing is tried out"


def test_after_an_override_probes_begin_anew_and_so_does_a_ramp() -> None:
    called_off = machine.laid_over(half_open(), Override.FORCED_OPEN, until=NOW + 30, gen=half_open().gen, now=NOW + 16)
    assert (called_off.state, called_off.permits) == (State.OPEN, {})
    breaker = called_off
    for number in range(3):  # nobody has ticked: asking alone knows that the override is over
        breaker, may = asked(breaker, f"q{number}", NOW + 31)
        assert may
    for number in range(3):
        breaker = told(breaker, f"q{number}", Outcome.OK, NOW + 32)
    assert breaker.state is State.RECOVERING
    forced = machine.laid_over(breaker, Override.FORCED_OPEN, until=NOW + 100, gen=breaker.gen, now=NOW + 33)
    assert machine.ticked(forced, RULES, now=NOW + 60, random=0.5) == forced, "not a call was made"
    back = machine.ticked(forced, RULES, now=NOW + 100, random=0.5)
    assert (back.state, back.share(RULES, NOW + 100)) == (State.RECOVERING, 10)


def test_of_two_operators_the_second_is_told() -> None:
    first = machine.laid_over(Breaker(), Override.FORCED_OPEN, until=NOW + 60, gen=1, now=NOW)
    for act in (
        lambda: machine.laid_over(first, Override.FORCED_CLOSED, until=NOW + 60, gen=1, now=NOW),
        lambda: machine.laid_over(first, Override.NONE, until=0, gen=1, now=NOW),
        lambda: machine.reset(first, gen=1, now=NOW),
    ):
        with pytest.raises(Superseded):
            act()
    with pytest.raises(ValueError, match="to come"):
        machine.laid_over(first, Override.FORCED_OPEN, until=NOW, gen=first.gen, now=NOW)


TABLE = set(re.findall(r"^(\w+) --(\w+)--> (\w+)$", machine.__doc__ or "", re.MULTILINE))


class Fleet(RuleBasedStateMachine):
    """Calls, probes, time, operators in any order; every move is compared with the table."""

    def __init__(self) -> None:
        super().__init__()
        self.breaker, self.now, self.count = Breaker(), NOW, 0

    def moved(self, after: Breaker, *by: str) -> None:
        before, self.breaker = self.breaker, after
        assert after.gen >= before.gen
        if after.state is not before.state:
            assert after.gen > before.gen
            assert any((before.state, each, after.state) in TABLE for each in by), (before, by, after)

    @rule(calls=st.integers(0, 60), share=st.floats(0, 1), hosts=st.integers(1, 8), data=st.data())
    def count_calls(self, calls: int, share: float, hosts: int, data: st.DataObject) -> None:
        sums = Sums(calls=calls, failed=int(calls * share), hosts=hosts, troubled=data.draw(st.integers(0, hosts)))
        self.moved(machine.counted(self.breaker, sums, RULES, now=self.now, random=0.5), "tripped")

    @rule(seconds=st.sampled_from([0.1, 3.0, 11.0, 20.0, 400.0]))
    def wait(self, seconds: float) -> None:
        self.now += seconds
        self.moved(machine.ticked(self.breaker, RULES, now=self.now, random=0.5), "ticked", "lost")

    @rule()
    def ask(self) -> None:
        self.count += 1
        outstanding = len(self.breaker.permits)
        after, may = asked(self.breaker, f"p{self.count}", self.now)
        self.moved(after, "permitted", "lost")
        assert not may or len(after.permits) <= max(outstanding, RULES.permits)

    @rule(outcome=st.sampled_from(Outcome), back=st.integers(0, 3), data=st.data())
    def report(self, outcome: Outcome, back: int, data: st.DataObject) -> None:
        permit = data.draw(st.sampled_from([*self.breaker.permits, "stranger"]))
        before = self.breaker
        after = told(before, permit, outcome, self.now, gen=before.gen - back)
        if back or permit == "stranger":
            assert after == machine.expired(before, RULES, now=self.now, random=0.5)
        self.moved(after, "reported", "lost")

    @rule(override=st.sampled_from(Override), seconds=st.floats(0.1, 100))
    def lay_over(self, override: Override, seconds: float) -> None:
        self.moved(
            machine.laid_over(self.breaker, override, until=self.now + seconds, gen=self.breaker.gen, now=self.now),
            "overridden",
        )

    @invariant()
    def no_more_try_than_may(self) -> None:
        one = self.breaker
        assert len(one.permits) + one.passed + one.failed <= RULES.permits
        assert one.state is State.HALF_OPEN or not (one.permits or one.passed or one.failed)
        assert (one.state is State.OPEN) is (one.open_until > 0)
        if one.overridden(self.now) is Override.NONE:
            share = one.share(RULES, self.now)
            assert {State.CLOSED: share == 100, State.RECOVERING: share > 0}.get(one.state, share == 0)

    def teardown(self) -> None:
        """From wherever it stands: where all does well it closes."""
        one, now = self.breaker, self.now
        for number in range(40):
            now += 400.0 if one.state is not State.HALF_OPEN else 3.0
            one = machine.ticked(one, RULES, now=now, random=0.5)
            one, may = asked(one, f"good{number}", now)
            one = told(one, f"good{number}", Outcome.OK, now) if may else one
        assert one.state is State.CLOSED, one


TestFleet = Fleet.TestCase
TestFleet.settings = settings(max_examples=100, stateful_step_count=30, deadline=None)


def test_why_it_opened_at_first_is_kept_until_it_closes() -> None:
    opened = machine.counted(Breaker(), Sums(calls=30, failed=30, hosts=2, troubled=2), RULES, now=NOW, random=0.5)
    tried, _ = machine.permitted(opened, "p", RULES, now=NOW + 100, random=0.5)
    tried, _ = machine.permitted(tried, "q", RULES, now=NOW + 100, random=0.5)
    for permit in ("p", "q"):
        tried = machine.reported(tried, permit, tried.gen, Outcome.ERROR, RULES, now=NOW + 101, random=0.5)
    assert (tried.state, tried.reason, tried.cause) == (State.OPEN, "a probe failed", opened.reason)
    assert machine.reset(tried, gen=tried.gen, now=NOW + 102).cause == ""
