"""Statements that PostgreSQL plans once for each connection: the engine says the same few a thousand times a second."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, LiteralString, Self

import psycopg
from django.db import NotSupportedError, connection


class _Cursor(psycopg.Cursor[tuple[Any, ...]]):
    """A cursor that sends values beside the statement, and has it planned once."""

    def execute(self, query: Any, params: Any = None, **options: Any) -> Self:
        """Run a statement."""
        return super().execute(query, params, **{"prepare": True, **options})


@contextmanager
def execute(statement: LiteralString, values: Sequence[Any] | Mapping[str, Any]) -> Iterator[Any]:
    """Run a statement in Django's transaction and yield its cursor, which is Django's own around another of psycopg's.

    Values are sent beside the statement, so each place has one type: say it where it cannot be told from around it.
    """
    connection.ensure_connection()
    ours = _Cursor(connection.connection)
    with connection._prepare_cursor(ours) as cursor:  # type: ignore[attr-defined]  # not in its stubs
        try:
            cursor.execute(statement, values)
        except NotSupportedError:  # a plan of before a migration: this connection would say so for ever
            connection.connection.close()
            raise
        yield cursor
