"""A console in small: rooms that say what the test has them say, a clock that it moves, and rules that look at both."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from reliability import access
from reliability.alerts.domain.rule import Rule
from reliability.alerts.evaluator.turn import turn
from reliability.alerts.models import Alert, Delivery, Incident
from reliability.alerts.operations import rules
from reliability.console.domain.values import Item, Sample, Status
from reliability.console.registry import Registry, Signal
from reliability.kernel.clock import SYSTEM, ManualClock

ADMIN = access.Actor(
    kind="user", name="ada", role=access.Role.ADMIN, scopes=access.TopicFilter.of(["*"]), account="ada"
)
OPERATOR = access.Actor(
    kind="user", name="ana", role=access.Role.OPERATOR, scopes=access.TopicFilter.of(["*"]), account="ana"
)


@dataclass
class World:
    """Two rooms (``lag``, ``letters``), one signal, one clock."""

    clock: ManualClock = field(default_factory=lambda: ManualClock(SYSTEM.now()))
    items: dict[str, dict[str, Item]] = field(default_factory=lambda: {"lag": {}, "letters": {}})
    broken: set[str] = field(default_factory=set)
    values: dict[str, float] = field(default_factory=dict)
    topics: tuple[str, ...] = ()
    """Of what the signal tells."""

    def __post_init__(self) -> None:
        self.registry = Registry()
        for room in self.items:
            self.registry.register_attention(_source(self, room))
        self.registry.register_signal(Signal(name="lag.seconds", unit="s", read=self._read))

    @property
    def now(self) -> datetime:
        return self.clock.now()

    def needs(
        self, thing: str, *, room: str = "lag", status: Status = "crit", title: str = "", topics: tuple[str, ...] = ()
    ) -> None:
        """Have a room say that a thing needs a person."""
        self.items[room][thing] = Item(
            id=thing,
            room=room,
            status=status,
            word="Bad",
            title=title or f"{thing} is bad",
            detail="it says why",
            since=self.now,
            url=f"/{room}/",
            topics=topics,
        )

    def mended(self, thing: str, *, room: str = "lag") -> None:
        """Have a room say so no longer."""
        del self.items[room][thing]

    def turn(self, after_s: float = 5.0) -> bool:
        """Let time pass and rules be looked at."""
        self.clock.advance(after_s)
        return turn(time=self.clock, registry=self.registry)

    def turns(self, count: int, every_s: float = 5.0) -> None:
        """The same, so many times."""
        for _ in range(count):
            self.turn(every_s)

    def rule(self, **values: object) -> Rule:
        """Save a rule, the only one that is on, as an admin would."""
        rules_there = {each.name: each for each in _rules()}
        wanted = Rule(**{"name": "all", "at_least": "warn", "raise_after_s": 10, "clear_after_s": 10, **values})  # type: ignore[arg-type]
        version = rules_there[wanted.name].version if wanted.name in rules_there else 0
        rules.save(wanted=wanted, is_on=True, reason="test", actor=ADMIN, version=version, now=self.now)
        return wanted

    def _read(self, subject: str) -> Sample | None:
        if subject not in self.values:
            return None
        return Sample(value=self.values[subject], at=self.now, topics=self.topics)


def _source(world: World, room: str):  # type: ignore[no-untyped-def]
    def attention(actor: access.Actor) -> list[Item]:
        if room in world.broken:
            raise RuntimeError("this room is broken")
        return list(world.items[room].values())

    attention.__module__ = f"reliability.{room}.queries.overview"
    return attention


def _rules() -> list:  # type: ignore[type-arg]
    from reliability.alerts.models import Rule as Row

    return list(Row.objects.all())


def without_usual() -> None:
    """Have none of the usual rules, so that a test sees its own alone."""
    from reliability.alerts.models import Rule as Row
    from reliability.alerts.models import Turn

    Turn.objects.get_or_create(pk=1)
    Row.objects.all().delete()


def incidents() -> list[Incident]:
    return list(Incident.objects.order_by("id"))


def events() -> list[tuple[str, str]]:
    """What was written to be told, oldest first."""
    return list(Delivery.objects.order_by("id").values_list("channel", "event"))


def standing() -> dict[str, str]:
    return dict(Alert.objects.filter(ended_at=None).values_list("thing", "phase"))


WEEK = timedelta(days=7)
