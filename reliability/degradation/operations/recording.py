"""What was measured is written down, and what is old is deleted."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import connection, transaction

from reliability.console.domain.conditions import Reading
from reliability.degradation.domain.policy import Key
from reliability.degradation.models import Change, Sample

HISTORY_KEPT: Final = timedelta(days=90)
SAMPLES_KEPT: Final = timedelta(days=7)
SAME_WITHIN_S: Final = 15
"""A value that is the same again so soon was the same all the time."""
# "degr" and "samp" as numbers; any two that nobody else takes would do.
_LOCK: Final = (1_684_367_218, 1_935_764_848)

# One statement: a value that goes on makes its row longer, any other begins a row. A sample that is no newer than the
# row is the same sample, looked at again.
_RECORD: Final = """
WITH given AS (
    SELECT * FROM unnest(%(signals)s::text[], %(subjects)s::text[], %(values)s::float8[], %(ats)s::timestamptz[])
        AS given (signal, subject, value, at)
), latest AS (
    SELECT given.*, kept.id, kept.last, kept.value AS before
    FROM given LEFT JOIN LATERAL (
        SELECT id, value, last FROM reliability_degradation_sample AS sample
        WHERE sample.signal = given.signal AND sample.subject = given.subject ORDER BY sample.first DESC LIMIT 1
    ) AS kept ON true
    WHERE kept.last IS NULL OR given.at > kept.last
), longer AS (
    UPDATE reliability_degradation_sample AS sample SET last = latest.at FROM latest
    WHERE sample.id = latest.id AND latest.value = latest.before
        AND latest.at <= latest.last + make_interval(secs => %(same)s)
    RETURNING sample.id
)
INSERT INTO reliability_degradation_sample (signal, subject, value, first, last)
SELECT signal, subject, value, at, at FROM latest WHERE id IS NULL OR id NOT IN (SELECT id FROM longer)
"""


def record(readings: Mapping[Key, Reading | None]) -> bool:
    """Write samples down; False, and nothing, while somebody else does.

    A crash of the database may take the last second back: nothing that is decided stands on it.
    """
    known = [(key, reading) for key, reading in readings.items() if reading is not None]
    if not known:
        return True
    values: dict[str, Any] = {
        "signals": [key[0] for key, _ in known],
        "subjects": [key[1] for key, _ in known],
        "values": [reading.value for _, reading in known],
        "ats": [reading.at for _, reading in known],
        "same": SAME_WITHIN_S,
    }
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("select pg_try_advisory_xact_lock(%s, %s)", _LOCK)
        if not cursor.fetchone()[0]:
            return False
        cursor.execute("set local synchronous_commit = off")
        cursor.execute(_RECORD, values)
    return True


def forget(*, now: datetime) -> None:
    """Delete history and samples that are older than they are kept."""
    Change.objects.filter(at__lt=now - HISTORY_KEPT).delete()
    Sample.objects.filter(first__lt=now - SAMPLES_KEPT, last__lt=now - SAMPLES_KEPT).delete()
