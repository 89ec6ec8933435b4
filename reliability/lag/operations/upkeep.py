"""Keeps the partitions of the history: the next ones ahead of the clock, old ones dropped as a whole."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import structlog
from django.conf import settings
from django.db import connection, transaction
from psycopg import errors, sql

log = structlog.get_logger(__name__)

LOCK_TIMEOUT = "2s"  # a poll must not queue behind maintenance for longer
_NAME = re.compile(r"_from_(\d+)$")
_LOCK = 0x6C616768  # "lagh": two upkeeps at once would make the same partition


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """A table of the history: how much time one partition holds, and the setting that says how long rows are kept."""

    table: str
    every_s: int
    setting: str
    kept_s: int


MINUTES = Series(table="reliability_lag_minute", every_s=6 * 3600, setting="LAG_MINUTES_KEPT_S", kept_s=24 * 3600)
TEN_MINUTES = Series(
    table="reliability_lag_ten_minutes", every_s=48 * 3600, setting="LAG_TEN_MINUTES_KEPT_S", kept_s=14 * 86400
)


def keep_up(*, now: datetime) -> None:
    """Make the partitions of now and next, drop those past their time. Any number may run; one works."""
    for series in (MINUTES, TEN_MINUTES):
        try:
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'")
                cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
                _make(cursor, series, now)
                _drop(cursor, series, now)
        except Exception as error:
            if not isinstance(error.__cause__, errors.LockNotAvailable):
                raise
            log.info("lag_upkeep_postponed", table=series.table, error=str(error))


def partitions(series: Series) -> list[int]:
    """Return where the partitions begin, in Unix seconds, oldest first."""
    with connection.cursor() as cursor:
        return sorted(_known(cursor, series))


def _known(cursor: Any, series: Series) -> dict[int, str]:
    cursor.execute(
        "SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = %s::regclass",
        [series.table],
    )
    names = [row[0] for row in cursor.fetchall()]
    return {int(match[1]): name for name in names if (match := _NAME.search(name))}


def _make(cursor: Any, series: Series, now: datetime) -> None:
    known = _known(cursor, series)
    first = int(now.timestamp()) // series.every_s * series.every_s
    # One back as well: a bucket is written when it is over, and the clock may have passed a border meanwhile.
    for start in (first - series.every_s, first, first + series.every_s):
        if start in known:
            continue
        begins, ends = (datetime.fromtimestamp(at, UTC) for at in (start, start + series.every_s))
        cursor.execute(
            sql.SQL("CREATE TABLE {name} PARTITION OF {parent} FOR VALUES FROM ({begins}) TO ({ends})").format(
                name=sql.Identifier(f"{series.table}_from_{start}"),
                parent=sql.Identifier(series.table),
                begins=sql.Literal(begins.isoformat()),
                ends=sql.Literal(ends.isoformat()),
            )
        )


def _drop(cursor: Any, series: Series, now: datetime) -> None:
    kept = timedelta(seconds=float(getattr(settings, series.setting, series.kept_s)))
    for start, name in _known(cursor, series).items():
        if datetime.fromtimestamp(start + series.every_s, UTC) < now - kept:
            cursor.execute(sql.SQL("DROP TABLE {}").format(sql.Identifier(name)))
            log.info("lag_history_dropped", partition=name)
