"""Whatever signals do, in whatever order: a policy keeps its promises."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from reliability.console.domain.conditions import Condition, Look, Reading
from reliability.degradation.domain import packing
from reliability.degradation.domain.policy import HOUR, Joined, Key, Moved, Policy, State, Step, released, step

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


class Flapping(RuleBasedStateMachine):
    """Two signals that do as they like, with silences; the history of all looks is kept beside the machine."""

    @initialize(
        joined=st.sampled_from(Joined),
        enter_for=st.integers(0, 20),
        exit_for=st.integers(0, 20),
        dwell=st.integers(0, 60),
        budget=st.integers(2, 5),
    )
    def begins(self, joined: Joined, enter_for: int, exit_for: int, dwell: int, budget: int) -> None:
        conditions = tuple(
            Condition(signal=name, subject="x", enter=2, exit=0, enter_for_s=enter_for, exit_for_s=exit_for, fresh_s=15)
            for name in ("a", "b")
        )
        self.policy = Policy(
            name="p", flag="f", level=1, conditions=conditions, joined=joined, dwell_s=dwell, flips_per_hour=budget
        )
        self.now, self.state = NOW, State()
        self.flips: list[tuple[datetime, Moved]] = []
        self.heard: dict[str, list[Reading]] = {"a": [], "b": []}
        self.readings: dict[Key, Reading | None] = {}

    def look(self) -> None:
        done = step(self.state, self.policy, self.readings, now=self.now)
        again = step(self.state, self.policy, self.readings, now=self.now)
        assert done == again, "the same comes out of the same"
        thawed = packing.state_read(packing.state_as_json(self.state))
        assert step(thawed, self.policy, self.readings, now=self.now) == done
        self.check(done)
        if done.moved in (Moved.ENTERED, Moved.LEFT):
            self.flips.append((self.now, done.moved))
        self.state = done.state

    @rule(seconds=st.integers(1, 25), a=st.sampled_from([0, 1, 2, None]), b=st.sampled_from([0, 1, 2, None]))
    def signals_say(self, seconds: int, a: int | None, b: int | None) -> None:
        self.now += timedelta(seconds=seconds)
        for name, value in (("a", a), ("b", b)):
            reading = None if value is None else Reading(value=value, at=self.now)
            self.readings[name, "x"] = reading
            self.heard[name] += [reading] if reading else []
        self.look()

    @rule(value=st.sampled_from([0, 2]), times=st.integers(5, 30))
    def all_say_the_same_for_long(self, value: int, times: int) -> None:
        for _ in range(times):
            self.signals_say(2, value, value)

    @rule(minutes=st.integers(1, 50))
    def nothing_is_looked_at(self, minutes: int) -> None:
        self.now += timedelta(minutes=minutes)
        self.readings = {}
        self.look()

    @rule()
    def a_person_releases_it(self) -> None:
        if self.state.held is not None:
            self.state = released(self.state)
            self.flips = []

    def check(self, done: Step) -> None:
        if done.moved is Moved.LEFT:
            assert self.state.since is not None
            assert self.now - self.state.since >= timedelta(seconds=self.policy.dwell_s), "never before its dwell"
        if done.moved in (Moved.ENTERED, Moved.LEFT):
            needed = Look.BAD if done.moved is Moved.ENTERED else Look.WELL
            lasts = [self.lasted(name, needed) for name in ("a", "b")]
            condition = self.policy.conditions[0]
            for_s = condition.enter_for_s if needed is Look.BAD else condition.exit_for_s
            takes_all = (self.policy.joined is Joined.ALL) == (needed is Look.BAD)
            assert (all if takes_all else any)(last is not None and last >= for_s for last in lasts)
            assert self.state.held is None

    def lasted(self, name: str, look: Look) -> float | None:
        """For how long a signal has said the same without a gap: read from the history, not from the machine."""
        condition, since, last = self.policy.conditions[0], self.now, self.now
        if not self.heard[name] or (self.now - self.heard[name][-1].at).total_seconds() > condition.fresh_s:
            return None
        newest = last = self.heard[name][-1].at
        since = None
        for reading in reversed(self.heard[name]):
            if condition.judged(reading.value) is not look or (last - reading.at).total_seconds() > condition.fresh_s:
                break
            since = last = reading.at
        return None if since is None else (newest - since).total_seconds()

    @invariant()
    def it_never_flips_more_than_its_budget(self) -> None:
        if hasattr(self, "flips"):
            recent = [at for at, _ in self.flips if self.now - at < HOUR]
            assert len(recent) <= self.policy.flips_per_hour
            kinds = [kind for _, kind in self.flips]
            assert all(one is not other for one, other in itertools.pairwise(kinds))


TestFlapping = Flapping.TestCase
TestFlapping.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
