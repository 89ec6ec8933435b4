"""One breaker that somebody or something has made strange takes nothing away from the others."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from reliability.access import Role
from reliability.breakers import connection
from reliability.breakers.domain import machine
from reliability.breakers.domain.machine import Override
from reliability.breakers.models import Breaker
from reliability.breakers.operations import acting, telling
from reliability.breakers.queries import wall
from reliability.breakers.recorder.recording import step
from reliability.breakers.stores.shared import RedisStore
from reliability.kernel.clock import SYSTEM
from tests.integration.breakers.conftest import Shared
from tests.integration.breakers.test_agents import RULES, Process, in_time
from tests.support import actors
from tests.support.network import refusing_port

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("clean_redis")]


@pytest.fixture
def process() -> Process:
    made = Process(Shared(RedisStore(), lambda seconds: None), "a", rules=RULES)
    made.calls(30)
    step(now=SYSTEM.now())
    return made


def test_a_fault_of_the_rules_reaches_no_caller_and_the_next_rules_are_heard(
    process: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*args: Any, **named: Any) -> Any:
        raise OverflowError("numerical result out of range")

    with monkeypatch.context() as patched:
        patched.setattr(machine, "counted", broken)
        assert process.calls(25, fails=True) == {"failed": 25}
        in_time(process)
        process.agent.look()
    row = Breaker.objects.get()
    olga = actors.actor(Role.OPERATOR, name="olga")
    acting.change_rules("payments", {"minimum": 7}, version=row.rules_version, actor=olga, reason="r", now=SYSTEM.now())
    in_time(process)
    process.agent.look()
    assert process.breaker.guard.rules.minimum == 7


def test_an_entry_of_the_log_that_cannot_be_read_is_passed_over(process: Process) -> None:
    fields = {"name": "payments", "at": "1", "before": "", "after": '{"state": "open", "gen": 2, "open_until": 1e300}'}
    connection.client().xadd(connection.LOG, fields)
    process.calls(60, fails=True)
    assert step(now=SYSTEM.now()) == 1
    assert step(now=SYSTEM.now()) == 0


def test_a_breaker_that_cannot_be_told_keeps_no_other_from_being_told(process: Process) -> None:
    Breaker.objects.filter(name="payments").update(rules={"minimum": 10**30}, rules_version=1)
    Breaker.objects.create(
        name="zebra",
        first_seen_at=SYSTEM.now(),
        override="forced_open",
        override_until=SYSTEM.now() + timedelta(hours=1),
        override_number=1,
    )
    telling.tell(now=SYSTEM.now())
    kept = RedisStore().read(["zebra"])["zebra"].breaker
    assert kept is not None
    assert kept.override is Override.FORCED_OPEN


def test_what_was_decided_while_the_store_is_away_is_shown_with_that_nobody_knows_it(
    process: Process, client: Client, settings: Any
) -> None:
    settings.REDIS_URL = f"redis://127.0.0.1:{refusing_port()}/0"
    olga = actors.account(Role.OPERATOR, name="olga")
    acting.override(
        "payments",
        Override.FORCED_OPEN,
        lasts=timedelta(hours=1),
        number=0,
        actor=actors.actor(Role.OPERATOR, name="olga"),
        reason="vendor asks",
        now=SYSTEM.now(),
    )
    (look,) = wall.wall(now=SYSTEM.now(), name="payments").looks
    assert (look.override, look.is_told) == (Override.FORCED_OPEN, False)
    client.force_login(olga.user)
    page = client.get("/breakers/payments/").content.decode()
    assert "Forced open" in page
    assert "The fleet does not know yet" in page
    assert 'id="take-back"' in page
    assert "not told yet" in client.get("/breakers/").content.decode()


def test_a_breaker_whose_processes_are_gone_needs_nobody(process: Process, client: Client) -> None:
    process.calls(60, fails=True)
    step(now=SYSTEM.now())
    connection.client().delete(connection.PROCESSES, connection.PROCESSES_AT)
    found = wall.wall(now=SYSTEM.now())
    assert [look.is_named for look in found.looks] == [False]
    client.force_login(actors.account(Role.VIEWER, name="vic").user)
    assert "is not called: its breaker is open" not in client.get("/").content.decode()


@pytest.mark.parametrize("name", ["p%00q", "%FF", "x" * 300, "..%2f"])
def test_a_name_that_is_none_is_not_here(process: Process, client: Client, name: str) -> None:
    client.force_login(actors.account(Role.VIEWER, name="vic").user)
    assert client.get(f"/breakers/{name}/").status_code == 404
