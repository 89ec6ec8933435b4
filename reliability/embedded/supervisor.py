"""Watches the children of one start: a crash is shown and answered with a restart, an end ends all of them in order."""

from __future__ import annotations

import contextlib
import os
import random
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from types import FrameType

from reliability.embedded.child import Child
from reliability.embedded.log_watch import LogWatch
from reliability.kernel import backoff, clock

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
LOOK_EVERY_S = 0.2
RESTART_BASE_S = 1.0
RESTART_CAP_S = 30.0
# A child that ran this long is well again: its next crash counts as the first.
WELL_AFTER_S = 60.0
CRASH_LINES = 12


class Stopped(Exception):
    """A signal asked for the end while things were still being started."""


def _nothing() -> None:
    """Nobody wants to know."""


@dataclass(slots=True)
class Watched:
    """A child and what is known of its crashes."""

    child: Child
    stage: int
    log: LogWatch
    started_s: float
    crashes: int = 0
    again_at_s: float | None = None


@dataclass(slots=True, kw_only=True)
class Supervisor:
    """Children in stages: a later stage is ended before an earlier one (processes before the servers they use)."""

    say: Callable[[str], None]
    on_change: Callable[[], None] = _nothing
    clock: clock.Clock = clock.SYSTEM
    random: Callable[[], float] = random.random
    signals: int = field(default=0, init=False)
    _watched: dict[str, Watched] = field(default_factory=dict, init=False)

    @contextlib.contextmanager
    def listening(self) -> Iterator[None]:
        """Take SIGINT, SIGTERM and SIGHUP; the second one kills everything at once."""
        before = {number: signal.signal(number, self._on_signal) for number in SIGNALS}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        self.signals += 1
        if self.signals > 1:
            for watched in self._watched.values():
                watched.child.strike()
            os._exit(128 + number)

    def checkpoint(self) -> None:
        """Raise `Stopped` when a signal came; for the steps of a start."""
        if self.signals:
            raise Stopped

    def start(self, child: Child, *, stage: int) -> None:
        """Start a child and watch it from now on."""
        child.start()
        self.watch(child, stage=stage)

    def watch(self, child: Child, *, stage: int) -> None:
        """Watch a child that somebody else started."""
        self._watched[child.name] = Watched(child, stage, LogWatch(child.log), self.clock.monotonic())

    def pids(self, *, stage: int) -> dict[str, int]:
        """The process ids of one stage's running children."""
        of_stage = [each.child for each in self._watched.values() if each.stage == stage]
        return {child.name: child.pid for child in of_stage if child.pid is not None and child.running}

    def run(self) -> None:
        """Watch until a signal comes."""
        while not self.signals:
            self.look()
            self.clock.sleep(LOOK_EVERY_S)

    def look(self) -> None:
        """One round: show important log lines, report crashes, restart what is due."""
        now_s = self.clock.monotonic()
        for watched in self._watched.values():
            for line in watched.log.important(now_s=now_s):
                self.say(f"{watched.child.name} | {line}")
            if watched.child.running:
                continue
            if watched.again_at_s is None:
                self._report(watched, now_s)
            elif now_s >= watched.again_at_s:
                self._restart(watched, now_s)

    def _report(self, watched: Watched, now_s: float) -> None:
        child = watched.child
        if not child.restarts:
            self.say(f"{child.name} ended and cannot start again at the same address: ending everything.")
            self.signals += 1
        watched.crashes = 1 if now_s - watched.started_s >= WELL_AFTER_S else watched.crashes + 1
        wait_s = RESTART_BASE_S / 2 + backoff.delay_s(
            attempt=watched.crashes, base_s=RESTART_BASE_S, cap_s=RESTART_CAP_S, random=self.random
        )
        watched.again_at_s = now_s + wait_s
        code = child.exit_code
        end = f"was ended by signal {-code}" if code is not None and code < 0 else f"ended with exit code {code}"
        self.say(f"{child.name} {end}; it starts again in {wait_s:.1f} s. Its last lines ({child.log}):")
        for line in child.tail(lines=CRASH_LINES):
            self.say(f"  {child.name} | {line}")
        self.on_change()

    def _restart(self, watched: Watched, now_s: float) -> None:
        watched.child.kill()  # what the crashed one may have left in its group
        watched.child.start()
        watched.started_s, watched.again_at_s = now_s, None
        self.say(f"{watched.child.name} started again (crash {watched.crashes})")
        self.on_change()

    def stop(self) -> None:
        """End all, the latest stage first; each child gets its own time, then is killed with what it started."""
        for stage in sorted({each.stage for each in self._watched.values()}, reverse=True):
            children = [each.child for each in self._watched.values() if each.stage == stage]
            for child in children:
                child.ask_to_stop()
            for child in children:
                if not child.stop():
                    self.say(f"{child.name} did not end within {child.stop_within_s:.0f} s and was killed")
