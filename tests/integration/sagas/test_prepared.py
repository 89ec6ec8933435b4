"""What the engine says often is planned once for each connection, and is right where nothing may be."""

from __future__ import annotations

import pytest
from django.conf import settings
from django.db import DataError, connection, transaction
from django.db.transaction import TransactionManagementError

from reliability import settings as project
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
        options = project._database(f"postgresql://a@b/c?{words}")["OPTIONS"]
        assert options["prepare_threshold"] == meant
    assert options["sslmode"] == "require"


def test_its_errors_are_djangos_and_a_broken_transaction_is_told() -> None:
    with pytest.raises(DataError), prepared.execute("SELECT 1 / %s::int", [0]):
        pass
    with transaction.atomic():
        transaction.set_rollback(True)
        with pytest.raises(TransactionManagementError):
            one()
