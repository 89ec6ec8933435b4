"""Sagas against the real database."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.db import connection

from sagas import definitions
from tests.integration.sagas.shop import Shop


@pytest.fixture
def shop(transactional_db: None) -> Iterator[Shop]:
    """A shop whose every effect is in a ledger, local ones in a table."""
    before = dict(definitions._KNOWN)
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE IF NOT EXISTS test_sagas_ledger (key text NOT NULL)")
        cursor.execute("TRUNCATE test_sagas_ledger")
    yield Shop()
    definitions._KNOWN.clear()
    definitions._KNOWN.update(before)
