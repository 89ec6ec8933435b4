"""What reading a degradation flag costs, and how long a flip takes to the last of fifty processes."""

from __future__ import annotations

import json
import os
import subprocess
import time
import timeit
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import connections
from openfeature import api as openfeature
from openfeature.provider.in_memory_provider import InMemoryFlag, InMemoryProvider

from reliability import degradation
from reliability.degradation import connection, registry
from reliability.degradation.models import Flag
from reliability.degradation.operations import deciding, levels
from reliability.degradation.provider import DegradationProvider
from reliability.kernel.clock import SYSTEM
from tests.benchmarks import peers
from tests.benchmarks.printing import figure, heading, percentile
from tests.support import actors

pytestmark = [pytest.mark.benchmark, pytest.mark.timeout(300), pytest.mark.django_db(transaction=True)]
HERE = Path(__file__).parent / "flags"
LEVELS = {"popular": "Everybody sees what is popular.", "off": "No recommendations are shown."}
READ_NS_MAX = 500
TIMES_FASTER_MIN = 20
PROCESSES = 50
FLIPS = 20


@pytest.fixture
def own(monkeypatch: pytest.MonkeyPatch) -> Iterator[degradation.Flag]:
    client = connection.client()
    client.delete(*connection.ALL)
    monkeypatch.setattr(registry, "_agent", None)
    monkeypatch.setattr(registry, "_flags", {})
    made = degradation.declare("recommendations", title="Recommendations", levels=LEVELS)
    deciding.known([made.declaration], now=SYSTEM.now())
    yield made
    registry.agent().stop()
    client.delete(*connection.ALL)


def ns(code: str, names: dict[str, object], times: int) -> float:
    return min(timeit.repeat(code, globals=names, number=times, repeat=5)) / times * 1e9


def test_a_read(own: degradation.Flag) -> None:
    assert own.level == 0
    heading("Reading a degradation flag")
    ours = ns("flag('recommendations').level", {"flag": degradation.flag}, 500_000)
    figure("flag(name).level", f"{ours:,.0f} ns", f"at most {READ_NS_MAX} ns")
    figure("kept.level", f"{ns('kept.level', {'kept': own}, 500_000):,.0f} ns")
    openfeature.set_provider_and_wait(
        InMemoryProvider({"recommendations": InMemoryFlag("a", {"a": 1})}), domain="memory"
    )
    openfeature.set_provider_and_wait(DegradationProvider(), domain="ours")
    code = "client.get_integer_value('recommendations', 0)"
    memory = ns(code, {"client": openfeature.get_client(domain="memory")}, 5_000)
    figure("OpenFeature, its provider in memory", f"{memory:,.0f} ns", f"{memory / ours:,.0f} times as long")
    figure("OpenFeature, our provider", f"{ns(code, {'client': openfeature.get_client(domain='ours')}, 5_000):,.0f} ns")
    python, why = peers.python_with("flags", HERE / "peers.txt")
    if python is None:
        figure("django-waffle", "not measured", why)
    else:
        told = subprocess.run([python, HERE / "waffle_switch.py"], capture_output=True, text=True, check=True).stdout
        figure(
            "django-waffle, its cache in memory", f"{float(told):,.0f} ns", f"{float(told) / ours:,.0f} times as long"
        )
        assert float(told) / ours >= TIMES_FASTER_MIN
    assert ours <= READ_NS_MAX
    assert memory / ours >= TIMES_FASTER_MIN


def listener(own: degradation.Flag, tell: int) -> None:
    """A process that says when it has heard of each level; it ends when it has heard of all."""
    heard: list[tuple[int, float]] = []
    registry.agent().listeners.append(lambda changed: heard.append((own.level, time.monotonic())))
    own.level  # noqa: B018 - from now on it is looked after
    time.sleep(1.0)
    os.write(tell, b".")
    ends = time.monotonic() + 120
    while len(heard) < FLIPS and time.monotonic() < ends:
        time.sleep(0.05)
    os.write(tell, json.dumps([at for _, at in heard]).encode())


def test_a_flip(own: degradation.Flag) -> None:
    connections.close_all()
    pipes = []
    for _ in range(PROCESSES):
        told, tell = os.pipe()
        if os.fork() == 0:  # pragma: no cover - another process
            try:
                listener(own, tell)
            finally:
                os._exit(0)
        os.close(tell)
        pipes.append(told)
    for told in pipes:
        assert os.read(told, 1) == b"."
    flips = [flip(at % 2 + 1) for at in range(FLIPS)]
    heard = [json.loads(os.read(told, 100_000)) for told in pipes]
    for _ in pipes:
        os.wait()
    assert all(len(each) == FLIPS for each in heard), [len(each) for each in heard]
    last = [max(each[at] for each in heard) - began for at, (began, _) in enumerate(flips)]
    after = [max(each[at] for each in heard) - committed for at, (_, committed) in enumerate(flips)]
    heading(f"A flip, to the last of {PROCESSES} processes ({FLIPS} flips)")
    figure("the act: audited, committed and told", f"{percentile([b - a for a, b in flips], 0.5) * 1e3:,.1f} ms")
    figure("from its begin to the last process, p50", f"{percentile(last, 0.5) * 1e3:,.1f} ms")
    figure("from its begin to the last process, p99", f"{percentile(last, 0.99) * 1e3:,.1f} ms")
    figure("from its end to the last process, p99", f"{percentile(after, 0.99) * 1e3:,.1f} ms")


def flip(level: int) -> tuple[float, float]:
    row = Flag.objects.get(name="recommendations")
    began = time.monotonic()
    levels.set_level(
        flag=row.name,
        level=level,
        lasts=timedelta(hours=1),
        reason="measured",
        actor=actors.actor(),
        version=row.version,
        now=SYSTEM.now(),
    )
    done = time.monotonic()
    time.sleep(0.5)
    return began, done
