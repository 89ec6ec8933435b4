"""Lag in words for people: what a verdict is called, how far behind, where it goes."""

from __future__ import annotations

from reliability.console.domain import wording
from reliability.lag.domain.values import Word

NOT_KNOWN = "not known"
UNEVEN_SHARE, UNEVEN_LAG = 1.5, 2.0  # times what is even: below, it is not worth a word
LABELS: dict[Word, str] = {
    Word.OK: "Keeps up",
    Word.WARN: "Behind",
    Word.STALL: "Stalled",
    Word.STOP: "Stopped",
    Word.REWIND: "Went back",
    Word.AHEAD: "Ahead of log",
    Word.TRUNCATED: "Records lost",
    Word.BLOCKED: "Blocked",
    Word.EMPTY: "Empty",
    Word.DEAD: "Gone",
    Word.UNKNOWN: "Unknown",
}
MEANINGS: dict[Word, str] = {
    Word.OK: "it reads and gets on",
    Word.WARN: "it reads, and falls behind without a pause, or works off other partitions first",
    Word.STALL: "somebody owns it and does not get on",
    Word.STOP: "nobody reads it, and something waits",
    Word.REWIND: "its commit went back: records are read again",
    Word.AHEAD: "its commit is beyond the end of the log: the topic was recreated or truncated",
    Word.TRUNCATED: "its commit is before the start of the log: records were deleted unread",
    Word.BLOCKED: "a transaction that does not end holds its records back",
    Word.EMPTY: "no members, and nothing has waited for long",
    Word.DEAD: "the broker does not know the group any more",
    Word.UNKNOWN: "cannot be told; never counted as zero",
}


def span(seconds: float | None, *, at_least: bool = False) -> str:
    """Return how far behind in time: "12 min", "≥ 30 min" for a lower bound, "not known" for None."""
    if seconds is None:
        return NOT_KNOWN
    if seconds <= 0:
        return "≥ 0 s" if at_least else "0 s"
    return f"{'≥ ' if at_least else ''}{wording.span(seconds)}"


def count(records: int | None) -> str:
    """Return a number of records; "not known" for None, which is never zero."""
    return NOT_KNOWN if records is None else wording.number(records)


def short_count(number: int) -> str:
    """Return a number in at most nine characters: "9,999,999", "12.3 M", "4.1 G"."""
    if number >= 10**9:
        return f"{number / 10**9:,.1f} G"
    return f"{number / 10**6:,.1f} M" if number >= 10**7 else f"{number:,}"


def records(number: int) -> str:
    """Return counted records: "1 record", "2,431 records"."""
    return "1 record" if number == 1 else f"{number:,} records"


def rate(per_s: float | None) -> str:
    """Return a rate in the unit that makes a number of it: "120/s", "0.5/s", "3/min", "0/s"; "not known" for None."""
    if per_s is None:
        return NOT_KNOWN
    size = abs(per_s)
    if size >= 10:
        return f"{per_s:,.0f}/s"
    if size >= 0.1:
        return f"{per_s:.1f}/s".replace(".0/", "/")
    return f"{per_s * 60:.1f}/min".replace(".0/", "/") if size * 60 >= 0.1 else "0/s"


def course(*, trend: str, lag: int | None, eta_s: float | None, growth_per_s: float | None) -> str:
    """Return where a lag goes: "drains in ~4 min", "growing 120/s", "steady"; "" when that cannot be told."""
    if not lag:
        return ""
    if eta_s is not None:
        return f"drains in ~{wording.span(eta_s)}"
    if trend == "growing":
        return f"growing {rate(growth_per_s)}" if growth_per_s is not None and growth_per_s > 0 else "growing"
    return {"shrinking": "shrinking", "steady": "steady"}.get(trend, "")


def loss(loss_s: float | None) -> str:
    """Return when retention reaches the commits: "records lost in ~2 h"; "" when that is not foreseen."""
    if loss_s is None:
        return ""
    return f"records lost in ~{wording.span(loss_s)}" if loss_s > 0 else "records may be lost now"


def unevenness(owned: float | None, lag: float | None) -> str:
    """Return how uneven the load of the members is, in a sentence; "" where it is even enough."""
    parts = []
    if owned is not None and owned >= UNEVEN_SHARE:
        parts.append(f"one member owns {owned:.1f} times an even share")
    if lag is not None and lag >= UNEVEN_LAG:
        parts.append(f"one has {lag:.1f} times the mean lag")
    told = ", ".join(parts).replace(".0 times", " times")
    return f"{told[0].upper()}{told[1:]}." if told else ""


def retention(ms: int | None, size: int | None, *, deletes: bool | None, compacts: bool | None) -> str:
    """Return what becomes of old records of a topic."""
    if deletes is None:
        return NOT_KNOWN
    parts = []
    if deletes:
        if ms is not None and ms >= 0:
            parts.append(f"kept for {wording.span(ms / 1000)}")
        if size is not None and size >= 0:
            parts.append(f"up to {_large(size)} in a partition")
        if not parts:
            parts.append("kept for good")
    if compacts:
        parts.append("the newest of each key is kept")
    return ", ".join(parts) or "kept for good"


def groups(number: int) -> str:
    """Return counted groups: "1 group", "2 groups"."""
    return "1 group" if number == 1 else f"{number:,} groups"


def _large(size: int) -> str:
    return wording.size(size) if size < 10**9 else f"{size / 1e9:,.1f} GB".replace(".0 ", " ")
