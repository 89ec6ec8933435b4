"""Deletes receipts, batch-log rows and what the inbox has done, past their time, in small statements."""

from __future__ import annotations

from django.conf import settings
from django.db import connection

RECEIPTS_KEPT_S = 14 * 86_400.0  # longer than any replay is looked after
LOG_KEPT_S = 14 * 86_400.0
INBOX_KEPT_S = 14 * 86_400.0  # a message that comes again later than this is handled again; a replay's plan counts it
ROWS_PER_STATEMENT = 5_000  # short locks, short transactions
STATEMENTS_MAX = 20  # what is left is for the next run

_RECEIPTS = """
DELETE FROM outbox_receipt WHERE event_id IN
(SELECT event_id FROM outbox_receipt WHERE at < clock_timestamp() - make_interval(secs => %s) ORDER BY at LIMIT %s)
"""
_LOG = """
DELETE FROM outbox_batch WHERE (shard, second) IN
(SELECT shard, second FROM outbox_batch
 WHERE second < extract(epoch FROM clock_timestamp()) - %s ORDER BY second LIMIT %s)
"""
# What was given up or waits for a retry stays: its letter never expires, and must not be handled twice.
_INBOX = """
DELETE FROM outbox_inbox WHERE digest IN
(SELECT digest FROM outbox_inbox WHERE state = 'done' AND at < clock_timestamp() - make_interval(secs => %s)
 ORDER BY at LIMIT %s FOR UPDATE SKIP LOCKED)
"""


def sweep() -> int:
    """Delete what is past its time; return how many rows went."""
    receipts_s = float(getattr(settings, "OUTBOX_RECEIPTS_KEPT_S", RECEIPTS_KEPT_S))
    inbox_s = float(getattr(settings, "OUTBOX_INBOX_KEPT_S", INBOX_KEPT_S))
    return _delete(_RECEIPTS, receipts_s) + _delete(_LOG, LOG_KEPT_S) + _delete(_INBOX, inbox_s)


def _delete(statement: str, kept_s: float) -> int:
    total = 0
    for _ in range(STATEMENTS_MAX):
        with connection.cursor() as cursor:
            cursor.execute(statement, [kept_s, ROWS_PER_STATEMENT])
            total += cursor.rowcount
            if cursor.rowcount < ROWS_PER_STATEMENT:
                break
    return total
