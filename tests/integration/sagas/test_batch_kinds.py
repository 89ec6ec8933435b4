"""Kinds of bulk acts beside those on sagas: what another module may rely on."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import pytest
from django.db import connection

from reliability import audit
from reliability.access import Role
from reliability.access.models import Account
from reliability.audit.models import Entry
from sagas.domain.batching import CannotNow, Drawn, Planned, State
from sagas.models import Batch
from sagas.operations import batches
from sagas.operations.batches import working
from sagas.operations.batches.kinds import Item, Kind
from tests.support import actors
from tests.support.batches import begin, items, work

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def ana(transactional_db: None) -> Account:
    return actors.account(Role.OPERATOR)


def looking(look: Callable[[Item], Any], done: list[object]) -> Kind:
    """A kind of another module: it looks at something slow before each item, and keeps what it saw."""

    def draw(what: Mapping[str, Any], asked: Mapping[str, Any], now: datetime) -> Drawn:
        planned = [
            Planned(target=each, label=each, version=1, follows="is noted", details={"seen": each.upper()})
            for each in asked["names"]
        ]
        return Drawn(title="note", what=what, filter=asked, items=planned)

    def do(item: Item, entry: audit.Draft, seen: object) -> str:
        assert connection.in_atomic_block
        done.append((item.target, item.details["seen"], seen))
        return "noted"

    return Kind(name="notes", right="reconcile.repair", one="note", many="notes", draw=draw, do=do, look=look)


def test_another_kind_looks_before_the_transaction_and_gets_its_details_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    done: list[object] = []

    def look(item: Item) -> str:
        assert not connection.in_atomic_block
        if item.target == "gone":
            raise CannotNow("It is gone.")
        return f"saw {item.target}"

    monkeypatch.setattr(working.table, "KINDS", {"notes": looking(look, done)})
    batch = batches.plan(kind="notes", what={}, asked={"names": ["a", "gone", "b"]}, actor=actors.actor())
    begin(batch)
    assert work(batch) == 3
    assert done == [("a", "A", "saw a"), ("b", "B", "saw b")]
    assert [(item.state, item.message) for item in items(batch)] == [
        ("done", "noted"),
        ("refused", "It is gone."),
        ("done", "noted"),
    ]
    assert batch.state == State.DONE
    assert Entry.objects.filter(act="reconcile.repair", outcome="done").count() == 3


def test_while_one_looks_another_leaves_it_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[object] = []
    beside: list[bool] = []

    def look(item: Item) -> str:
        thread = threading.Thread(target=lambda: (beside.append(batches.step(batch.id)), connection.close()))
        thread.start()
        thread.join(10)
        return "seen"

    monkeypatch.setattr(working.table, "KINDS", {"notes": looking(look, done)})
    batch = batches.plan(kind="notes", what={}, asked={"names": ["a", "b"]}, actor=actors.actor())
    begin(batch)
    assert work(batch) == 2
    assert (beside, [target for target, _, _ in done]) == ([False, False], ["a", "b"])  # type: ignore[misc]


def test_who_looks_too_long_may_have_company_and_one_does_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(working, "LOOK_LEASE_S", 0.001)
    done: list[object] = []
    both = threading.Barrier(2, timeout=10)

    def look(item: Item) -> str:
        if item.number == 1:
            both.wait()
        return "seen"

    monkeypatch.setattr(working.table, "KINDS", {"notes": looking(look, done)})
    batch = batches.plan(kind="notes", what={}, asked={"names": ["a", "b", "c"]}, actor=actors.actor())
    begin(batch)

    def worker() -> None:
        while Batch.objects.get().state == State.RUNNING:
            batches.step(batch.id)
        connection.close()

    threads = [threading.Thread(target=worker) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    batch.refresh_from_db()
    assert sorted(done) == [("a", "A", "seen"), ("b", "B", "seen"), ("c", "C", "seen")]
    assert batch.state == State.DONE
