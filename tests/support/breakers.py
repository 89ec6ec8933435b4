"""A fleet's breakers with five minutes of traffic behind them, as a wall shows them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from reliability.breakers import connection
from reliability.breakers.domain.evidence import Counts
from reliability.breakers.domain.latency import step
from reliability.breakers.domain.machine import Outcome, Override
from reliability.breakers.domain.rules import Rules
from reliability.breakers.recorder import recording
from reliability.breakers.stores.fleet import Fleet
from reliability.breakers.stores.port import Told
from reliability.breakers.stores.shared import RedisStore
from reliability.kernel.clock import SYSTEM

PARTS = 27
LATER_S = 22.0
"""So long ago it came to what it came to."""
RULES = Rules(jitter=0.0)
Then = Callable[["Scene", str], None]


def forget() -> None:
    """Know nothing of any breaker."""
    client = connection.client()
    client.delete(*client.keys("{mainstay.breakers}*"), "nothing")


@contextmanager
def clean() -> Iterator[None]:
    """Nothing kept from before, and nothing afterwards."""
    forget()
    yield
    forget()


@dataclass
class Scene:
    """Breakers by name: calls and failures of each ten seconds of the last five minutes, then what happens to them."""

    store: RedisStore = field(default_factory=RedisStore)
    names: dict[str, tuple[Sequence[tuple[int, int]], float]] = field(default_factory=dict)
    then: list[tuple[str, Then]] = field(default_factory=list)

    @property
    def fleet(self) -> Fleet:
        return Fleet(self.store, dice=lambda: 0.5)

    def breaker(
        self, name: str, traffic: Sequence[tuple[int, int]], *, took_s: float = 0.02, then: Then | None = None
    ) -> None:
        """Add one; ``traffic`` is repeated from its end backwards where it is shorter than the strip."""
        full = [*[traffic[0]] * (PARTS - len(traffic)), *traffic][-PARTS:] if traffic else []
        self.names[name] = (full, took_s)
        if then is not None:
            self.then.append((name, then))

    def play(self) -> Scene:
        """Let it happen, on a clock that comes from the past and ends now; write down what a recorder would."""
        said = {"host": "shop-1", "pid": 4711, "service": "shop"}
        for number in range(PARTS):
            self.store.ahead_s = -10.0 * (PARTS - number) - LATER_S
            for name, (traffic, took_s) in self.names.items():
                if traffic:
                    self._tell(name, *traffic[number], took_s)
        self.store.ahead_s = -LATER_S
        for name, then in self.then:
            (then if then is forced else fails)(self, name)
        later = [(name, then) for name, then in self.then if then in (tries, recovers)]
        calm = [name for name in self.names if name not in dict(self.then)]
        for wait_s in (8.0, 8.0):
            self.store.ahead_s += wait_s
            self._go_on(calm)
        for name, then in later:
            then(self, name)
        self.store.ahead_s = 0.0
        self._go_on(calm)
        for name, then in self.then:
            if then is fails:
                self.rejected(name, 240)
        kept = self.store.read(list(self.names))
        gens = {name: found.breaker.gen if found.breaker else 1 for name, found in kept.items()}
        declared = {name: RULES.as_json() for name in self.names}
        self.store.beat("shop-1:4711:abc", json.dumps({**said, "gens": gens}), declared)
        recording.step(now=SYSTEM.now())
        return self

    def _go_on(self, names: Sequence[str]) -> None:
        for name in names:
            traffic, took_s = self.names[name]
            if traffic:
                self._tell(name, *traffic[-1], took_s)

    def _tell(self, name: str, calls: int, failed: int, took_s: float) -> None:
        kept = self.store.read([name])[name].breaker
        gen = kept.gen if kept is not None else 1
        for host in ("shop-1", "shop-2"):
            counts = Counts(calls=calls // 2, failed=failed // 2, row=failed // 2, took={step(took_s): calls // 2})
            self.fleet.tell(host, [Told(name=name, gen=gen, window_s=30, counts=counts)], {name: RULES})

    def rejected(self, name: str, number: int) -> None:
        """So many calls are not made now."""
        kept = self.store.read([name])[name].breaker
        gen = kept.gen if kept is not None else 1
        self.fleet.tell(
            "shop-1", [Told(name=name, gen=gen, window_s=30, counts=Counts(rejected=number))], {name: RULES}
        )


def fails(scene: Scene, name: str) -> None:
    """It opens now."""
    for _ in range(4):
        scene._tell(name, 200, 190, 3.0)
    scene.rejected(name, 240)


def probes(scene: Scene, name: str, *ends: Outcome | None) -> None:
    """Its time is over: these probes ended so, None is under way."""
    for number, outcome in enumerate(ends):
        _, given = scene.fleet.permit(name, f"probe-{number}", RULES)
        assert given is not None
        if outcome is not None:
            scene.fleet.report(name, given, outcome, RULES)


def tries(scene: Scene, name: str) -> None:
    """It is half open: one probe did well, one is under way."""
    probes(scene, name, Outcome.OK, None)


def recovers(scene: Scene, name: str) -> None:
    """It recovers: its probes did well."""
    probes(scene, name, Outcome.OK, Outcome.OK, Outcome.OK)


def forced(scene: Scene, name: str) -> None:
    """Somebody holds it open."""
    kept = scene.store.read([name])[name]
    gen = kept.breaker.gen if kept.breaker else 1
    scene.fleet.lay_over(name, Override.FORCED_OPEN, until=kept.now + 1500, gen=gen)


CALM = [(300, 4), (320, 2), (280, 6), (310, 0)] * 8


def mixed() -> Scene:
    """One of each kind."""
    scene = Scene()
    scene.breaker("stock-db", [(1820, 18)] * 29, took_s=0.012)
    scene.breaker("search", [(960, 2)] * 29, took_s=0.031)
    scene.breaker("mail", [(80, 2)] * 29, took_s=0.21)
    scene.breaker("geo", [(0, 0)] * 29)
    scene.breaker("fraud-score", CALM, then=forced)
    scene.breaker("payments-api", CALM, then=fails)
    scene.breaker("loyalty", CALM, then=recovers)
    scene.breaker("label-printer", [(60, 1)] * 29, then=tries)
    return scene
