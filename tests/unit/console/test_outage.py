"""Which errors mean that the database cannot be reached."""

from __future__ import annotations

import psycopg
import psycopg_pool
import pytest
from django.db import IntegrityError, OperationalError

from reliability.console import outage


def caused(error: Exception, cause: Exception | None) -> Exception:
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    "cause",
    [
        psycopg.OperationalError("connection refused"),
        psycopg.errors.AdminShutdown(),
        psycopg.errors.CannotConnectNow(),
        psycopg.errors.ConnectionFailure(),
        psycopg_pool.PoolTimeout(),
    ],
)
def test_no_server_is_no_connection(cause: Exception) -> None:
    assert outage.no_connection(caused(OperationalError(), cause))
    assert outage.no_connection(caused(RuntimeError("in a view"), caused(OperationalError(), cause)))


@pytest.mark.parametrize(
    "error",
    [
        caused(OperationalError(), psycopg.errors.QueryCanceled()),
        caused(OperationalError(), psycopg.errors.DeadlockDetected()),
        caused(IntegrityError(), psycopg.errors.UniqueViolation()),
        ValueError("something else"),
        None,
    ],
)
def test_a_statement_that_failed_is_none(error: Exception | None) -> None:
    assert not outage.no_connection(error)
