"""One file lists every metric."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from reliability.kernel.telemetry import metrics, names

ROOT = Path(__file__).parents[3]
USES = re.compile(r"\bmetrics\.(?:inc|observe|set)\(\s*(?:\w+\.)?names\.([A-Z_]+)")


@pytest.mark.parametrize("metric", names.ALL.values(), ids=lambda metric: metric.name)
def test_names_follow_the_rules_of_prometheus(metric: names.Metric) -> None:
    assert re.fullmatch(r"[a-z_]+" if metric.foreign else r"mainstay_[a-z_]+", metric.name)
    assert metric.name.endswith("_total") == (metric.kind == "counter")
    assert metric.help.endswith(".")
    assert not metric.read or metric.kind == "gauge"


def test_a_metric_of_another_kind_is_refused() -> None:
    with pytest.raises(TypeError, match="gauge"):
        metrics.inc(names.SOCKETS)
    with pytest.raises(TypeError, match="counter"):
        metrics.observe(names.ACTS, 1.0, act="a", outcome="done")


def test_every_label_must_be_given() -> None:
    with pytest.raises(ValueError, match="label"):
        metrics.inc(names.ACTS, act="a")


def test_counts_and_readings_are_exposed_together() -> None:
    metrics.inc(names.OUTBOX_APPENDED, by=3)
    text = metrics.exposition(lambda: [(names.LETTERS, {"state": "open"}, 7.0)]).decode()
    counted = re.search(r"^mainstay_outbox_appended_total (\S+)", text, re.MULTILINE)
    assert counted is not None
    assert float(counted[1]) >= 3, "at least these three; other tests append too"
    assert 'mainstay_letters{state="open"} 7.0' in text
    assert "# HELP mainstay_letters Letters per state." in text
