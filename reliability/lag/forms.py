"""What a form, a command and an address mean by "from there on". Validation of input only."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.http import QueryDict

from reliability.kernel.text import printable
from reliability.lag.domain import reset_words
from reliability.lag.domain.reset import BadTarget, How, Row, Target
from reliability.lag.domain.reset_file import BadFile, parse_file
from reliability.lag.models import Reset

AGO = "ago"
QUICK = (("15m", "15 min"), ("1h", "1 h"), ("6h", "6 h"), ("1d", "1 d"), ("7d", "7 d"))
NUMBER_MAX = 2**63 - 1
ROWS_AGAIN_MAX = 2_000
"""Rows of a file that a form carries to preview it again; of a larger one the file itself is needed."""
_AGO = re.compile(r"(\d{1,7}) ?(s|m|min|h|d)")
_NUMBER = re.compile(r"[+-]?(?:[0-9]{1,19}|[0-9]{1,3}(?:,[0-9]{3}){1,6})")
_UNITS = {"s": 1, "m": 60, "min": 60, "h": 3_600, "d": 86_400}
_SHOWN_CHARS = 40


def target_of(sent: QueryDict, upload: bytes | None, *, now: datetime) -> Target:
    """Read where to go on from a form. Raises ``BadTarget``, ``BadFile``."""
    match sent.get("to", ""):
        case "earliest":
            return Target(how=How.EARLIEST)
        case "latest":
            return Target(how=How.LATEST)
        case "ago":
            return at_time(ago(sent.get("ago", ""), now=now))
        case "time":
            return at_time(instant(sent.get("at", ""), zone=zone_named(sent.get("zone", ""))))
        case "offset":
            return Target(how=How.OFFSET, offset=number(sent.get("offset", ""), what="offset"))
        case "shift":
            count = number(sent.get("count", ""), what="number of records")
            return Target(how=How.SHIFT, shift=-count if sent.get("way", "back") == "back" else count)
        case "file":
            return from_file(upload if upload is not None else sent.get("offsets", ""))
        case _:
            raise BadTarget("Choose where it goes on.")


def topics_of(sent: QueryDict) -> set[str] | None:
    """Read which topics; None: all, or those that a file names. A form that shows the choice says so, for no tick at
    all is sent as nothing."""
    return set(sent.getlist("topic")) if "some" in sent and sent.get("to") != "file" else None


def at_time(at: datetime) -> Target:
    """Return the target of an instant. Raises ``BadTarget``."""
    if at.year < 1970:
        raise BadTarget("That time is before 1970; records have none such.")
    # Whole milliseconds, not by a float of seconds: half a millisecond less is another record.
    return Target(how=How.TIME, time_ms=(at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1))


def from_file(data: bytes | str) -> Target:
    """Return the target that a file names. Raises ``BadFile`` with the lines that are wrong."""
    return Target(how=How.FILE, offsets=parse_file(data if isinstance(data, str) else _text(data)))


def ago(text: str, *, now: datetime) -> datetime:
    """Read "1h", "15 min", "7d" as an instant that long ago. Raises ``BadTarget``."""
    found = _AGO.fullmatch(text.strip())
    try:
        if found is not None:
            return now - timedelta(seconds=int(found[1]) * _UNITS[found[2]])
    except OverflowError:
        pass
    raise BadTarget(f"{_shown(text)} is no time ago: write it as 15m, 1h or 7d.")


def instant(text: str, *, zone: tzinfo | None) -> datetime:
    """Read a date and time in UTC; one that names no zone is of ``zone``. Raises ``BadTarget``."""
    try:
        at = datetime.fromisoformat(text.strip())
        if at.tzinfo is None and zone is not None:
            at = at.replace(tzinfo=zone)
        if at.tzinfo is not None:
            found = at.astimezone(UTC)
            if found.astimezone(at.tzinfo).replace(tzinfo=None) != at.replace(tzinfo=None):
                raise BadTarget(f"{_shown(text)} is an hour that clocks skipped there: choose another, or UTC.")
            return found
    except (ValueError, OverflowError):
        raise BadTarget(f"{_shown(text)} is no time: write it as 2026-11-20T03:14.") from None
    raise BadTarget(f"{_shown(text)} names no time zone: write it as 2026-11-20T03:14Z.")


def zone_named(name: str) -> tzinfo:
    """Return the zone that a form was shown in. Raises ``BadTarget``."""
    if name in ("", "UTC"):
        return UTC
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise BadTarget(f"{_shown(name)} is no time zone.") from None


def number(text: str, *, what: str) -> int:
    """Read a whole number that a log may have, also as the pages write it: 12,400. Raises ``BadTarget``."""
    found = text.strip()
    value = int(found.replace(",", "")) if _NUMBER.fullmatch(found) else NUMBER_MAX + 1
    if abs(value) > NUMBER_MAX:
        raise BadTarget(f"{_shown(text)} is no {what}: it is a whole number.")
    return value


def again(made: Reset, rows: list[Row]) -> list[tuple[str, str]]:
    """Return the fields that plan the same once more; none where a file is needed again."""
    value = reset_words.value_in(made.how, made.target)
    topics = [("some", "1"), *(("topic", topic) for topic in made.topics)]
    match made.how:
        case How.TIME:
            return [("to", "time"), ("at", value), *topics]
        case How.OFFSET:
            return [("to", "offset"), ("offset", value), *topics]
        case How.SHIFT:
            back = value.startswith("-")
            return [("to", "shift"), ("way", "back" if back else "on"), ("count", value.lstrip("-")), *topics]
        case How.FILE:
            lines = [f"{row.topic},{row.partition},{row.after}" for row in rows if row.after is not None]
            return [("to", "file"), ("offsets", "\n".join(lines))] if 0 < len(lines) <= ROWS_AGAIN_MAX else []
        case _:
            return [("to", made.how), *topics]


def chosen(sent: Mapping[str, str]) -> dict[str, str]:
    """Return what was sent, to be shown again beside what is wrong with it."""
    names = ("to", "ago", "at", "offset", "way", "count", "offsets")
    return {name: sent.get(name, "").replace("\x00", "") for name in names}


def _text(data: bytes) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise BadFile([f"line {line}: this is not text in UTF-8"]) from None


def _shown(text: str) -> str:
    return repr(printable(text, limit=_SHOWN_CHARS)) if text.strip() else "Nothing"
