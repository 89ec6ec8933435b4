"""How the command line shows lag: columns as wide as what stands in them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from reliability.kernel.text import printable
from reliability.lag.api.resets import LagReset
from reliability.lag.domain import sentences
from reliability.lag.domain.summary import NOBODY, MemberRow, PartitionRow
from reliability.lag.domain.values import Word
from reliability.lag.queries.clusters import Polling
from reliability.lag.queries.rows import Row
from reliability.lag.views import wording as in_words

NAME_CHARS_MAX, REASON_CHARS_MAX = 60, 100
_RIGHT = frozenset(
    {"LAG", "BEHIND", "MEMBERS", "PARTITION", "COMMIT", "START", "END", "BEFORE", "AFTER", "READ AGAIN", "SKIPPED"}
)


def group_lines(rows: Sequence[Row], *, now: datetime) -> Iterator[str]:
    """A table of groups with a line of heads."""
    cells = [
        (
            sentences.LABELS[row.word],
            printable(row.name, limit=NAME_CHARS_MAX),
            in_words.waiting(row),
            in_words.behind(row),
            _course(row),
            "?" if row.members is None else str(row.members),
            f"{(now - row.polled_at).total_seconds():.0f} s ago",
            printable(row.reason, limit=REASON_CHARS_MAX),
        )
        for row in rows
    ]
    yield from _table(("VERDICT", "GROUP", "LAG", "BEHIND", "TREND", "MEMBERS", "LOOKED", "WHY"), cells)


def partition_lines(rows: Sequence[PartitionRow], members: Sequence[MemberRow]) -> Iterator[str]:
    """A table of a group's partitions."""
    cells = [
        (
            sentences.LABELS[Word(row.word)],
            printable(row.topic, limit=NAME_CHARS_MAX),
            str(row.partition),
            sentences.count(row.lag),
            sentences.span(row.lag_s, at_least=row.at_least),
            _offset(row.committed),
            _offset(row.start),
            _offset(row.end),
            _owner(row, members),
            printable(row.reason, limit=REASON_CHARS_MAX),
        )
        for row in rows
    ]
    heads = ("VERDICT", "TOPIC", "PARTITION", "LAG", "BEHIND", "COMMIT", "START", "END", "OWNER", "WHY")
    yield from _table(heads, cells)


def warnings(polling: Polling, *, now: datetime) -> Iterator[str]:
    """Why the figures may be old."""
    for cluster in polling.failing:
        yield f"cluster {cluster.name} tells nothing: {cluster.error}"
    if not polling.is_running:
        age = f"; figures are {(now - polling.polled_at).total_seconds():,.0f} s old" if polling.polled_at else ""
        yield f"no process polls lag now{age}"


def _course(row: Row) -> str:
    course = sentences.course(trend=row.trend, lag=row.lag, eta_s=row.eta_s, growth_per_s=row.growth_per_s)
    return ", ".join(part for part in (course, sentences.loss(row.loss_s)) if part) or "-"


def _offset(offset: int | None) -> str:
    return "-" if offset is None else f"{offset:,}"


def _owner(row: PartitionRow, members: Sequence[MemberRow]) -> str:
    if 0 <= row.owner < len(members):
        owner = members[row.owner]
        return printable(f"{owner.client_id} {owner.host}", limit=NAME_CHARS_MAX)
    return "nobody" if row.owner == NOBODY else sentences.NOT_KNOWN


def _table(heads: Sequence[str], given: Sequence[Sequence[str]]) -> Iterator[str]:
    # A line break in a name that a client chose would look like a row of its own.
    cells = [[" ".join(cell.split()) for cell in line] for line in given]
    widths = [max(len(line[at]) for line in (heads, *cells)) for at in range(len(heads))]
    for line in (heads, *cells):
        padded = [
            cell.rjust(width) if head in _RIGHT else cell.ljust(width)
            for head, cell, width in zip(heads, line, widths, strict=True)
        ]
        yield "  ".join(padded).rstrip()


def reset_lines(reset: LagReset) -> Iterator[str]:
    """A reset: its sentence, a table of partitions, what to weigh."""
    yield reset.sentence
    yield ""
    cells = [
        (
            printable(row.topic, limit=NAME_CHARS_MAX),
            str(row.partition),
            _offset(row.before),
            "deleted" if row.deleted else _offset(row.after),
            f"{row.replayed:,}",
            f"{row.skipped:,}",
            printable("; ".join(part for part in (row.problem, row.note) if part), limit=REASON_CHARS_MAX),
        )
        for row in reset.rows
    ]
    yield from _table(("TOPIC", "PARTITION", "BEFORE", "AFTER", "READ AGAIN", "SKIPPED", "NOTE"), cells)
    yield ""
    if reset.state == "planned":
        yield from (f"! {warning}" for warning in reset.warnings)
        yield f"Then: {reset.forecast}."
