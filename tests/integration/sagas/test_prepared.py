"""What the engine says often is planned once for each connection, and is right where nothing may be."""

from __future__ import annotations

import threading
from typing import Any, LiteralString

import pytest
from django.conf import settings
from django.db import DataError, NotSupportedError, connection, transaction
from django.db.transaction import TransactionManagementError

from reliability import settings as project
from reliability.settings import database
from sagas.queries import prepared
from tests.support.sagas import Shop, run, start, state

pytestmark = pytest.mark.django_db(transaction=True)


def planned() -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT statement FROM pg_prepared_statements")
        return {row[0] for row in cursor.fetchall()}


def one() -> int:
    with prepared.execute("SELECT %s::int", [1]) as cursor:
        found = cursor.fetchone()
    assert found is not None
    return int(found[0])


def test_a_statement_that_is_said_often_is_planned_once() -> None:
    assert one() == 1
    assert "SELECT $1::int" in planned()


def test_behind_a_pooler_nothing_is_planned_ahead_and_sagas_run(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    connection.ensure_connection()
    before = planned()
    monkeypatch.setattr(connection.connection, "prepare_threshold", None)
    saga_id = start(shop.order())
    run()
    assert state(saga_id).status == "completed"
    assert one() == 1
    assert planned() == before


def test_the_address_says_what_may_be_planned() -> None:
    assert settings.DATABASES["default"]["OPTIONS"]["prepare_threshold"] == 5
    for words, meant in (("prepare_threshold=never", None), ("prepare_threshold=0&sslmode=require", 0)):
        given = project.ENVIRONMENT.model_copy(update={"DATABASE_URL": f"postgresql://a@b/c?{words}"})
        options = database.connection(given)["OPTIONS"]
        assert options["prepare_threshold"] == meant
    assert options["sslmode"] == "require"


def test_its_errors_are_djangos_and_a_broken_transaction_is_told() -> None:
    with pytest.raises(DataError), prepared.execute("SELECT 1 / %s::int", [0]):
        pass
    with transaction.atomic():
        transaction.set_rollback(True)
        with pytest.raises(TransactionManagementError):
            one()


def test_whoever_watches_statements_sees_these_too(django_assert_num_queries: Any) -> None:
    seen = []

    def watch(run: Any, *said: Any) -> Any:
        seen.append(said[0])
        return run(*said)

    with django_assert_num_queries(1), connection.execute_wrapper(watch):
        one()
    assert seen == ["SELECT %s::int"]


def elsewhere(statement: LiteralString) -> None:
    """Run it over another connection: a client that changes a table itself forgets its plans."""

    def run() -> None:
        with connection.cursor() as cursor:
            cursor.execute(statement)
        connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()


def test_a_plan_of_before_a_migration_costs_one_statement_and_not_a_connection_for_ever() -> None:
    def look() -> None:
        with prepared.execute("SELECT n FROM test_prepared", []) as cursor:
            cursor.fetchall()

    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE test_prepared (n int)")
    try:
        look()
        elsewhere("ALTER TABLE test_prepared ALTER n TYPE bigint")
        with pytest.raises(NotSupportedError):
            look()
        connection.close()
        look()
    finally:
        with connection.cursor() as cursor:
            cursor.execute("DROP TABLE test_prepared")
