"""How tests leave the audit behind, whose rows nobody can remove.

A transactional test ends with Django's flush, which truncates every table; the audit's trigger refuses that, in tests
as everywhere. So the flush leaves it alone and the table, when it has rows, is replaced by a new, empty one with the
same trigger. Nothing is ever switched off: not in the product, not in a test.

Rows are deleted instead of truncated, from tables that have any: a test leaves few, and a truncated table gets new
files. What the models themselves put into tables, as after every migration, stays: no test changes it, so nothing puts
it there again.

The outbox's tables are SQL's own, which no flush of Django's knows: ours leaves them empty, too, and nothing paused.

A test that must tamper with entries takes the fixture ``audit_twin``: a temporary (so unlogged) table of the same name
and shape, without the trigger, which its connection finds before the real one and which goes with its transaction.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any
from unittest import mock
from urllib.parse import quote

from django.core.management.commands import flush
from django.db import connection
from django.db.backends.postgresql.operations import DatabaseOperations

AUDIT = "reliability_audit_entry"
OF_THE_MODELS = ("django_content_type", "auth_permission")
OF_THE_OUTBOX = (
    *("outbox_event", "outbox_parked", "outbox_waiting", "outbox_receipt", "outbox_batch", "outbox_member"),
    *("outbox_topic", "outbox_inbox", "outbox_start", "outbox_consumed"),
)
SHARDS_ANEW = ("DELETE FROM outbox_shard", "INSERT INTO outbox_shard (id) SELECT generate_series(0, 15)")
_SHARDS_USED = "outbox_shard WHERE epoch <> 0 OR paused_at IS NOT NULL"
_HALTED = "outbox_setting WHERE halted_at IS NOT NULL"
APPEND_ONLY: str = import_module("reliability.audit.migrations.0001_entries").APPEND_ONLY
_EMPTY_COPY = f"create table audit_twin (like {AUDIT} including all)"
_REPLACE = [_EMPTY_COPY, f"drop table {AUDIT}", f"alter table audit_twin rename to {AUDIT}", APPEND_ONLY]


def _sql_flush(self: DatabaseOperations, style: Any, tables: list[str], **options: Any) -> list[str]:
    whole = [table for table in tables if table not in OF_THE_MODELS] + list(OF_THE_OUTBOX)
    filled = _with_rows([*whole, _SHARDS_USED, _HALTED])
    statements = [f'DELETE FROM "{table}"' for table in whole if table in filled and table != AUDIT]
    if _SHARDS_USED in filled:
        statements += SHARDS_ANEW
    if _HALTED in filled:
        statements.append("UPDATE outbox_setting SET halted_at = NULL, halt_reason = ''")
    return statements + (_REPLACE if AUDIT in filled else [])


def _with_rows(tables: list[str]) -> list[str]:
    asked = " union all ".join(f"select '{table}' where exists (select from {table})" for table in tables)
    with connection.cursor() as cursor:
        cursor.execute(asked)
        return [table for (table,) in cursor.fetchall()]


@contextmanager
def flush_that_spares_the_audit() -> Iterator[None]:
    """While it lasts, a flush replaces the audit's table instead of truncating it."""
    with (
        mock.patch.object(DatabaseOperations, "sql_flush", _sql_flush),
        mock.patch.object(flush, "emit_post_migrate_signal"),
    ):
        yield


def take_twin_of_the_audit() -> None:
    """Give this transaction a temporary audit of its own that may be tampered with; it ends with the transaction."""
    with connection.cursor() as cursor:
        cursor.execute(f"create temporary table {AUDIT} (like public.{AUDIT} including all) on commit drop")


def url() -> str:
    """The address of the test's database, for a process that a test starts."""
    parameters = connection.get_connection_params()
    user, host = quote(str(parameters.get("user", ""))), parameters["host"]
    password = f":{quote(str(parameters['password']))}" if parameters.get("password") else ""
    return f"postgresql://{user}{password}@{host}:{parameters['port']}/{connection.settings_dict['NAME']}"
