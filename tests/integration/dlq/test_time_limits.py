"""Several looks at the letters have one limit of time together."""

from __future__ import annotations

import time
from typing import Any

import pytest
from django.db import connection

from dlq.domain.scope import Scope
from dlq.operations import plans
from dlq.queries import limits
from tests.support.replays import World


def sleep_s(seconds: float) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_sleep(%s)", [seconds])


@pytest.mark.django_db
def test_statements_share_what_is_left() -> None:
    with limits.in_all(1.0):
        with limits.at_most(5):
            sleep_s(0.6)
        with pytest.raises(limits.TooSlow), limits.at_most(5):
            sleep_s(0.6)
        with pytest.raises(limits.TooSlow), limits.at_most(5):
            pytest.fail("there is no time left")
    with limits.at_most(5):
        sleep_s(0.6)


def test_a_plan_takes_no_longer_for_looking_more_than_once(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.letters(1)
    monkeypatch.setattr(limits, "SCOPE_S", 0.5)

    def slowly(execute: Any, sql: str, *rest: Any) -> Any:
        if 'FROM "dlq_letter"' in sql:
            time.sleep(0.3)
        return execute(sql, *rest)

    with connection.execute_wrapper(slowly), pytest.raises(limits.TooSlow):
        plans.draw(scope=Scope(filter="key:k0"), terms=plans.terms(), actor=world.operator, now=world.now)
