"""Sagas against the real database."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support import sagas
from tests.support.sagas import Shop


@pytest.fixture
def shop(transactional_db: None) -> Iterator[Shop]:
    """A shop whose every effect is in a ledger, local ones in a table."""
    with sagas.opened() as made:
        yield made
