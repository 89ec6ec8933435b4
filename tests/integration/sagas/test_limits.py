"""The engine on the real database: limits, versions, big data, long histories, leases."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from django.db import connection

import sagas
from reliability.kernel.errors import Permanent, Transient
from sagas import definitions
from sagas.domain.state import Effect, Parked, Status
from sagas.engine.running import CLAIMS_MAX, LEASE_S, Runner
from sagas.engine.working import known
from sagas.models import Saga, Snapshot
from sagas.operations import claims, rebuilding
from sagas.queries import histories, verifying
from tests.support.sagas import Shop, claim, due_now, raising, run, start, state

pytestmark = pytest.mark.django_db(transaction=True)


def agree() -> None:
    assert list(verifying.differences()) == []


def test_what_kills_every_worker_is_left_to_a_person(shop: Shop) -> None:
    saga_id = start(shop.order())
    for _ in range(CLAIMS_MAX):
        assert claim() is not None
        due_now()
    run()
    assert state(saga_id).parked == Parked.CRASHES
    assert shop.calls == []


def test_a_definition_that_is_gone_waits_for_its_code(shop: Shop) -> None:
    definition = shop.order()
    saga_id = start(definition)
    definitions.forget("order", 1)
    assert run() == 0
    Saga.objects.update(look_at=histories.database_now() - sagas.minutes(1))
    assert claims.postpone(known=known(), postpone_s=30) == 1
    due_now()
    shop.order()
    run()
    assert state(saga_id).status is Status.COMPLETED


def test_a_saga_keeps_the_version_it_began_with(shop: Shop) -> None:
    shop.then("charge", raising(Transient("busy")))
    saga_id = start(shop.order(version=1))
    claimed = claim()
    assert claimed is not None
    Runner(claimed, dice=lambda: 0.9).run()
    shop.order(version=2)
    due_now()
    run()
    assert (state(saga_id).definition_version, state(saga_id).status) == (1, Status.COMPLETED)


def test_a_megabyte_of_data(shop: Shop) -> None:
    big = "x" * 1_000_000
    shop.then("charge", lambda data, key: {"answer": big, "nul": "a\x00b"})
    saga_id = start(shop.order(), data={"order": big})
    run()
    assert state(saga_id).data == {"order": big, "answer": big, "nul": "a\x00b"}
    agree()


@pytest.mark.parametrize("result", [{"x": object()}, "text", {"x": "y" * 5_000_000}, {"x": float("nan"), "y": {1, 2}}])
def test_a_result_that_cannot_be_kept_is_not_taken_for_a_failure(shop: Shop, result: Any) -> None:
    shop.then("charge", lambda data, key: result)
    saga_id = start(shop.order())
    run()
    assert state(saga_id).parked == Parked.UNKNOWN
    assert "it was done, but its result is lost" in state(saga_id).reason
    assert shop.calls.count("charge") == 1


def test_a_long_history_is_read_from_its_snapshot(shop: Shop) -> None:
    quick = sagas.retry(60, base=sagas.seconds(0.001))
    shop.then("charge", *[raising(Transient("busy"))] * 40)
    saga_id = start(shop.order(retry=quick))
    run()
    assert Snapshot.objects.get().version >= 50
    assert histories.load(saga_id) == state(saga_id)
    assert state(saga_id).state_of("charge").do.attempts == 41
    agree()


def test_a_row_that_is_wrong_is_found_and_made_anew(shop: Shop) -> None:
    shop.then("charge", raising(Permanent("no")))
    saga_id = start(shop.order())
    run()
    Saga.objects.update(status="completed", error="nothing")
    assert {each.column for each in verifying.differences()} == {"status", "error"}
    rebuilding.rebuild(saga_id)
    agree()


def test_a_long_local_step_is_cut_off_by_its_timeout(shop: Shop) -> None:
    def sleep(data: Mapping[str, Any], key: str) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_sleep(30)")

    definition = sagas.saga(
        "slow",
        steps=[sagas.step("a", do=shop.local("a"), local=True, timeout=sagas.seconds(0.2), retry=sagas.once())],
    )
    shop.then("a", sleep)
    saga_id = start(definition)
    run()
    assert state(saga_id).status is Status.COMPENSATED
    assert "statement timeout" in state(saga_id).reason
    assert shop.ledger() == []


def test_a_lease_is_kept_while_a_call_lasts(shop: Shop) -> None:
    seen = []
    definition = shop.order(timeout=sagas.seconds(60))
    held: list[claims.Held | None] = []

    def long(data: Mapping[str, Any], key: str) -> None:
        before = Saga.objects.get().look_at
        Saga.objects.update(look_at=histories.database_now())
        assert held[-1] is not None
        assert claims.keep([held[-1]], lease_s=LEASE_S) == 1
        seen.append((before, Saga.objects.get().look_at))

    shop.then("charge", long)
    start(definition)
    claimed = claim()
    assert claimed is not None
    Runner(claimed, holding=held.append).run()
    ((before, after),) = seen
    assert after >= before
    assert held[-1] is None


def test_effects_are_words_of_the_state(shop: Shop) -> None:
    shop.then("charge", raising(sagas.Unknown("no answer")))
    start(shop.order())
    run()
    row = Saga.objects.get()
    assert (row.step, row.side, row.effect, row.status) == ("charge", "do", Effect.UNKNOWN, "needs_operator")
