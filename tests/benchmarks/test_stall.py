"""A consumer of the demo that hangs: how soon it is red with its cause, and whether its ETA is kept once it goes on."""

from __future__ import annotations

import json
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from reliability.embedded import stack
from tests.benchmarks import printing
from tests.scenarios.setup.started import Demo, wait_for

pytestmark = [pytest.mark.benchmark, pytest.mark.timeout(1200)]

GROUP, FAULT = "invoicing", "invoicing_hang"
SETTLE_S = 20.0
DRAINED = 2
"""Records that may wait in a group that keeps up: one comes each second."""
ASKED_S = {1: 15.0, 5: 60.0}
ETA_SHARE = 0.3


class Console:
    """The demo's REST API."""

    def __init__(self, state: dict[str, Any]) -> None:
        self._url, self._token = state["url"].rstrip("/"), state["api_token"]

    def ask(self, path: str, method: str = "GET") -> Any:
        request = urllib.request.Request(
            f"{self._url}/api/v1/{path}", method=method, headers={"Authorization": f"Bearer {self._token}"}
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)

    def group(self) -> dict[str, Any]:
        found = self.ask(f"lag/groups?text={urllib.parse.quote(GROUP)}")["items"]
        return next((each for each in found if each["name"] == GROUP), {})

    def until(self, condition: Any, *, within_s: float) -> tuple[float, dict[str, Any]]:
        """Seconds until the group is so, and the group then."""
        began = time.monotonic()
        while True:
            group = self.group()
            took_s = time.monotonic() - began
            if group and condition(group):
                return took_s, group
            assert took_s < within_s, group
            time.sleep(0.2)


@contextmanager
def demo(folder: Path, hot_s: int) -> Iterator[Console]:
    running = Demo(folder, MAINSTAY_LAG_HOT_S=str(hot_s))
    try:
        yield Console(running.ready())
    finally:
        running.process.terminate()
        running.process.wait(60)
        wait_for(lambda: not running.left_over(), within_s=20)
        stack.remove(folder)


@pytest.mark.parametrize("hot_s", sorted(ASKED_S))
def test_a_hanging_consumer(tmp_path: Path, hot_s: int) -> None:
    printing.heading(f"Lag: a consumer of the demo hangs, groups in motion are looked at every {hot_s} s")
    with demo(tmp_path / "demo", hot_s) as console:
        console.until(lambda group: group["word"] == "OK", within_s=60 + 30 * hot_s)
        time.sleep(SETTLE_S)  # until every partition had a record, and a commit
        console.ask(f"demo/faults/{FAULT}/on", "PUT")
        took_s, group = console.until(lambda group: group["status"] == "crit", within_s=3 * ASKED_S[hot_s])
        causes = [each["text"] for each in console.ask(f"lag/groups/{group['id']}")["causes"]]
        printing.figure("red after", f"{took_s:.1f} s", f"{group['word']}; {ASKED_S[hot_s]:.0f} s are asked")
        printing.figure("cause line", causes[0] if causes else "none")
        time.sleep(30 + 20 * hot_s)
        console.ask(f"demo/faults/{FAULT}/off", "PUT")
        told = etas(console, hot_s)
    first_s, eta_s = told[0]
    drained_s = told[-1][0]
    printing.figure(
        "first ETA", f"{eta_s:.0f} s", f"{first_s:.0f} s after it went on; caught up {drained_s - first_s:.0f} s later"
    )
    errors = [abs(eta - (drained_s - at)) / (drained_s - at) for at, eta in told[:-1] if drained_s - at >= 5 * hot_s]
    printing.figure("ETAs told, error median / worst", f"{printing.percentile(errors, 0.5):.0%} / {max(errors):.0%}")
    assert took_s <= ASKED_S[hot_s]
    assert causes[0].startswith("The demo's fault")
    assert printing.percentile(errors, 0.5) <= ETA_SHARE


def etas(console: Console, hot_s: int) -> list[tuple[float, float]]:
    """Each ETA that was told, with when; the last one is 0, when the lag was gone."""
    began, told = time.monotonic(), []
    while True:
        group = console.group()
        at_s = time.monotonic() - began
        if group["lag"] is not None and group["lag"] <= DRAINED:
            return [*told, (at_s, 0.0)]
        eta_s = group["eta_seconds"]
        if eta_s and (not told or told[-1][1] != eta_s):
            told.append((at_s, eta_s))
        assert at_s < 300 + 60 * hot_s, group
        time.sleep(0.2)
