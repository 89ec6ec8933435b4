"""Flags in the database, and a Redis with nothing kept from before."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

import pytest

from reliability.console.registry import Sample, Signal
from reliability.degradation import connection
from reliability.degradation.domain.flags import declared
from reliability.degradation.models import Flag
from reliability.degradation.operations import deciding
from reliability.kernel.clock import SYSTEM

LEVELS = {"popular": "Everybody sees what is popular.", "off": "No recommendations are shown."}
RECOMMENDATIONS = declared("recommendations", title="Recommendations", levels=LEVELS)
CHECKOUT = declared("checkout", title="Checkout", levels={"cash": "Only cash on delivery."})


@pytest.fixture
def clean_redis() -> Iterator[None]:
    """Nothing kept from before."""
    client = connection.client()
    client.delete(*connection.ALL)
    yield
    client.delete(*connection.ALL)


@pytest.fixture
def flag(clean_redis: None, transactional_db: None) -> Flag:
    """The flag of recommendations, as code has declared it."""
    deciding.known([RECOMMENDATIONS, CHECKOUT], now=SYSTEM.now())
    return Flag.objects.get(name="recommendations")


class Signals:
    """Signals that say what a test wants, at an instant that it sets."""

    def __init__(self) -> None:
        self.now: datetime = SYSTEM.now().replace(microsecond=0)
        self.values: dict[tuple[str, str], float | Exception | None] = {}

    def wait(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    @property
    def registered(self) -> dict[str, Signal]:
        return {name: Signal(name=name, unit="", read=self._reads(name)) for name, _ in self.values}

    def _reads(self, name: str) -> Callable[[str], Sample | None]:
        def read(subject: str) -> Sample | None:
            value = self.values.get((name, subject))
            if isinstance(value, Exception):
                raise value
            return None if value is None else Sample(value=value, at=self.now)

        return read


@pytest.fixture
def signals() -> Signals:
    """Signals, and the clock by which they say something."""
    return Signals()
