"""Statements that PostgreSQL plans once for each connection: the engine says the same few a thousand times a second."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, LiteralString

import psycopg
from django.db import connection


@contextmanager
def execute(
    statement: LiteralString, values: Sequence[Any] | Mapping[str, Any]
) -> Iterator[psycopg.Cursor[tuple[Any, ...]]]:
    """Run a statement in Django's transaction and yield its cursor; it raises what Django's own cursor would.

    Values are sent beside the statement, so each place has one type: say it where it cannot be told from around it.
    """
    connection.ensure_connection()
    connection.validate_no_broken_transaction()
    with connection.wrap_database_errors, psycopg.Cursor(connection.connection) as cursor:
        cursor.execute(statement, values, prepare=True)
        yield cursor
