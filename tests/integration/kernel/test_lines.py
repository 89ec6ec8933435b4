"""The pool after PostgreSQL was started anew, or hung up on one: everybody gets a connection at once."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from django.db import DatabaseError, OperationalError, connection
from psycopg import sql
from psycopg_pool import ConnectionPool

from reliability.kernel import lines


def in_threads(count: int) -> list[str]:
    """Have each of so many threads use a connection while the others hold theirs; return what went wrong."""
    together, failures = threading.Barrier(count, timeout=10), list[str]()

    def use() -> None:
        try:
            with connection.cursor() as cursor:
                cursor.execute("select 1")
            together.wait()
        except (DatabaseError, threading.BrokenBarrierError) as error:
            together.abort()
            failures.append(f"{type(error).__name__}: {error}")
        finally:
            connection.close()

    threads = [threading.Thread(target=use) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return failures


@pytest.fixture
def pool(transactional_db: None) -> Iterator[None]:
    """A pool of its own with five connections that nobody uses."""
    connection.close()
    connection.close_pool()
    assert in_threads(5) == []
    yield
    connection.close()


def end_all() -> None:
    """As a restart does: every session of ours ends, this one last."""
    with connection.cursor() as cursor:
        cursor.execute(
            "select count(pg_terminate_backend(pid, 5000)) from pg_stat_activity"
            " where datname = current_database() and pid <> pg_backend_pid()"
        )
        assert cursor.fetchone()[0] >= 4
        with pytest.raises(OperationalError, match="terminating connection"):
            cursor.execute("select pg_terminate_backend(pg_backend_pid())")
    connection.close()


@pytest.mark.parametrize("threads", [1, 5])
def test_after_a_restart_the_first_to_ask_get_a_connection(pool: None, threads: int) -> None:
    end_all()
    assert in_threads(threads) == []


def test_who_finds_one_while_another_renews_them_waits_for_that(pool: None, monkeypatch: pytest.MonkeyPatch) -> None:
    drain = ConnectionPool.drain

    def later(pool: ConnectionPool[Any]) -> None:
        time.sleep(0.02)
        drain(pool)

    monkeypatch.setattr(ConnectionPool, "drain", later)
    end_all()
    assert in_threads(4) == []


def test_one_that_ended_alone_takes_no_other_with_it(pool: None) -> None:
    """An administrator ended it, and the server takes no new ones: those that are there have to last."""
    with connection.cursor() as cursor:
        cursor.execute("select pg_backend_pid()")
        (last,) = cursor.fetchone()
    connection.close()
    told = connection.get_connection_params()
    server = {name: told[name] for name in ("user", "password", "host", "port") if told.get(name)}
    with psycopg.connect(dbname="postgres", autocommit=True, **server) as admin:
        database = sql.Identifier(connection.settings_dict["NAME"])
        admin.execute(sql.SQL("alter database {} allow_connections false").format(database))
        try:
            admin.execute("select pg_terminate_backend(%s, 5000)", [last])
            assert [in_threads(1) for _ in range(6)] == [[]] * 6
        finally:
            admin.execute(sql.SQL("alter database {} allow_connections true").format(database))


def test_a_forked_child_has_no_connections_and_no_lock_of_its_parent(pool: None) -> None:
    with lines._LOCK, lines._RENEWING:
        child = os.fork()
        if child == 0:
            free = lines._LOCK.acquire(timeout=2) and lines._RENEWING.acquire(timeout=2)
            os._exit(0 if free and not lines._LINES else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert len(lines._LINES) >= 5


def test_after_a_cut_too(pool: None) -> None:
    assert lines.cut() >= 5
    assert in_threads(3) == []
