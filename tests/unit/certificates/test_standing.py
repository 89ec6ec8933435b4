"""What a certificate's date means."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from reliability.certificates.domain.standing import Role, Seen, is_due, judged

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)


def seen(
    *, ends_in: timedelta | None, looked: timedelta | None = timedelta(0), role: Role = "server", error: str = ""
) -> Seen:
    return Seen(
        name="kafka main b:9093",
        role=role,
        where="b:9093",
        ends_at=None if ends_in is None else NOW + ends_in,
        looked_at=None if looked is None else NOW - looked,
        error=error,
    )


@pytest.mark.parametrize(
    ("ends_in", "status", "word"),
    [
        (timedelta(days=400), "ok", "Holds"),
        (timedelta(days=30, seconds=1), "ok", "Holds"),
        (timedelta(days=30), "warn", "Ends soon"),
        (timedelta(days=7, seconds=1), "warn", "Ends soon"),
        (timedelta(days=7), "crit", "Ends soon"),
        (timedelta(seconds=1), "crit", "Ends soon"),
        (timedelta(0), "crit", "Expired"),
        (timedelta(days=-900), "crit", "Expired"),
    ],
)
def test_a_certificate_is_told_before_it_ends(ends_in: timedelta, status: str, word: str):
    found = judged(seen(ends_in=ends_in), now=NOW)
    assert (found.status, found.word) == (status, word)
    assert bool(found.todo) == (status != "ok")
    assert f"{NOW + ends_in:%Y-%m-%d}" in found.sentence


def test_what_was_never_seen_is_unknown_and_says_why():
    found = judged(seen(ends_in=None, looked=None, error="refused"), now=NOW)
    assert (found.status, found.sentence) == ("unknown", "It could not be looked at: refused")
    assert "b:9093" in found.todo


def test_what_was_seen_long_ago_is_never_called_well():
    old = timedelta(hours=4)
    found = judged(seen(ends_in=timedelta(days=400), looked=old, error="refused"), now=NOW)
    assert found.status == "unknown"
    assert "last looked at 4 hours ago: refused" in found.sentence
    assert judged(seen(ends_in=timedelta(days=-1), looked=old), now=NOW).word == "Expired"
    assert judged(seen(ends_in=timedelta(days=3), looked=old), now=NOW).status == "crit"


@pytest.mark.parametrize("role", ["server", "client", "authority"])
def test_each_role_has_something_to_do(role: Role):
    assert "b:9093" in judged(seen(ends_in=timedelta(days=3), role=role), now=NOW).todo


def test_a_look_is_due_once_an_hour_and_sooner_after_one_that_failed():
    hour, moment = timedelta(hours=1), timedelta(seconds=1)
    assert is_due(looked_at=None, tried_at=None, now=NOW)
    assert not is_due(looked_at=NOW - hour + moment, tried_at=NOW - hour + moment, now=NOW)
    assert is_due(looked_at=NOW - hour, tried_at=NOW - hour, now=NOW)
    assert is_due(looked_at=NOW - hour, tried_at=NOW - timedelta(minutes=5), now=NOW)
    assert not is_due(looked_at=None, tried_at=NOW - timedelta(minutes=4), now=NOW)
