"""Sagas at random: any steps, ends of tries, deaths, late answers, operators. What must hold, holds at every step."""

from __future__ import annotations

from dataclasses import dataclass, field

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from sagas.domain import acts, deciding, folding, previewing
from sagas.domain.acts import Command
from sagas.domain.deciding import Ask, Recover, Rest, Run, Sleep
from sagas.domain.definition import Definition, Pivot, Step, Wait, nothing, pivot, saga, step, wait
from sagas.domain.history import Outcome, Side
from sagas.domain.policies import minutes, once, retry
from sagas.domain.settling import Ended
from sagas.domain.state import ACTIVE, Direction, Effect, Parked, Status, as_json, from_json
from tests.unit.sagas.world import BROKEN, DONE, HICCUP, LOST, NO, World, work


@st.composite
def definitions(draw: st.DrawFn) -> Definition:
    """Any saga of one to five steps."""
    steps: list[Step | Wait | Pivot] = []
    count = draw(st.integers(1, 5))
    turn = draw(st.none() | st.integers(1, count))
    for number in range(count):
        kind = draw(st.sampled_from(["remote", "remote", "probed", "repeated", "partial", "local", "wait"]))
        name = f"s{number}"
        tries = retry(draw(st.integers(1, 3)))
        if kind == "wait":
            steps.append(
                wait(name, event="e", deadline=minutes(1), late=draw(st.sampled_from(["compensate", "person"])))
            )
        else:
            steps.append(
                step(
                    name,
                    do=work,
                    undo=draw(st.sampled_from([work, nothing])),
                    probe=work if kind == "probed" else None,
                    retry=tries,
                    undo_retry=draw(st.sampled_from([once(), retry(3)])),
                    local=kind == "local",
                    partial=kind == "partial",
                    unknown="repeat" if kind == "repeated" else "person",
                )
            )
        if number + 1 == turn:
            steps.append(pivot())
    return saga("any", timeout=minutes(10), steps=steps)


# How a try ends, and whether the work is done: then, later (with its late answer), or never.
HOWS = [
    "done",
    "done",
    "done",
    "broken",
    "hiccup",
    *(f"{end}, {what}" for end in ("lost", "died") for what in ("done", "later", "never")),
]


@dataclass
class Truth:
    """What really happened outside, by key. ``operated``: a person decided what the engine could not know."""

    done: set[str] = field(default_factory=set)
    undone: set[str] = field(default_factory=set)
    operated: bool = False
    keys: dict[tuple[str, Side, int], str] = field(default_factory=dict)


@settings(max_examples=300, stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck))
class Machine(RuleBasedStateMachine):
    """One saga, and a world in which tries may happen without being heard of."""

    def __init__(self) -> None:
        super().__init__()
        self.world: World | None = None
        self.truth = Truth()
        self.old: list[tuple[Run, str]] = []

    @initialize(definition=definitions())
    def start(self, definition: Definition) -> None:
        self.world = World(definition)

    def _act(self) -> deciding.Act:
        assert self.world is not None
        return self.world.next()

    @rule(how=st.sampled_from(HOWS))
    def go_on(self, how: str) -> None:
        """One step of the engine."""
        assert self.world is not None
        act = self._act()
        while isinstance(act, Sleep):
            self.world.take(act)
            act = self._act()
        if isinstance(act, Run):
            self._try(act, how)
        elif isinstance(act, Ask):
            happened = act.key in self.truth.done
            self.world.take(act, LOST if how.startswith("lost") else DONE if happened else NO)
        else:
            self.world.take(act)

    @rule(first=st.sampled_from(HOWS), second=st.sampled_from(HOWS), third=st.sampled_from(HOWS))
    def go_far(self, first: str, second: str, third: str) -> None:
        """Several steps of the engine in a row: what is rare is found sooner."""
        for how in (first, second, third, "done", "done"):
            self.go_on(how)

    def _try(self, act: Run, how: str) -> None:
        assert self.world is not None
        # The direction guard: no forward effect once it goes back, none is taken back while it goes on.
        assert (act.side is Side.DO) is (self.world.saga.direction is Direction.FORWARD)
        number = self.world.saga.state_of(act.step.name).round
        assert self.truth.keys.setdefault((act.step.name, act.side, number), act.key) == act.key
        happened = how in ("done", "lost, done", "died, done")
        if act.step.local and not how.startswith("done"):
            happened = False  # rolled back
        self.world.attempt(act)
        if happened:
            self._happen(act)
        if how.startswith("died"):
            if act.step.local:
                return
            self.old.append((act, how.split(", ")[1]))
            assert isinstance(self._act(), Recover)
            return
        if how.startswith("lost") and not act.step.local:
            self.old.append((act, how.split(", ")[1]))
        ended = {"done": DONE, "broken": BROKEN, "hiccup": HICCUP}.get(how, LOST)
        self.world.end(act, ended)

    def _happen(self, act: Run) -> None:
        (self.truth.done if act.side is Side.DO else self.truth.undone).add(act.key)

    @precondition(lambda self: self.old)
    @rule(data=st.data())
    def a_late_answer_comes(self, data: st.DataObject) -> None:
        assert self.world is not None
        act, what = self.old.pop(data.draw(st.integers(0, len(self.old) - 1)))
        if what == "later":
            self._happen(act)
        if self.world.saga.state_of(act.step.name).round > 1 or self.truth.operated:
            return  # the answer of an earlier round says nothing of this one
        self.world.late(act, Ended(outcome=Outcome.SUCCEEDED) if what != "never" else BROKEN)

    @rule(seconds=st.sampled_from([1, 30, 120, 700]))
    def time_goes_by(self, seconds: int) -> None:
        assert self.world is not None
        self.world.sleep(seconds)

    @rule()
    def the_event_comes(self) -> None:
        assert self.world is not None
        for plan in self.world.saga.plan.steps:
            if self.world.saga.state_of(plan.name).do.effect is Effect.AWAITING and self.world.saga.status in ACTIVE:
                self.world.arrive(plan.name)
                return

    @rule(data=st.data())
    def an_operator_acts(self, data: st.DataObject) -> None:
        assert self.world is not None
        possible = acts.possible(self.world.saga)
        if not possible or data.draw(st.integers(0, 9)):
            return
        act = data.draw(st.sampled_from(possible))
        names = [plan.name for plan in self.world.saga.plan.steps]
        command = Command(
            act=act,
            step=data.draw(st.sampled_from(names)) if act is acts.Act.RESUME else "",
            set={"x": len(self.world.history)},
        )
        if acts.refusal(self.world.saga, command):
            return
        before = self.world.saga.version
        seen = previewing.preview(self.world.saga, command, now=self.world.now)
        assert self.world.saga.version == before
        self.world.write(acts.event(self.world.saga, command, actor="ann", reason="so", now=self.world.now))
        assert self.world.saga.status is seen.status
        self.truth.operated |= act is not acts.Act.EDIT

    @invariant()
    def the_state_is_what_the_history_says(self) -> None:
        if self.world is None:
            return
        assert folding.fold("s1", self.world.history) == self.world.saga
        assert from_json(as_json(self.world.saga)) == self.world.saga
        assert self.world.saga.version == len(self.world.history)

    @invariant()
    def what_is_over_is_right(self) -> None:
        if self.world is None or self.truth.operated:
            return
        current = self.world.saga
        if current.status is Status.COMPLETED:
            assert all(current.state_of(plan.name).do.effect is Effect.SUCCEEDED for plan in current.plan.steps)
        late = {act.key for act, what in self.old if what == "later"}
        if current.status is Status.COMPENSATED:
            assert current.backward is None
            for plan in current.plan.steps:
                key = current.idempotency_key(plan.name, Side.DO)
                if plan.undoes and key in self.truth.done and key not in late:
                    assert current.idempotency_key(plan.name, Side.UNDO) in self.truth.undone, plan.name

    @invariant()
    def nothing_is_undone_beyond_the_pivot(self) -> None:
        if self.world is not None and self.world.saga.is_beyond_pivot and not self.truth.operated:
            assert self.world.saga.direction is Direction.FORWARD or not self.truth.undone

    @invariant()
    def it_comes_to_an_end_when_all_goes_well(self) -> None:
        """From here, if every try succeeds, it is over soon, or waits for a person."""
        if self.world is None or self.world.saga.version % 5:
            return
        ahead = World(self.world.definition)
        ahead.saga, ahead.now, ahead.history = self.world.saga, self.world.now, list(self.world.history)
        for _ in range(60):
            act = ahead.next()
            if isinstance(act, Rest):
                break
            ahead.take(act, DONE)
            if isinstance(act, Sleep):
                continue
        assert ahead.saga.status not in ACTIVE
        if ahead.saga.status is Status.NEEDS_OPERATOR:
            assert ahead.saga.parked in set(Parked)


TestMachine = Machine.TestCase
