"""What an expression of Prometheus asks for: parsed, not evaluated."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import promql_parser

from reliability.kernel.telemetry import names
from reliability.kernel.telemetry.names import Metric

OF_HISTOGRAMS = ("_bucket", "_count", "_sum")


@dataclass(slots=True)
class Asked:
    """A series that is asked for: its name, what its labels must be, what is made of it."""

    series: str
    matchers: dict[str, str] = field(default_factory=dict)
    kept: set[str] = field(default_factory=set)
    """Labels that aggregations around it go by."""
    around: list[str] = field(default_factory=list)
    """Aggregations and functions around it, the outermost first."""

    @property
    def metric(self) -> Metric:
        """The metric of names.py; raises ``KeyError`` for one that does not exist."""
        if self.series in names.ALL:
            return names.ALL[self.series]
        name, end = next((self.series.removesuffix(end), end) for end in OF_HISTOGRAMS if self.series.endswith(end))
        found = names.ALL[name]
        assert found.kind == "histogram", f"{name} has no {end}"
        return found

    @property
    def labels(self) -> set[str]:
        """Those that the series has."""
        return {*self.metric.labels, *(["le"] if self.series.endswith("_bucket") else [])}


def asked(expression: str) -> list[Asked]:
    """Every series of an expression; raises when it is none."""
    return list(_walk(promql_parser.parse(expression), set(), []))


def _walk(node: Any, kept: set[str], around: list[str]) -> Iterator[Asked]:
    if isinstance(node, promql_parser.VectorSelector):
        matchers = {each.name: each.value for each in node.matchers.matchers if each.name != "__name__"}
        yield Asked(node.name, matchers, set(kept), list(around))
        return
    if isinstance(node, promql_parser.AggregateExpr):
        labels = set(node.modifier.labels) if node.modifier else set()
        yield from _walk(node.expr, kept | labels, [*around, str(node.op)])
    elif hasattr(node, "args"):
        for each in node.args:
            yield from _walk(each, kept, [*around, node.func.name])
    elif isinstance(node, promql_parser.MatrixSelector):
        yield from _walk(node.vector_selector, kept, around)
    elif isinstance(node, promql_parser.BinaryExpr):
        yield from _walk(node.lhs, kept, around)
        yield from _walk(node.rhs, kept, around)
    elif isinstance(node, promql_parser.ParenExpr | promql_parser.SubqueryExpr | promql_parser.UnaryExpr):
        yield from _walk(node.expr, kept, around)


def limit(expression: str) -> float | None:
    """The number that an expression is compared with."""
    node = promql_parser.parse(expression)
    value = getattr(getattr(node, "rhs", None), "val", None)
    return float(value) if value is not None else None
