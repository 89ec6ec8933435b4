"""How numbers, sizes and spans of time are worded on a page; ``static/console.js`` words ages the same way."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

MINUTE_S, HOUR_S, DAY_S = 60, 3600, 86_400
SPARK_WIDTH, SPARK_HEIGHT, SPARK_TOP = 120, 28, 2


def age(seconds: float) -> str:
    """Return how long ago something was: "now", "12 s ago", "6 min ago"; "in 5 min" for what is to come."""
    if abs(seconds) < 1.5:
        return "now"
    return f"{span(seconds)} ago" if seconds > 0 else f"in {span(-seconds)}"


def span(seconds: float) -> str:
    """Return a span in its largest fitting unit: "12 s", "6 min", "5 h", "12 d"; under a second "0.4 s"."""
    if seconds < 1:
        return f"{max(seconds, 0):.1f} s"
    if seconds < MINUTE_S:
        return f"{seconds:.0f} s" if round(seconds) < MINUTE_S else "1 min"
    if seconds < HOUR_S:
        return f"{int(seconds // MINUTE_S)} min"
    if seconds < 2 * DAY_S:
        return f"{int(seconds // HOUR_S)} h"
    return f"{int(seconds // DAY_S)} d"


def number(value: float | int | None) -> str:
    """Return a number with thousands marked; at most one decimal, none from a hundred on; "—" for None."""
    if value is None:
        return "—"
    if isinstance(value, float) and not value.is_integer() and abs(value) < 100:
        return f"{value:,.1f}"
    return f"{value:,.0f}"


def size(count: int | None) -> str:
    """Return a number of bytes: "512 B", "1.5 kB", "12 MB" (thousands, as brokers count)."""
    if count is None:
        return "—"
    if count < 1000:
        return f"{count} B"
    for unit, factor in (("kB", 1e3), ("MB", 1e6)):
        if count < factor * 999.5 or unit == "MB":
            value = count / factor
            return f"{value:.1f} {unit}" if value < 9.95 else f"{value:,.0f} {unit}"
    raise AssertionError("unreachable")


def middle_cut(text: str, limit: int) -> str:
    """Return ``text`` with its middle replaced by "…" when it is longer than ``limit``: ids differ at both ends."""
    if len(text) <= limit:
        return text
    head = (limit - 1 + 1) // 2
    return f"{text[:head]}…{text[len(text) - (limit - 1 - head) :]}"


def spark_line(points: Sequence[float]) -> str:
    """Return the SVG path of a sparkline in a box of 120 x 28: its lowest value is zero, its highest the box's top."""
    return "M" + "L".join(_spots(points))


def spark_parts(points: Sequence[float]) -> tuple[str, str]:
    """Return the path of a sparkline without its last stretch, and that stretch, to what is not over yet."""
    spots = _spots(points)
    return "M" + "L".join(spots[:-1]), "M" + "L".join(spots[-2:])


def spark_area(line: str) -> str:
    """Return the path of what lies under a sparkline's path."""
    end = line.replace("M", "L").rpartition("L")[2].split()[0]
    return f"{line}L{end} {SPARK_HEIGHT}L0 {SPARK_HEIGHT}z"


def spark_broken(points: Sequence[float | None]) -> tuple[str, str]:
    """Return the path of a sparkline that breaks where a point is None, and that of what lies under it.

    A point alone between gaps is a stroke as wide as its place.
    """
    spots = _spots([point or 0.0 for point in points])
    step = SPARK_WIDTH / max(len(spots) - 1, 1)
    line, area = [], []
    for first, after in _stretches(points):
        run = spots[first:after]
        x = float(run[0].split()[0])
        alone = f"h{min(step, SPARK_WIDTH - x) or -step:.1f}" if len(run) == 1 else ""
        line.append(f"M{'L'.join(run)}{alone}")
        if not alone:
            area.append(f"M{'L'.join(run)}L{run[-1].split()[0]} {SPARK_HEIGHT}L{run[0].split()[0]} {SPARK_HEIGHT}z")
    return "".join(line), "".join(area)


def _stretches(points: Sequence[float | None]) -> Iterator[tuple[int, int]]:
    """The runs of points that are known: the place of the first, and the one after the last."""
    first = None
    for place, point in enumerate([*points, None]):
        if point is not None and first is None:
            first = place
        elif point is None and first is not None:
            yield first, place
            first = None


def _spots(points: Sequence[float]) -> list[str]:
    values = [max(point, 0.0) for point in points] or [0.0]
    if len(values) == 1:
        values *= 2
    top = max(values) or 1.0
    step = SPARK_WIDTH / (len(values) - 1)
    floor = SPARK_HEIGHT - SPARK_TOP
    return [f"{index * step:.1f} {floor - value * (floor - SPARK_TOP) / top:.1f}" for index, value in enumerate(values)]
