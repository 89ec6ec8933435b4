"""Groups as rows of their table, written by one prepared statement: the ORM takes a millisecond for each."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.db import connection

from reliability.kernel.text import printable
from reliability.lag.domain import verdict
from reliability.lag.domain.summary import Summary

TEXT_CHARS_MAX = 500

_COLUMNS = (
    "cluster_id", "name", "state", "protocol", "type", "assignor", "coordinator", "word", "word_since", "reason",
    "severity", "lag", "weight", "lag_s", "lag_s_at_least", "trend", "eta_s", "loss_s", "lost", "expires_at",
    "partitions", "untold", "topics", "per_topic", "members", "rows", "facts", "empty_since", "first_seen", "polled_at",
    "gone_at", "window",
)  # fmt: skip
_KEPT = frozenset({"cluster_id", "name", "first_seen", "window"})
_SET = ", ".join(f"{name} = excluded.{name}" for name in _COLUMNS if name not in _KEPT)
_VALUES = ", ".join(f"%({name})s" for name in _COLUMNS)
_UPSERT = f"""
INSERT INTO reliability_lag_group AS known ({", ".join(f'"{name}"' for name in _COLUMNS)}) VALUES ({_VALUES})
ON CONFLICT (cluster_id, name) DO UPDATE SET {_SET},
    "window" = CASE WHEN excluded."window" = ''::bytea THEN known."window" ELSE excluded."window" END
RETURNING name, id
"""  # noqa: S608 - names of columns written above, every value is a parameter
# Every character that `printable` may replace, as JSON spells it; what is caught beside these stays as it is.
_HOSTILE = re.compile(r"\\u(?:00(?:[0189]|7f)|20(?:0[b-f]|2[89a-e]|6)|d[89a-f]|fe|ff)")
_SEEN = "UPDATE reliability_lag_group SET polled_at = %s WHERE id = ANY(%s)"


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupState:
    """A group to be written: its summary and what only the poller knows."""

    summary: Summary
    word_since: datetime
    first_seen: datetime
    polled_at: datetime
    window: bytes | None = None
    """None: as it was; it is large, and written once a minute."""
    gone_at: datetime | None = None


def write(cluster: str, groups: Sequence[GroupState]) -> dict[str, int]:
    """Insert or update these groups; return their ids by name."""
    if not groups:
        return {}
    connection.ensure_connection()
    ids: dict[str, int] = {}
    # psycopg's own cursor: parameters bound by the server, statements sent without waiting for each answer.
    with connection.connection.cursor(binary=False) as cursor, connection.wrap_database_errors:
        cursor.executemany(_UPSERT, [_values(cluster, each) for each in groups], returning=True)
        while True:
            name, group_id = cursor.fetchone()
            ids[name] = group_id
            if not cursor.nextset():
                return ids


def touch(ids: Sequence[int], *, now: datetime) -> None:
    """Note that these groups were looked at and are as they were."""
    if ids:
        with connection.cursor() as cursor:
            cursor.execute(_SEEN, [now, list(ids)])


def _values(cluster: str, state: GroupState) -> dict[str, object]:
    found, at = state.summary, state.polled_at
    return {
        "cluster_id": cluster,
        "name": found.name,
        "state": found.state[:40],
        "protocol": found.protocol,
        "type": printable(found.type, limit=TEXT_CHARS_MAX),
        "assignor": printable(found.assignor, limit=TEXT_CHARS_MAX),
        "coordinator": found.coordinator,
        "word": found.word.value,
        "word_since": state.word_since,
        "reason": printable(found.reason, limit=TEXT_CHARS_MAX),
        "severity": verdict.SEVERITY[found.word],
        "lag": found.lag,
        "weight": found.lag or 0,
        "lag_s": found.lag_s,
        "lag_s_at_least": found.at_least,
        "trend": found.trend,
        "eta_s": found.eta_s,
        "loss_s": found.loss_s,
        "lost": found.lost,
        "expires_at": at + timedelta(seconds=found.expires_in_s) if found.expires_in_s is not None else None,
        "partitions": len(found.rows),
        "untold": found.untold,
        "topics": sorted(found.per_topic),
        "per_topic": _json(found.per_topic),
        "members": _json(found.members),
        "rows": _json(found.rows),
        "facts": _json(found.facts),
        "empty_since": None if found.empty_since_s is None else datetime.fromtimestamp(found.empty_since_s, UTC),
        "first_seen": state.first_seen,
        "polled_at": at,
        "gone_at": state.gone_at,
        "window": state.window or b"",
    }


def _json(value: object) -> str:
    """As JSON that PostgreSQL takes: clients choose some of these texts, and it has no room for NUL or half
    characters. Looked for in what is written anyhow, for almost no text has them."""
    text = json.dumps(value, separators=(",", ":"))
    return json.dumps(_shown(value), separators=(",", ":")) if _HOSTILE.search(text) else text


def _shown(value: object) -> object:
    if isinstance(value, str):
        return printable(value, limit=TEXT_CHARS_MAX)
    if isinstance(value, Mapping):
        return {printable(str(key), limit=TEXT_CHARS_MAX): _shown(each) for key, each in value.items()}
    return [_shown(each) for each in value] if isinstance(value, list | tuple) else value
