"""The pool after PostgreSQL was started anew: everybody gets a connection at once."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
from django.db import DatabaseError, OperationalError, connection

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


def test_after_a_cut_too(pool: None) -> None:
    assert lines.cut() >= 5
    assert in_threads(3) == []
