"""Whether a region changed is decided by its rows."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

from reliability.live import fragment


def test_equal_rows_have_one_version_whatever_the_order_of_keys() -> None:
    one = [{"a": 1, "b": datetime(2026, 1, 1, tzinfo=UTC)}, UUID(int=1)]
    other = [{"b": datetime(2026, 1, 1, tzinfo=UTC), "a": 1}, UUID(int=1)]
    assert fragment.version_of(one) == fragment.version_of(other)


def test_other_rows_have_another_version() -> None:
    assert fragment.version_of([1, 2]) != fragment.version_of([2, 1])
    assert fragment.version_of(["a", "b"]) != fragment.version_of(["ab"])
